/** Normalisation over batches, layers and groups, and with constants. */
import type { Dim, Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";

const constant = (b: Builder, like: Value, value: number): Value => b.scalar(like.dtype, value);

function axesOf({ config, at }: LayerCall, x: Value): readonly number[] {
  const axes = (config.has("axis") ? config.list("axis") : [-1]).map((axis) => (axis < 0 ? axis + x.rank : axis));
  if (axes.some((axis) => axis < 0 || axis >= x.rank)) throw at.invalid(`axis is ${axes.join(", ")}`);
  return axes;
}

/** Statistics of training, for each entry of one axis. */
const batchNorm: LayerFn = simple((call, x) => {
  const { b, config, weights, at } = call;
  const [axis, ...more] = axesOf(call, x);
  if (more.length > 0) throw at.unsupported("batch normalisation over several axes");
  const [scaled, centred] = [config.flag("scale", true), config.flag("center", true)];
  const names = [...(scaled ? ["gamma"] : []), ...(centred ? ["beta"] : []), "moving_mean", "moving_variance"];
  const given = [...weights.take(...names)];
  const variance = given.pop()!;
  const mean = given.pop()!;
  const flat = (value: number): Value => {
    const [size] = mean.staticShape ?? [];
    return b.constant(tensorOf(mean.dtype, [size!], new Array<number>(size!).fill(value)));
  };
  const gamma = scaled ? given.shift()! : flat(1);
  const beta = given.shift() ?? flat(0);
  const epsilon = config.number("epsilon", 1e-3);
  if (axis === x.rank - 1 && x.rank === 4)
    return b.op("FusedBatchNormV3", [x, gamma, beta, mean, variance], { epsilon, is_training: false, data_format: "NHWC" });
  const factor = b.op("Mul", [gamma, b.op("Rsqrt", [b.op("AddV2", [variance, constant(b, variance, epsilon)])])]);
  const placed = (value: Value): Value =>
    b.reshape(value, [value.staticShape![0]!, ...new Array<number>(x.rank - 1 - axis!).fill(1)]);
  return b.op("AddV2", [b.op("Mul", [b.op("Sub", [x, placed(mean)]), placed(factor)]), placed(beta)]);
});

/** (x − mean) / √(variance + ε) over the axes of each sample. */
function standardised(b: Builder, x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = b.op("Sub", [x, b.reduce("Mean", x, axes, true)]);
  const variance = b.reduce("Mean", b.op("Square", [centred]), axes, true);
  return b.op("Mul", [centred, b.op("Rsqrt", [b.op("AddV2", [variance, constant(b, x, epsilon)])])]);
}

/** `gamma` and `beta`, as the configuration has them, laid along the axes. */
function scaledBy(call: LayerCall, y: Value, place: (value: Value) => Value): Value {
  const { b, config, weights } = call;
  const names = [...(config.flag("scale", true) ? ["gamma"] : []), ...(config.flag("center", true) ? ["beta"] : [])];
  const values = weights.take(...names);
  return names.reduce((z, name, i) => b.op(name === "gamma" ? "Mul" : "AddV2", [z, place(values[i]!)]), y);
}

const layerNorm: LayerFn = simple((call, x) => {
  const { b, config, at } = call;
  if (config.flag("rms_scaling", false)) throw at.unsupported("rms_scaling");
  const axes = axesOf(call, x);
  return scaledBy(call, standardised(b, x, axes, config.number("epsilon", 1e-3)), (value) => laidAlong(b, x, axes, value));
});

/** x / √(mean of x² + ε), times a scale. */
const rmsNorm: LayerFn = simple((call, x) => {
  const { b, config, weights } = call;
  const axes = axesOf(call, x);
  const square = b.reduce("Mean", b.op("Square", [x]), axes, true);
  const unit = b.op("Mul", [x, b.op("Rsqrt", [b.op("AddV2", [square, constant(b, x, config.number("epsilon", 1e-6))])])]);
  return b.op("Mul", [unit, laidAlong(b, x, axes, weights.take("scale")[0]!)]);
});

/** The sizes of a weight where its axes are, 1 elsewhere. */
function laidAlong(b: Builder, x: Value, axes: readonly number[], value: Value): Value {
  const sizes = value.staticShape!;
  const dims = x.shape.map((_, axis) => (axes.includes(axis) ? sizes[axes.indexOf(axis)]! : 1));
  while (dims[0] === 1 && dims.length > 1) dims.shift();
  return b.reshape(value, dims);
}

/** Channels, the last axis, in groups; over a group and all places of a sample. */
const groupNorm: LayerFn = simple((call, given) => {
  const { b, config, at } = call;
  const [axis] = axesOf(call, given);
  const order = given.shape.map((_, i) => i).filter((i) => i !== axis);
  const back = given.shape.map((_, i) => (i === axis ? given.rank - 1 : i < axis! ? i : i - 1));
  const x = b.transpose(given, [...order, axis!]);
  const channels = x.shape[x.rank - 1];
  if (axis === 0 || typeof channels !== "number") throw at.unsupported("groups of channels whose number is not known");
  const groups = config.number("groups", 32) === -1 ? channels : config.number("groups", 32);
  if (channels % groups !== 0) throw at.invalid(`${channels} channels in ${groups} groups`);
  const split: Dim[] = [...x.shape.slice(0, -1), groups, channels / groups];
  const like = x.shape.map((_, i) => [x, i] as const);
  const apart = b.reshapeTo(x, split, like);
  const axes = split.flatMap((_, i) => (i === 0 || i === x.rank - 1 ? [] : [i]));
  const y = b.reshapeTo(standardised(b, apart, axes, config.number("epsilon", 1e-3)), x.shape, like);
  return b.transpose(
    scaledBy(call, y, (value) => value),
    back,
  );
});

/** x / max(‖x‖, 10⁻⁶) */
const unitNorm: LayerFn = simple((call, x) => {
  const { b } = call;
  const square = b.reduce("Sum", b.op("Square", [x]), axesOf(call, x), true);
  return b.op("Mul", [x, b.op("Rsqrt", [b.op("Maximum", [square, constant(b, x, 1e-12)])])]);
});

/** (x − mean) / max(√variance, ε), of constants that adapting has found. */
const normalization: LayerFn = simple((call, x) => {
  const { b, config, weights, at } = call;
  const axes = config.has("axis") ? axesOf(call, x) : [];
  const given = (name: string, i: number): Value => {
    if (config.has(name))
      return b.constant(tensorOf("float32", axes.length ? [config.list(name).length] : [], config.list(name)));
    const found = weights.list.find((weight) => weight.name.split("/").at(-1) === name) ?? weights.list[i];
    if (!found) throw weights.missing(["mean", "variance"]);
    return found.value;
  };
  const place = (value: Value): Value => {
    const sizes = value.staticShape!;
    if (axes.length !== sizes.filter((size) => size !== 1).length && axes.length > 1)
      throw at.unsupported("statistics over several axes");
    const dims = x.shape.map((_, axis) => (axes.includes(axis) ? sizes.reduce((n, size) => n * size, 1) : 1));
    return b.reshape(value, axes.length === 0 ? [] : dims);
  };
  const mean = place(given("mean", 0));
  const deviation = b.op("Maximum", [b.op("Sqrt", [place(given("variance", 1))]), b.scalar("float32", 1e-7)]);
  const value = b.cast(x, "float32");
  if (config.flag("invert", false)) return b.op("AddV2", [b.op("Mul", [value, deviation]), mean]);
  return b.op("RealDiv", [b.op("Sub", [value, mean]), deviation]);
});

const rescaling: LayerFn = simple(({ b, config }, x) => {
  const value = b.cast(x, "float32");
  const constantOf = (key: string, fallback: number): Value => {
    const list = config.has(key) ? config.list(key) : [fallback];
    return b.constant(tensorOf("float32", list.length === 1 ? [] : [list.length], list));
  };
  return b.op("AddV2", [b.op("Mul", [value, constantOf("scale", 1)]), constantOf("offset", 0)]);
});

export const normLayers: Layers = {
  BatchNormalization: batchNorm,
  BatchNormalizationV1: batchNorm,
  BatchNormalizationV2: batchNorm,
  SyncBatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  GroupNormalization: groupNorm,
  UnitNormalization: unitNorm,
  Normalization: normalization,
  Rescaling: rescaling,
};
