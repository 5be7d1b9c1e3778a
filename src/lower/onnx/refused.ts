/** Operators that are known and cannot be had: each says why, which is more than that nobody has written it. */
import { type Rule, rule } from "../rule.ts";

/** Why, by operator, with its domain unless that is ONNX's own. */
export const refusedOps = new Map<string, string>();

function refused(domain: string, ops: readonly string[], reason: string, hint?: string): Rule[] {
  return ops.map((op) => {
    refusedOps.set(domain === "" ? op : `${domain}.${op}`, reason);
    return rule(op, { since: 1, domain, arity: [0, Number.POSITIVE_INFINITY], attrs: {} }, (_b, _inputs, _a, at) => {
      throw at.unsupported(reason, hint);
    });
  });
}

const ms = "com.microsoft";

export const refusals: readonly Rule[] = [
  ...refused(
    "",
    ["ImageDecoder"],
    "the decoding of image files, which every platform does a little differently",
    "decode before the model and feed pixels",
  ),
  ...refused(
    "ai.onnx.ml",
    ["DictVectorizer", "CastMap"],
    "an input that is a map: TF.js has tensors only",
    "feed the vector that it would make",
  ),
  ...refused("ai.onnx.preview.training", ["Gradient"], "gradients within the graph", "export the model for inference"),
  ...refused(
    ms,
    ["BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"],
    "a whole generation loop in one operator",
    "convert the decoder and write the loop in JavaScript",
  ),
  ...refused(
    ms,
    [
      ...[
        "NhwcConv",
        "NhwcFusedConv",
        "PackedAttention",
        "PackedMultiHeadAttention",
        "PagedAttention",
        "RemovePadding",
        "RestorePadding",
      ],
      ...[
        "LongformerAttention",
        "DecoderAttention",
        "DecoderMaskedSelfAttention",
        "RelativePositionBias",
        "GatedRelativePositionBias",
      ],
      ...["QOrderedAttention", "QOrderedGelu", "QOrderedLayerNormalization", "QOrderedLongformerAttention", "QOrderedMatMul"],
      ...["QuantizeWithOrder", "DequantizeWithOrder", "QuantizeBFP", "DequantizeBFP", "GemmFloat8", "GemmaRotaryEmbedding"],
      ...["Rfft", "Irfft", "ComplexMul", "ComplexMulConj", "MatMulNBitsMlp", "MatMulNBitsQkv", "ReduceSumInteger", "MulInteger"],
      ...["MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight", "GatedDeltaNet"],
    ],
    "what onnxruntime's optimiser writes for GPUs and computes nowhere else, so that no form of it could be compared",
    "optimise the model for the CPU, or not at all",
  ),
  ...refused(
    ms,
    ["EPContext", "Snpe", "OpenVINO_Wrapper"],
    "a part compiled for one execution provider, of which the file holds no graph",
  ),
  ...refused(
    ms,
    [
      "DropoutGrad",
      "BitmaskDropoutGrad",
      "GeluGrad",
      "SoftmaxCrossEntropyLossGrad",
      "InPlaceAccumulatorV2",
      "YieldOp",
      "BitmaskDropout",
      "BitmaskBiasDropout",
      "ConcatTraining",
      "SoftmaxCrossEntropyLossInternal",
      "BiasDropout",
    ],
    "a step of training",
    "export the model for inference",
  ),
];
