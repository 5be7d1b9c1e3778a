/**
 * Resize and Upsample. In order of preference: ResizeNearestNeighbor or ResizeBilinear where they give exactly the same; a Gather or a
 * constant matrix per axis where sizes and scales are known; the same computed by the graph where they are not.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, floats, ints, oneOf, optionalFloat, required } from "../schema.ts";
import { extrapolate, isImage, type KnownAxis, type ResizeAxis, resizeByTaps, resizeImage } from "./resize-forms.ts";
import { resizeRun } from "./resize-run.ts";
import {
  bilinearEquals,
  type Mode,
  nearestEquals,
  type Resized,
  type Sampling,
  type Tap,
  tapsOf,
  type Variant,
  variants,
} from "./taps.ts";

function resize(b: Builder, x: Value, axes: readonly ResizeAxis[], sampling: Sampling, extrapolation: number): Value {
  const moved = axes.filter((axis) => !isIdentity(axis, sampling));
  if (moved.length === 0) return x;
  const known = moved.map(knownAxis);
  if (known.every((axis) => axis !== undefined)) return resizeKnown(b, x, known, sampling, extrapolation);
  const variant = isImage(x, moved) ? openVariant(moved, sampling) : undefined;
  if (!variant || sampling.mode === "cubic") return resizeRun(b, x, moved, sampling, extrapolation);
  const input = sampling.coordinates === "pytorch_half_pixel" ? firstWhereSingle(b, x, moved) : x;
  return resizeImage(b, input, moved, sampling.mode, variant);
}

/** The number in a vector of one element, where it is known. */
const numberIn = (value: Value | undefined): number | undefined => {
  const tensor = value && constantOf(value);
  return tensor && Number(tensor.data[0]);
};

/** The same size and the same scale; a region of interest moves elements all the same. */
function isIdentity({ input, size, scale }: ResizeAxis, { coordinates }: Sampling): boolean {
  if (coordinates === "tf_crop_and_resize") return false;
  const output = size.elements?.[0] ?? numberIn(size);
  return numberIn(scale) === 1 || (input !== undefined && output === input && numberIn(scale) === undefined);
}

function knownAxis(axis: ResizeAxis): KnownAxis | undefined {
  const [output, scale] = [numberIn(axis.size), numberIn(axis.scale)];
  const roi = axis.roi ? [numberIn(axis.roi[0]), numberIn(axis.roi[1])] : [0, 1];
  if (
    typeof axis.input !== "number" ||
    output === undefined ||
    scale === undefined ||
    roi[0] === undefined ||
    roi[1] === undefined
  )
    return undefined;
  const numbers: Resized = { input: axis.input, output, scale, roi: [roi[0], roi[1]] };
  return { ...axis, numbers };
}

function resizeKnown(b: Builder, x: Value, axes: readonly KnownAxis[], sampling: Sampling, extrapolation: number): Value {
  const taps = new Map(axes.map((axis) => [axis.axis, tapsOf(axis.numbers, sampling)]));
  const variant = imageVariant(x, axes, taps, sampling.mode);
  if (variant && sampling.mode !== "cubic") return resizeImage(b, x, axes, sampling.mode, variant);
  const y = axes.reduce((value, axis) => resizeByTaps(b, value, axis, taps.get(axis.axis)!), x);
  return sampling.coordinates === "tf_crop_and_resize" ? extrapolate(b, y, taps, extrapolation) : y;
}

/** The variant of TensorFlow's op that makes every output element of the same input elements, if there is one. */
function imageVariant(
  x: Value,
  axes: readonly KnownAxis[],
  taps: ReadonlyMap<number, readonly Tap[]>,
  mode: Mode,
): Variant | undefined {
  if (mode === "cubic" || !isImage(x, axes)) return undefined;
  const equals = mode === "nearest" ? nearestEquals : bilinearEquals;
  return variants.find((variant) => axes.every(({ axis, numbers }) => equals(taps.get(axis)!, numbers.input, variant)));
}

/** Sizes on which a whole scale is tried: what holds for them holds for all, since the pattern repeats with every input element. */
const samples = [4, 5, 7];

