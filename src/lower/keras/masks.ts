/** Which steps of a sequence count: Keras carries bools [N, T] beside its tensors, and each layer takes them, hands them on or drops them. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";

/** A mask; or in words why nobody can say what it is, which is a fault only where a layer asks. */
type Mask = Value | string;

/** A value belongs to one lowering, so that the masks of different models do not meet. */
const masks = new WeakMap<Value, Mask>();

/** Layers that hand the mask of their first input on, as `supports_masking` without a `compute_mask` of its own has it. */
const passing: ReadonlySet<string> = new Set([
  ..."Activation ReLU LeakyReLU PReLU ELU ThresholdedReLU Softmax GELU Dense Dropout SpatialDropout1D SpatialDropout2D".split(
    " ",
  ),
  ..."SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization BatchNormalization".split(" "),
  ..."BatchNormalizationV1 BatchNormalizationV2 SyncBatchNormalization LayerNormalization GroupNormalization".split(" "),
  ..."UnitNormalization RMSNormalization Rescaling Identity TimeDistributedDense SpectralNormalization".split(" "),
]);

/** Layers that say themselves what comes out. */
const own: ReadonlySet<string> = new Set([
  ..."Masking Embedding LSTM GRU SimpleRNN CuDNNLSTM CuDNNGRU RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D".split(" "),
  ..."TimeDistributed Add Subtract Multiply Average Maximum Minimum Concatenate Merge".split(" "),
  ..."Attention AdditiveAttention MultiHeadAttention GroupedQueryAttention GroupQueryAttention".split(" "),
]);

/** Layers that a mask may be passed to by keyword. */
export const maskTakers: readonly string[] = [
  ..."LSTM GRU SimpleRNN CuDNNLSTM CuDNNGRU RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D".split(" "),
  // Normalisation takes one for its statistics, in training.
  ..."GlobalAveragePooling1D TimeDistributed Softmax BatchNormalization".split(" "),
];
export const attentionOps: readonly string[] =
  "Attention AdditiveAttention MultiHeadAttention GroupedQueryAttention GroupQueryAttention".split(" ");

export function maskOf(x: Value, at: At): Value | undefined {
  const mask = masks.get(x);
  if (typeof mask === "string") throw at.unsupported(mask);
  return mask;
}

export const knownMask = (x: Value): Mask | undefined => masks.get(x);

/** The value with this mask, or with none: another one where the value itself is seen elsewhere with a different one. */
export function withMask(b: Builder, y: Value, mask: Mask | undefined): Value {
  if (masks.get(y) === mask) return y;
  const fresh = masks.has(y) ? b.op("Reshape", [y, b.op("Shape", [y])]) : y;
  if (mask !== undefined) masks.set(fresh, mask);
  return fresh;
}

/** What a layer gave, with the masks that go with it. */
export function handedOn(
  b: Builder,
  op: string,
  inputs: readonly Value[],
  outputs: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  if (own.has(op)) return outputs;
  const mask = passing.has(op) && inputs[0] ? masks.get(inputs[0]) : undefined;
  return outputs.map((y) => y && withMask(b, y, mask));
}

/** The mask of layers that join inputs elementwise. */
export function joinedMask(b: Builder, inputs: readonly Value[], major: number): Mask | undefined {
  const all = inputs.map((x) => masks.get(x));
  const [first, ...others] = [...new Set(all.filter((mask) => mask !== undefined))];
  if (first === undefined || (others.length === 0 && !all.includes(undefined))) return first;
  const unknown = [first, ...others].find((mask) => typeof mask === "string");
  if (unknown !== undefined) return unknown;
  if (major >= 3) return "masks of joined inputs differ, and versions of Keras 3 join them in different ways";
  return (others as Value[]).reduce((mask, other) => b.op("LogicalAnd", [mask, other]), first as Value);
}

/** The mask of a concatenation of inputs [N, T, …] along the axis. */
export function concatenatedMask(b: Builder, inputs: readonly Value[], axis: number): Mask | undefined {
  const all = inputs.map((x) => masks.get(x));
  if (all.every((mask) => mask === undefined)) return undefined;
  const unknown = all.find((mask) => typeof mask === "string");
  if (unknown !== undefined) return unknown;
  const given = all as readonly (Value | undefined)[];
  if (given.some((mask, i) => mask && mask.rank !== 2 && inputs[i]!.rank < 3))
    return "a concatenated mask that is no row of steps";
  if (axis > 1) return given.filter((mask) => mask !== undefined).reduce((mask, other) => b.op("LogicalAnd", [mask, other]));
  if (axis !== 1) return "a mask of concatenated batches";
  return b.concat(
    given.map((mask, i) => mask ?? b.op("Fill", [b.concat([b.dim(inputs[i]!, 0), b.dim(inputs[i]!, 1)], 0), truth(b)])),
    1,
  );
}

const truth = (b: Builder): Value => b.constant({ dtype: "bool", shape: [], data: Uint8Array.of(1) });
