/**
 * Resize and Upsample. In order of preference: ResizeNearestNeighbor or ResizeBilinear where they give exactly the same, a Gather per
 * axis for any other nearest mode, a constant matrix per axis for everything else.
 */
import { isFloat } from "../../base/dtype.ts";
import type { Dim, Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, floats, ints, oneOf, optionalFloat, required } from "../schema.ts";
import {
  bilinearEquals,
  type Coordinates,
  type Mode,
  nearestEquals,
  type Resized,
  type Sampling,
  type Tap,
  tapsOf,
  type Variant,
  variants,
} from "./taps.ts";

/** One axis to resize; sizes may be unknown, the scale is undefined only then. */
interface Plan {
  readonly axis: number;
  readonly input: Dim;
  readonly output: Dim;
  readonly scale: number | undefined;
  readonly roi: readonly [number, number];
}

type StaticPlan = Plan & Resized;

const isKnown = (plan: Plan): plan is StaticPlan =>
  typeof plan.input === "number" && typeof plan.output === "number" && plan.scale !== undefined;

/** Where the output sizes come from at run time. */
type Sizes = (b: Builder, plan: Plan) => Value;

function resize(
  b: Builder,
  x: Value,
  plans: readonly Plan[],
  sizes: Sizes,
  sampling: Sampling,
  extrapolation: number,
  at: At,
): Value {
  const moved = plans.filter((plan) => !isIdentity(plan, sampling));
  if (moved.length === 0) return x;
  if (!moved.every(isKnown)) return resizeOpen(b, x, moved, sizes, sampling, at);
  const taps = new Map(moved.map((plan) => [plan.axis, tapsOf(plan, sampling)]));
  const variant = imageVariant(x, moved, taps, sampling);
  if (variant) return resizeImage(b, x, moved, (plan) => b.ints([plan.output as number]), sampling.mode, variant);
  const y = moved.reduce((value, plan) => resizeAxis(b, value, plan, taps.get(plan.axis)!), x);
  return sampling.coordinates === "tf_crop_and_resize" ? extrapolate(b, y, taps, extrapolation) : y;
}

/** The same size and the same scale; a region of interest moves elements all the same. */
function isIdentity({ input, output, scale }: Plan, { coordinates }: Sampling): boolean {
  return coordinates !== "tf_crop_and_resize" && scale === 1 && (input === output || input === undefined);
}

/** The variant of TensorFlow's op over the last two axes of a rank 3 or 4 tensor that gives the same, if there is one. */
function imageVariant(
  x: Value,
  plans: readonly StaticPlan[],
  taps: ReadonlyMap<number, readonly Tap[]>,
  { mode }: Sampling,
): Variant | undefined {
  if (mode === "cubic" || !isImage(x, plans)) return undefined;
  const equals = mode === "nearest" ? nearestEquals : bilinearEquals;
  return variants.find((variant) => plans.every((plan) => equals(taps.get(plan.axis)!, plan.input, variant)));
}

const isImage = (x: Value, plans: readonly Plan[]): boolean =>
  (x.rank === 3 || x.rank === 4) && plans.every(({ axis }) => axis >= 2);

/** N C H W, or N C W with H of 1, through TensorFlow's resize of images. */
function resizeImage(
  b: Builder,
  x: Value,
  plans: readonly Plan[],
  sizes: (plan: Plan) => Value,
  mode: Mode,
  variant: Variant,
): Value {
  const flat = x.rank === 3;
  const image = flat ? b.op("ExpandDims", [x, b.scalar("int32", 2)]) : x;
  const size = [2, 3].map((axis) => {
    const plan = plans.find((each) => each.axis + (flat ? 1 : 0) === axis);
    return plan ? sizes(plan) : b.dim(image, axis);
  });
  const op = mode === "nearest" ? "ResizeNearestNeighbor" : "ResizeBilinear";
  const y = b.op(op, [b.transpose(image, [0, 2, 3, 1]), b.concat(size, 0)], { ...variant });
  const first = b.transpose(b.cast(y, x.dtype), [0, 3, 1, 2]);
  return flat ? b.squeeze(first, [2]) : first;
}