/** The variant that is the same whatever the sizes are. */
function openVariant(axes: readonly ResizeAxis[], s: Sampling): Variant | undefined {
  if (s.antialias || s.mode === "cubic" || s.coordinates === "tf_crop_and_resize") return undefined;
  const scales = axes.map(({ scaled, scale }) => (scaled ? numberIn(scale) : undefined));
  if (axes.some(({ scaled }, i) => scaled && !(Number.isInteger(scales[i]) && scales[i]! >= 1))) return undefined;
  if (s.mode === "linear") {
    if (s.coordinates === "half_pixel" || s.coordinates === "pytorch_half_pixel") return variants[0];
    if (s.coordinates === "align_corners") return variants[1];
    return s.coordinates === "asymmetric" ? variants[2] : undefined;
  }
  if (axes.every(({ scaled }) => !scaled))
    return s.coordinates === "asymmetric" && s.rounding === "floor" ? variants[2] : undefined;
  const equals = (variant: Variant, scale: number) =>
    samples.every((input) => nearestEquals(tapsOf({ input, output: input * scale, scale, roi: [0, 1] }, s), input, variant));
  return variants.find((variant) => scales.every((scale) => scale !== undefined && equals(variant, scale)));
}

/** pytorch_half_pixel takes the first element where the output has one: cutting the input to it makes every formula do so. */
function firstWhereSingle(b: Builder, x: Value, axes: readonly ResizeAxis[]): Value {
  const risky = axes.filter(({ scaled, scale, size }) => !(scaled && numberIn(scale)! >= 2) && !((numberIn(size) ?? 0) > 1));
  if (risky.length === 0) return x;
  const size = x.shape.map((_, axis) => {
    const found = risky.find((each) => each.axis === axis);
    return found ? b.op("SelectV2", [b.op("Equal", [found.size, b.ints([1])]), b.ints([1]), b.dim(x, axis)]) : b.dim(x, axis);
  });
  return b.op("Slice", [x, b.ints(x.shape.map(() => 0)), b.concat(size, 0)]);
}

/** Element `i` of a vector, as a vector of one. */
const element = (b: Builder, vector: Value, i: number): Value => b.slice(vector, [i], [1]);

/** An empty tensor stands for an input that is not given. */
const given = (value: Value | undefined): Value | undefined =>
  value?.type.shape?.length === 1 && value.type.shape[0] === 0 ? undefined : value;

/** All entries of a vector that belong to the axes, its length checked. */
function entries(b: Builder, vector: Value, count: number, what: string, at: At): readonly Value[] {
  const length = vector.shape[0];
  if (typeof length === "number" && length !== count) throw at.invalid(`${length} ${what} where ${count} are wanted`);
  return Array.from({ length: count }, (_, i) => element(b, vector, i));
}

/** Sizes are the input's times the scale, rounded down, in float32 as onnxruntime computes them. */
function axesByScale(
  b: Builder,
  x: Value,
  axes: readonly number[],
  scales: Value,
  rois: readonly (readonly [Value, Value])[] | undefined,
  at: At,
): readonly ResizeAxis[] {
  return entries(b, b.cast(scales, "float32"), axes.length, "scales", at).map((scale, i) => {
    const axis = axes[i]!;
    const known = numberIn(scale);
    if (known !== undefined && !(known > 0)) throw at.invalid(`a scale of ${known}`);
    const inputSize = b.dim(x, axis);
    const roi = rois?.[i];
    const span = roi ? b.op("Sub", [roi[1], roi[0]]) : undefined;
    const length = b.cast(inputSize, "float32");
    const product = b.op("Mul", [span ? b.op("Mul", [length, span]) : length, scale]);
    const whole = !roi && Number.isInteger(known);
    const size = whole ? b.op("Mul", [inputSize, b.ints([known!])]) : b.cast(b.op("Floor", [product]), "int32");
    return { axis, input: x.shape[axis], inputSize, size, scale, scaled: true, roi };
  });
}

type Policy = "stretch" | "not_larger" | "not_smaller";

/** Sizes as given; or under a policy the greatest that fit (the smallest that cover) them at one common scale. */
function axesBySize(
  b: Builder,
  x: Value,
  axes: readonly number[],
  sizes: Value,
  policy: Policy,
  rois: readonly (readonly [Value, Value])[] | undefined,
  at: At,
): readonly ResizeAxis[] {
  const asked = entries(b, b.cast(sizes, "int32"), axes.length, "sizes", at);
  const inputs = axes.map((axis) => b.dim(x, axis));
  const ratios = asked.map((size, i) => b.op("RealDiv", [b.cast(size, "float32"), b.cast(inputs[i]!, "float32")]));
  const common =
    policy === "stretch" ? undefined : b.reduce(policy === "not_larger" ? "Min" : "Max", b.concat(ratios, 0), [0], true);
  return axes.map((axis, i) => {
    const scale = common ?? ratios[i]!;
    const fitted =
      common && b.op("Floor", [b.op("AddV2", [b.op("Mul", [b.cast(inputs[i]!, "float32"), common]), b.scalar("float32", 0.5)])]);
    const size = fitted ? b.cast(fitted, "int32") : asked[i]!;
    return { axis, input: x.shape[axis], inputSize: inputs[i]!, size, scale, scaled: common !== undefined, roi: rois?.[i] };
  });
}

