/** Normalisations. Reductions and scales are written on N C … as it is; only BatchNormalization of images goes to channels-last, where TF.js has a kernel for it. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, ints } from "../schema.ts";
import { padBy, toFirst, toLast } from "./window.ts";

const from = (x: Value, first: number): number[] => Array.from({ length: x.rank - first }, (_, i) => i + first);

/** A [C] vector as [C, 1, …], so that it meets the channels of N C …. */
function perChannel(b: Builder, v: Value, rank: number): Value {
  return rank <= 2 ? v : b.reshapeTo(v, [v.shape[0], ...new Array<number>(rank - 2).fill(1)]);
}

/** 1 / sqrt(v + epsilon) */
const inverseDeviation = (b: Builder, v: Value, epsilon: number): Value =>
  b.op("Rsqrt", [b.op("AddV2", [v, b.scalar(v.dtype, epsilon)])]);

export interface Moments {
  readonly mean: Value;
  readonly variance: Value;
  /** x − mean */
  readonly centred: Value;
}

/** Mean and population variance over `axes`, dims kept. Two passes: E[x²] − E[x]² loses everything where the mean is large. */
export function moments(b: Builder, x: Value, axes: readonly number[]): Moments {
  const mean = b.reduce("Mean", x, axes, true);
  const centred = b.op("Sub", [x, mean]);
  return { mean, centred, variance: b.reduce("Mean", b.op("Square", [centred]), axes, true) };
}

interface BatchNorm {
  readonly epsilon: number;
  readonly momentum: number;
}

/** y = (x − mean) / sqrt(variance + epsilon) · scale + shift, per channel. */
function normalizeChannels(
  b: Builder,
  x: Value,
  scale: Value,
  shift: Value,
  mean: Value,
  variance: Value,
  epsilon: number,
): Value {
  if (x.rank === 4) {
    const y = b.op("FusedBatchNormV3", [toLast(b, x), scale, shift, mean, variance], {
      epsilon,
      is_training: false,
      data_format: "NHWC",
    });
    return toFirst(b, y, 2);
  }
  const factor = b.op("Mul", [scale, inverseDeviation(b, variance, epsilon)]);
  const offset = b.op("Sub", [shift, b.op("Mul", [mean, factor])]);
  return b.op("AddV2", [b.op("Mul", [x, perChannel(b, factor, x.rank)]), perChannel(b, offset, x.rank)]);
}

/**
 * Statistics of the batch; the running ones move toward them by 1 − momentum. What opsets before 14 save for gradients, the mean and what
 * ONNX calls the variance, is as onnxruntime has it: the inverse of the deviation.
 */
function trainBatch(b: Builder, x: Value, [scale, shift, mean, variance]: readonly Value[], a: BatchNorm): readonly Value[] {
  const batch = moments(b, x, [0, ...from(x, 2)]);
  const deviation = inverseDeviation(b, batch.variance, a.epsilon);
  const y = b.op("AddV2", [
    b.op("Mul", [b.op("Mul", [batch.centred, deviation]), perChannel(b, scale!, x.rank)]),
    perChannel(b, shift!, x.rank),
  ]);
  const flat = (v: Value) => b.squeeze(v, [0, ...from(x, 2)]);
  const moved = (running: Value, now: Value) => {
    const kept = b.op("Mul", [running, b.scalar(running.dtype, a.momentum)]);
    return b.op("AddV2", [kept, b.op("Mul", [b.cast(flat(now), running.dtype), b.scalar(running.dtype, 1 - a.momentum)])]);
  };
  const saved = [batch.mean, deviation].map((v) => b.cast(flat(v), mean!.dtype));
  return [y, moved(mean!, batch.mean), moved(variance!, batch.variance), ...saved];
}

/** All inputs of the type of `x`: since opset 14 they may differ. */
const alike = (b: Builder, x: Value, values: readonly Value[]): readonly Value[] => values.map((value) => b.cast(value, x.dtype));

function batchNorm(
  b: Builder,
  inputs: readonly [Value, Value, Value, Value, Value],
  a: BatchNorm & { spatial: boolean },
  training: boolean,
  at: At,
): readonly Value[] {
  const [x, ...statistics] = inputs;
  const channels = x.shape[1];
  for (const { shape } of statistics)
    if (a.spatial && typeof channels === "number" && typeof shape[0] === "number" && shape[0] !== channels)
      throw at.invalid(`${shape[0]} statistics for ${channels} channels`);
  const [scale, shift, mean, variance] = alike(b, x, statistics) as [Value, Value, Value, Value];
  if (training) return trainBatch(b, x, [scale, shift, ...statistics.slice(2)], a);
  if (a.spatial) return [normalizeChannels(b, x, scale, shift, mean, variance, a.epsilon)];
  // Statistics per element, not per channel.
  const unit = b.op("Mul", [b.op("Sub", [x, mean]), inverseDeviation(b, variance, a.epsilon)]);
  return [b.op("AddV2", [b.op("Mul", [unit, scale]), shift])];
}