function resizeAxis(b: Builder, x: Value, { axis, input, output }: StaticPlan, taps: readonly Tap[]): Value {
  if (taps.every((tap) => tap.size === 1)) return b.gather(x, b.ints(taps.map((tap) => [...tap.keys()][0]!)), axis);
  const matrix = new Float32Array(input * output);
  taps.forEach((tap, i) => {
    for (const [j, weight] of tap) matrix[j * output + i] = weight;
  });
  const type = isFloat(x.dtype) ? x.dtype : "float32";
  return b.cast(contract(b, b.cast(x, type), axis, b.constant(tensorOf(type, [input, output], matrix))), x.dtype);
}

/** x with `axis` multiplied by a matrix [in, out]. */
function contract(b: Builder, x: Value, axis: number, matrix: Value): Value {
  const order = x.shape.map((_, i) => i).filter((i) => i !== axis);
  const perm = [...order, axis];
  const rows = b.transpose(x, perm);
  const product = b.op("MatMul", [b.reshape(rows, [-1, matrix.shape[0] as number]), matrix]);
  const like = rows.shape.map((_, i) => [rows, i] as const);
  const back = b.reshapeTo(product, [...rows.shape.slice(0, -1), matrix.shape[1]], like);
  return b.transpose(
    back,
    x.shape.map((_, i) => perm.indexOf(i)),
  );
}

/** Rows without a tap are zero; the value belongs wherever any axis is outside. */
function extrapolate(b: Builder, y: Value, taps: ReadonlyMap<number, readonly Tap[]>, value: number): Value {
  const rows = y.shape.map((_, axis) => taps.get(axis)?.map((tap) => (tap.size > 0 ? 1 : 0)) ?? [1]);
  if (value === 0 || rows.every((row) => row.every((inside) => inside))) return y;
  const inside = rows.reduce<number[]>((products, row) => products.flatMap((p) => row.map((bit) => p * bit)), [1]);
  const outside = tensorOf(
    y.dtype,
    rows.map((row) => row.length),
    inside.map((bit) => (1 - bit) * value),
  );
  return b.op("AddV2", [y, b.constant(outside)]);
}

/** Sizes that only the run knows: TensorFlow's op where it is the same for every size. */
function resizeOpen(b: Builder, x: Value, plans: readonly Plan[], sizes: Sizes, sampling: Sampling, at: At): Value {
  const variant = isImage(x, plans) ? openVariant(plans, sampling) : undefined;
  if (!variant)
    throw at.unsupported(
      `${sampling.mode} resize with ${sampling.coordinates} of a size that is not known`,
      "give the input's shape with --input",
    );
  const guarded = sampling.coordinates === "pytorch_half_pixel" ? firstWhereSingle(b, x, plans, sizes) : x;
  return resizeImage(b, guarded, plans, (plan) => sizes(b, plan), sampling.mode, variant);
}

/** Sizes on which a whole scale is tried: what holds for them holds for all, since the pattern repeats with every input element. */
const samples = [4, 5, 7];

function openVariant(plans: readonly Plan[], s: Sampling): Variant | undefined {
  if (s.antialias || s.mode === "cubic" || s.coordinates === "tf_crop_and_resize") return undefined;
  const whole = plans.every(({ scale }) => scale === undefined || (Number.isInteger(scale) && scale >= 1));
  const given = plans.every(({ scale }) => scale === undefined);
  if (s.mode === "linear" && whole) {
    if (s.coordinates === "half_pixel" || s.coordinates === "pytorch_half_pixel") return variants[0];
    if (s.coordinates === "align_corners") return variants[1];
    return s.coordinates === "asymmetric" ? variants[2] : undefined;
  }
  if (s.mode === "nearest" && given && s.coordinates === "asymmetric" && s.rounding === "floor") return variants[2];
  if (s.mode === "nearest" && whole && !given) {
    const equals = (variant: Variant, scale: number) =>
      samples.every((input) => nearestEquals(tapsOf({ input, output: input * scale, scale, roi: [0, 1] }, s), input, variant));
    return variants.find((variant) => plans.every(({ scale }) => scale !== undefined && equals(variant, scale)));
  }
  return undefined;
}