function regions(b: Builder, roi: Value | undefined, count: number, at: At): readonly (readonly [Value, Value])[] {
  if (!roi) throw at.invalid("tf_crop_and_resize without a roi");
  const numbers = entries(b, b.cast(roi, "float32"), 2 * count, "numbers in roi", at);
  return numbers.slice(0, count).map((start, i) => [start, numbers[count + i]!] as const);
}

const resizeAttrs = {
  antialias: bool(false),
  axes: ints(),
  coordinate_transformation_mode: oneOf(
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
  ),
  cubic_coeff_a: float(-0.75),
  exclude_outside: bool(false),
  extrapolation_value: float(0),
  keep_aspect_ratio_policy: oneOf("stretch", "not_larger", "not_smaller"),
  mode: oneOf("nearest", "linear", "cubic"),
  nearest_mode: oneOf("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
};

/** Before opset 11 nothing but the mode could be chosen. */
const oldSampling = (mode: Mode): Sampling => ({
  mode,
  coordinates: "asymmetric",
  rounding: "simple",
  cubicA: -0.75,
  excludeOutside: false,
  antialias: false,
});

const everyAxis = (x: Value): readonly number[] => x.shape.map((_, i) => i);
const oldMode = oneOf("nearest", "linear", "bilinear", "cubic", "bicubic");
const modeOf = (word: string): Mode => (word === "bilinear" ? "linear" : word === "bicubic" ? "cubic" : (word as Mode));

const byScales = (b: Builder, x: Value, scales: Value, word: string, at: At): Value =>
  resize(b, x, axesByScale(b, x, everyAxis(x), scales, undefined, at), oldSampling(modeOf(word)), 0);

const scaleVector = (b: Builder, scales: readonly number[]): Value =>
  b.constant({ dtype: "float32", shape: [scales.length], data: Float32Array.from(scales) });

export const resizes: readonly Rule[] = [
  rule("Resize", { since: 10, arity: [2, 2], attrs: { mode: oldMode } }, (b, [x, scales], a, at) => [
    byScales(b, x, scales, a.mode, at),
  ]),
  rule("Resize", { since: 11, arity: [1, 4], attrs: resizeAttrs }, (b, [x, roi, scaleInput, sizeInput], a, at) => {
    const axes = a.axes?.map((axis) => normalAxis(axis, x.rank)) ?? everyAxis(x);
    const rois = a.coordinate_transformation_mode === "tf_crop_and_resize" ? regions(b, given(roi), axes.length, at) : undefined;
    const [scales, sizes] = [given(scaleInput), given(sizeInput)];
    const sampling: Sampling = {
      mode: a.mode,
      coordinates: a.coordinate_transformation_mode,
      rounding: a.nearest_mode,
      cubicA: a.cubic_coeff_a,
      excludeOutside: a.exclude_outside,
      antialias: a.antialias && a.mode !== "nearest",
    };
    if (!scales && !sizes) throw at.invalid("neither scales nor sizes");
    const plans = sizes
      ? axesBySize(b, x, axes, sizes, a.keep_aspect_ratio_policy, rois, at)
      : axesByScale(b, x, axes, scales!, rois, at);
    return [resize(b, x, plans, sampling, a.extrapolation_value)];
  }),
  rule(
    "Upsample",
    {
      since: 1,
      arity: [1, 1],
      attrs: { mode: oldMode, width_scale: optionalFloat(), height_scale: optionalFloat(), scales: floats() },
    },
    (b, [x], a, at) => {
      const scales =
        a.scales ??
        (a.height_scale !== undefined && a.width_scale !== undefined ? [1, 1, a.height_scale, a.width_scale] : undefined);
      if (!scales) throw at.invalid("attribute height_scale or width_scale is missing");
      return [byScales(b, x, scaleVector(b, scales), a.mode, at)];
    },
  ),
  rule("Upsample", { since: 7, arity: [1, 1], attrs: { mode: oldMode, scales: required(floats()) } }, (b, [x], a, at) => [
    byScales(b, x, scaleVector(b, a.scales), a.mode, at),
  ]),
  rule("Upsample", { since: 9, arity: [2, 2], attrs: { mode: oldMode } }, (b, [x, scales], a, at) => [
    byScales(b, x, scales, a.mode, at),
  ]),
];
