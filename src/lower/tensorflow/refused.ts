/** Operators that no graph of TF.js can stand for: why, and the way round them. */
import type { Rule } from "../rule.ts";
import { tfRule } from "./attrs.ts";

interface Refusal {
  readonly ops: string;
  readonly reason: string;
  readonly hint?: string;
}

const tensors = "choose a signature that takes tensors with --signature, or save the model with one";

const refusals: readonly Refusal[] = [
  {
    ops: "ParseExample ParseExampleV2 ParseSingleExample ParseSequenceExample ParseTensor DecodeProtoV2 DecodeCSV",
    reason: "serialised records, which TensorFlow's own readers take apart",
    hint: tensors,
  },
  {
    ops: "DecodeJpeg DecodePng DecodeBmp DecodeGif DecodeImage DecodeAndCropJpeg DecodeWav DecodeRaw DecodePaddedRaw DecodeCompressed DecodeBase64",
    reason: "an encoded file as an input: a page decodes it itself and feeds the numbers",
    hint: tensors,
  },
  { ops: "ReadFile MatchingFiles WriteFile", reason: "a file of the machine that runs it", hint: tensors },
  { ops: "PyFunc PyFuncStateless EagerPyFunc", reason: "a function of the Python program that saved it" },
  {
    ops: "XlaCallModule XlaLaunch TPUPartitionedCall TPUPartitionedCallV2 TRTEngineOp",
    reason: "a program compiled for an accelerator, without its graph",
    hint: "save the model again for CPU; of JAX with native_serialization off",
  },
  {
    ops: "SimpleMLCreateModelResource SimpleMLLoadModelFromPathWithHandle SimpleMLInferenceOpWithHandle",
    reason: "a decision forest, which TF.js runs by a package of its own",
    hint: "use @tensorflow/tfjs-tfdf",
  },
  {
    ops: "Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropInput DepthwiseConv2dNativeBackpropFilter MaxPoolGrad AvgPoolGrad FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 BiasAddGrad LRNGrad EluGrad SeluGrad LeakyReluGrad Relu6Grad SoftplusGrad SymbolicGradient",
    reason: "the gradient of another operator: a part of training, not of the model",
    hint: "cut the model before it with --outputs",
  },
  {
    ops: "StringToHashBucket StringToHashBucketStrong",
    reason: "a hash that TF.js does not have",
    hint: "hash the texts before the model",
  },
  { ops: "ParameterizedTruncatedNormal", reason: "random numbers of a distribution that TF.js cannot draw" },
];

/** Why, by operator. */
export const refusedOps: ReadonlyMap<string, string> = new Map(
  refusals.flatMap(({ ops, reason }) => ops.split(" ").map((op) => [op, reason] as const)),
);

export const refused: readonly Rule[] = refusals.flatMap(({ ops, reason, hint }) =>
  ops.split(" ").map((op) =>
    tfRule(op, [0, Number.POSITIVE_INFINITY], {}, (_, __, ___, at) => {
      throw at.unsupported(reason, hint);
    }),
  ),
);