/** pytorch_half_pixel takes the first element where the output has one: cutting the input to it makes every formula do so. */
function firstWhereSingle(b: Builder, x: Value, plans: readonly Plan[], sizes: Sizes): Value {
  const risky = plans.filter(
    ({ scale, output }) => !(scale !== undefined && scale >= 2) && !(typeof output === "number" && output > 1),
  );
  if (risky.length === 0) return x;
  const size = x.shape.map((_, axis) => {
    const plan = risky.find((each) => each.axis === axis);
    return plan ? b.op("SelectV2", [b.op("Equal", [sizes(b, plan), b.ints([1])]), b.ints([1]), b.dim(x, axis)]) : b.dim(x, axis);
  });
  return b.op("Slice", [x, b.ints(x.shape.map(() => 0)), b.concat(size, 0)]);
}

/** A scale that the file gives; the size is rounded down, in float32 as onnxruntime does. */
function scaledPlan(axis: number, input: Dim, scale: number, roi: readonly [number, number], crop: boolean, at: At): Plan {
  if (!(scale > 0)) throw at.invalid(`a scale of ${scale}`);
  const span = crop ? roi[1] - roi[0] : 1;
  const output =
    typeof input === "number"
      ? Math.floor(Math.fround(Math.fround(input * span) * scale))
      : scale === 1 && !crop
        ? input
        : undefined;
  return { axis, input, output, scale: Math.fround(scale), roi };
}

/** Run-time size under a scale. */
const scaledSize =
  (x: Value): Sizes =>
  (b, { axis, output, scale }) => {
    if (typeof output === "number") return b.ints([output]);
    const size = b.dim(x, axis);
    if (Number.isInteger(scale)) return b.op("Mul", [size, b.ints([scale!])]);
    const product = b.op("Mul", [b.cast(size, "float32"), b.constant(tensorOf("float32", [1], [scale!]))]);
    return b.cast(b.op("Floor", [product]), "int32");
  };

/** An empty tensor stands for an input that is not given. */
const given = (value: Value | undefined): Value | undefined =>
  value && value.type.shape?.length === 1 && value.type.shape[0] === 0 ? undefined : value;

interface ResizeAttrs {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinate_transformation_mode: Coordinates;
  readonly keep_aspect_ratio_policy: "stretch" | "not_larger" | "not_smaller";
  readonly axes: readonly number[] | undefined;
}

function plansBySize(
  x: Value,
  axes: readonly number[],
  sizes: Value,
  a: ResizeAttrs,
  rois: readonly (readonly [number, number])[],
  b: Builder,
  at: At,
): readonly Plan[] {
  const outputs = b.cast(sizes, "int32");
  const known = outputs.elements ?? (sizes.node.op === "Const" ? at.numbers(sizes, "sizes") : undefined);
  const dims = axes.map((_, i): Dim => (typeof known?.[i] === "string" ? undefined : known?.[i]));
  if (a.keep_aspect_ratio_policy === "stretch")
    return axes.map((axis, i) => {
      const [input, output] = [x.shape[axis], dims[i]];
      const same = known?.[i] !== undefined && known[i] === input;
      const scale = typeof input === "number" && typeof output === "number" ? Math.fround(output / input) : same ? 1 : undefined;
      return { axis, input, output: same ? input : output, scale, roi: rois[i]! };
    });
  const ratios = axes.map((axis, i) => (dims[i] as number) / (x.shape[axis] as number));
  if (ratios.some(Number.isNaN))
    throw at.unsupported("keep_aspect_ratio_policy over sizes that are not known", "give the input's shape with --input");
  const scale = Math.fround(a.keep_aspect_ratio_policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios));
  return axes.map((axis, i) => {
    const input = x.shape[axis] as number;
    return { axis, input, output: Math.floor(scale * input + 0.5), scale, roi: rois[i]! };
  });
}