const batchAttrs = { epsilon: float(1e-5), momentum: float(0.9) };

/** Old files leave `is_test` out although they hold an inference graph: what tells training is that its outputs are used. */
const trains = (at: At): boolean => [1, 2, 3, 4].some((i) => at.used(i));

const oldBatchNorm = rule(
  "BatchNormalization",
  { since: 1, arity: [5, 5], attrs: { ...batchAttrs, spatial: bool(true), is_test: bool(false), consumed_inputs: ints() } },
  (b, inputs, a, at) => {
    const training = !a.is_test && trains(at);
    if (training && !a.spatial) throw at.unsupported("statistics of a batch element by element");
    return batchNorm(b, inputs, a, training, at);
  },
);

/** (x − mean) · deviation⁻¹ over `axes`. */
function standardize(
  b: Builder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { y: Value; mean: Value; deviation: Value } {
  const { mean, centred, variance } = moments(b, x, axes);
  const deviation = inverseDeviation(b, variance, epsilon);
  return { y: b.op("Mul", [centred, deviation]), mean, deviation };
}

function instanceNorm(b: Builder, x: Value, scale: Value, shift: Value, epsilon: number): Value {
  const { y } = standardize(b, x, from(x, 2), epsilon);
  return b.op("AddV2", [b.op("Mul", [y, perChannel(b, scale, x.rank)]), perChannel(b, shift, x.rank)]);
}

/** ONNX's stash_type: the type in which the statistics are computed. */
const stash = (code: number, x: Value): DType => (code === 1 && x.dtype !== "float64" ? "float32" : x.dtype);

export interface LayerAttrs {
  readonly axis: number;
  readonly epsilon: number;
  readonly stash_type: number;
}

/** Over the trailing axes from `axis` on; mean and inverse deviation are the second and third output. */
export function layerNorm(b: Builder, x: Value, scale: Value, shift: Value | undefined, a: LayerAttrs): readonly Value[] {
  const axes = from(x, normalAxis(a.axis, x.rank));
  const { y, mean, deviation } = standardize(b, b.cast(x, stash(a.stash_type, x)), axes, a.epsilon);
  // onnxruntime's own form of the op, which its optimiser writes, has the scale's type for a result.
  const scaled = b.op("Mul", [b.cast(y, scale.dtype), scale]);
  return [shift ? b.op("AddV2", [scaled, shift]) : scaled, mean, deviation];
}

/** x / sqrt(mean(x²) + epsilon) · scale */
export function rmsNorm(b: Builder, x: Value, scale: Value, a: LayerAttrs): readonly Value[] {
  const axes = from(x, normalAxis(a.axis, x.rank));
  const wide = b.cast(x, stash(a.stash_type, x));
  const deviation = inverseDeviation(b, b.reduce("Mean", b.op("Square", [wide]), axes, true), a.epsilon);
  return [b.op("Mul", [b.cast(b.op("Mul", [wide, deviation]), scale.dtype), scale]), deviation];
}

/** Channels in groups; scale and shift are per channel, or (opset 18) per group. */
export function groupNorm(
  b: Builder,
  x: Value,
  scale: Value,
  shift: Value,
  a: { epsilon: number; num_groups: number; stash_type: number },
  perGroup: boolean,
): Value {
  const groups = a.num_groups;
  const wide = b.cast(x, stash(a.stash_type, x));
  const grouped = b.op("Reshape", [wide, b.concat([b.dim(x, 0), b.ints([groups, -1])], 0)]);
  const { y } = standardize(b, grouped, [2], a.epsilon);
  const apply = (v: Value, rank: number) =>
    b.op("AddV2", [b.op("Mul", [b.cast(v, x.dtype), perChannel(b, scale, rank)]), perChannel(b, shift, rank)]);
  const back = (v: Value) =>
    b.reshapeTo(
      v,
      x.shape,
      from(x, 0).map((axis) => [x, axis] as const),
    );
  return perGroup ? back(apply(y, 3)) : apply(back(y), x.rank);
}

/** An even window reaches one further up than down; TensorFlow's is always odd. */
function localResponseNorm(b: Builder, x: Value, a: { alpha: number; beta: number; bias: number; size: number }): Value {
  const [below, above] = [Math.floor((a.size - 1) / 2), Math.ceil((a.size - 1) / 2)];
  if (x.rank === 4 && below === above) {
    const y = b.op("LRN", [toLast(b, x)], { depth_radius: below, bias: a.bias, alpha: a.alpha / a.size, beta: a.beta });
    return toFirst(b, y, 2);
  }
  const padded = padBy(b, b.op("Square", [x]), [[below, above]], 1, 0);
  const slices = Array.from({ length: a.size }, (_, i) => {
    const end = i + 1 - a.size;
    const mask = { begin_mask: 1, end_mask: end === 0 ? 3 : 1, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
    return b.op("StridedSlice", [padded, b.ints([0, i]), b.ints([0, end]), b.ints([1, 1])], mask);
  });
  const sum = slices.reduce((total, slice) => b.op("AddV2", [total, slice]));
  const scaled = b.op("Mul", [sum, b.scalar(x.dtype, a.alpha / a.size)]);
  return b.op("RealDiv", [x, b.op("Pow", [b.op("AddV2", [scaled, b.scalar(x.dtype, a.bias)]), b.scalar(x.dtype, a.beta)])]);
}

/** Zero mean, unit deviation; the deviation itself, not the variance, is kept from zero. */
function meanVariance(b: Builder, x: Value, axes: readonly number[], divide: boolean): Value {
  const { centred, variance } = moments(b, x, axes);
  if (!divide) return centred;
  return b.op("RealDiv", [centred, b.op("AddV2", [b.op("Sqrt", [variance]), b.scalar(x.dtype, 1e-9)])]);
}

function lpNorm(b: Builder, x: Value, axis: number, p: number, at: At): Value {
  if (p !== 1 && p !== 2) throw at.invalid(`p must be 1 or 2: ${p}`);
  const axes = [normalAxis(axis, x.rank)];
  const norm =
    p === 1 ? b.reduce("Sum", b.op("Abs", [x]), axes, true) : b.op("Sqrt", [b.reduce("Sum", b.op("Square", [x]), axes, true)]);
  return b.op("DivNoNan", [x, norm]);
}

const layerAttrs = { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) };
const groupAttrs = { epsilon: float(1e-5), num_groups: int(1), stash_type: int(1) };

export const norms: readonly Rule[] = [
  oldBatchNorm,
  rule(
    "BatchNormalization",
    { since: 14, arity: [5, 5], attrs: { ...batchAttrs, training_mode: bool(false) } },
    (b, inputs, a, at) => batchNorm(b, inputs, { ...a, spatial: true }, a.training_mode, at),
  ),
  rule(
    "InstanceNormalization",
    { since: 1, arity: [3, 3], attrs: { epsilon: float(1e-5), consumed_inputs: ints() } },
    (b, [x, scale, shift], a) => [instanceNorm(b, x, scale, shift, a.epsilon)],
  ),
  rule("LayerNormalization", { since: 17, arity: [2, 3], attrs: layerAttrs }, (b, [x, scale, shift], a) =>
    layerNorm(b, x, scale, shift, a),
  ),
  rule("RMSNormalization", { since: 23, arity: [2, 2], attrs: layerAttrs }, (b, [x, scale], a) =>
    rmsNorm(b, x, scale, a).slice(0, 1),
  ),
  rule("GroupNormalization", { since: 18, arity: [3, 3], attrs: groupAttrs }, (b, [x, scale, shift], a) => [
    groupNorm(b, x, scale, shift, a, true),
  ]),
  rule("GroupNormalization", { since: 21, arity: [3, 3], attrs: groupAttrs }, (b, [x, scale, shift], a) => [
    groupNorm(b, x, scale, shift, a, false),
  ]),
  rule(
    "LRN",
    { since: 1, arity: [1, 1], attrs: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int(1) } },
    (b, [x], a) => [localResponseNorm(b, x, a)],
  ),
  rule(
    "MeanVarianceNormalization",
    { since: 1, arity: [1, 1], attrs: { across_channels: bool(false), normalize_variance: bool(true) } },
    (b, [x], a) => [meanVariance(b, x, a.across_channels ? from(x, 0) : [0, ...from(x, 2)], a.normalize_variance)],
  ),
  rule("MeanVarianceNormalization", { since: 9, arity: [1, 1], attrs: { axes: ints() } }, (b, [x], a) => [
    meanVariance(
      b,
      x,
      (a.axes ?? [0, 2, 3]).map((axis) => normalAxis(axis, x.rank)),
      true,
    ),
  ]),
  rule("LpNormalization", { since: 1, arity: [1, 1], attrs: { axis: int(-1), p: int(2) } }, (b, [x], a, at) => [
    lpNorm(b, x, a.axis, a.p, at),
  ]),
];