function roiOf(roi: Value | undefined, axes: readonly number[], crop: boolean, at: At): readonly (readonly [number, number])[] {
  if (!crop) return axes.map(() => [0, 1] as const);
  if (!roi) throw at.invalid("tf_crop_and_resize without a roi");
  const numbers = at.numbers(roi, "roi");
  if (numbers.length !== 2 * axes.length) throw at.invalid(`a roi of ${numbers.length} numbers for ${axes.length} axes`);
  return axes.map((_, i) => [numbers[i]!, numbers[axes.length + i]!] as const);
}

const coordinateWords = oneOf(
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
);

const resizeAttrs = {
  antialias: bool(false),
  axes: ints(),
  coordinate_transformation_mode: coordinateWords,
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

function resizeByScales(b: Builder, x: Value, scales: readonly number[], mode: Mode, at: At): Value {
  if (scales.length !== x.rank) throw at.invalid(`${scales.length} scales for a rank-${x.rank} tensor`);
  const plans = scales.map((scale, axis) => scaledPlan(axis, x.shape[axis], scale, [0, 1], false, at));
  return resize(b, x, plans, scaledSize(x), oldSampling(mode), 0, at);
}

const oldMode = oneOf("nearest", "linear", "bilinear", "cubic", "bicubic");
const modeOf = (word: string): Mode => (word === "bilinear" ? "linear" : word === "bicubic" ? "cubic" : (word as Mode));

export const resizes: readonly Rule[] = [
  rule("Resize", { since: 10, arity: [2, 2], attrs: { mode: oldMode } }, (b, [x, scales], a, at) => [
    resizeByScales(b, x, at.numbers(scales, "scales"), modeOf(a.mode), at),
  ]),
  rule("Resize", { since: 11, arity: [1, 4], attrs: resizeAttrs }, (b, [x, roi, scaleInput, sizeInput], a, at) => {
    const axes = a.axes?.map((axis) => normalAxis(axis, x.rank)) ?? x.shape.map((_, i) => i);
    const crop = a.coordinate_transformation_mode === "tf_crop_and_resize";
    const rois = roiOf(given(roi), axes, crop, at);
    const [scales, sizes] = [given(scaleInput), given(sizeInput)];
    const sampling: Sampling = {
      mode: a.mode,
      coordinates: a.coordinate_transformation_mode,
      rounding: a.nearest_mode,
      cubicA: a.cubic_coeff_a,
      excludeOutside: a.exclude_outside,
      antialias: a.antialias && a.mode !== "nearest",
    };
    if (sizes) {
      if (sizes.shape[0] !== axes.length) throw at.invalid(`${sizes.shape[0]} sizes for ${axes.length} axes`);
      const plans = plansBySize(x, axes, sizes, a, rois, b, at);
      const told: Sizes = (builder, { axis, output }) =>
        typeof output === "number"
          ? builder.ints([output])
          : builder.slice(builder.cast(sizes, "int32"), [axes.indexOf(axis)], [1]);
      return [resize(b, x, plans, told, sampling, a.extrapolation_value, at)];
    }
    if (!scales) throw at.invalid("neither scales nor sizes");
    const factors = at.numbers(scales, "scales");
    if (factors.length !== axes.length) throw at.invalid(`${factors.length} scales for ${axes.length} axes`);
    const plans = axes.map((axis, i) => scaledPlan(axis, x.shape[axis], factors[i]!, rois[i]!, crop, at));
    return [resize(b, x, plans, scaledSize(x), sampling, a.extrapolation_value, at)];
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
      return [resizeByScales(b, x, scales, modeOf(a.mode), at)];
    },
  ),
  rule("Upsample", { since: 7, arity: [1, 1], attrs: { mode: oldMode, scales: required(floats()) } }, (b, [x], a, at) => [
    resizeByScales(b, x, a.scales, modeOf(a.mode), at),
  ]),
  rule("Upsample", { since: 9, arity: [2, 2], attrs: { mode: oldMode } }, (b, [x, scales], a, at) => [
    resizeByScales(b, x, at.numbers(scales, "scales"), modeOf(a.mode), at),
  ]),
];
