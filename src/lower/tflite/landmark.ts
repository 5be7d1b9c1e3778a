/** MediaPipe's operators between a network that finds landmarks and those that look at a part of the image: crops and their coordinates. */
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { raw } from "../schema.ts";
import { number } from "./detection.ts";
import { customDomain } from "./names.ts";
import { lite } from "./rule.ts";

const integers = (attr: SourceAttr | undefined): readonly number[] => (attr?.kind === "ints" ? attr.value.map(Number) : []);
const add = (b: Builder, x: Value, y: Value): Value => b.op("AddV2", [x, y]);
const sub = (b: Builder, x: Value, y: Value): Value => b.op("Sub", [x, y]);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);
const times = (b: Builder, x: Value, factor: number): Value => mul(b, x, b.scalar("float32", factor));
const plus = (b: Builder, x: Value, addend: number): Value => add(b, x, b.scalar("float32", addend));

/** The six numbers of a transformation of the plane that matter, each a scalar: rows (a b · x), (c d · y) of a 4×4 matrix. */
interface Plane {
  readonly a: Value;
  readonly b: Value;
  readonly x: Value;
  readonly c: Value;
  readonly d: Value;
  readonly y: Value;
}

function planeOf(b: Builder, matrix: Value): Plane {
  const flat = b.reshape(matrix, [16]);
  const at = (i: number) => b.reshape(b.slice(flat, [i], [1]), []);
  return { a: at(0), b: at(1), x: at(3), c: at(4), d: at(5), y: at(7) };
}

/** 1×4×4 */
function matrixOf(b: Builder, { a, b: right, x, c, d, y }: Plane): Value {
  const [zero, one] = [b.scalar("float32", 0), b.scalar("float32", 1)];
  const rows = [a, right, zero, x, c, d, zero, y, zero, zero, one, zero, zero, zero, zero, one];
  return b.reshape(b.op("Pack", rows, { axis: 0 }), [1, 4, 4]);
}

const apply = (b: Builder, { a, b: right, x, c, d, y }: Plane, px: Value, py: Value): readonly [Value, Value] => [
  add(b, add(b, mul(b, a, px), mul(b, right, py)), x),
  add(b, add(b, mul(b, c, px), mul(b, d, py)), y),
];

/** Landmarks of 2 or 3 numbers in a row; the third stays. */
function transformLandmarks(b: Builder, x: Value, matrix: Value, dimensions: number, scale: number, at: At): Value {
  if (dimensions !== 2 && dimensions !== 3) throw at.invalid(`landmarks of ${dimensions} dimensions`);
  const dims = x.staticShape;
  if (!dims) throw at.unsupported("landmarks of unknown number", "give the input's shape with --input");
  const rows = b.reshape(x, [-1, dimensions]);
  const column = (i: number) => b.slice(rows, [0, i], [-1, 1]);
  const plane = planeOf(b, matrix);
  const moved = { ...plane, x: times(b, plane.x, scale), y: times(b, plane.y, scale) };
  const [px, py] = apply(b, scale === 1 ? plane : moved, column(0), column(1));
  return b.reshape(b.concat(dimensions === 3 ? [px, py, column(2)] : [px, py], 1), dims);
}

/** x N H W C at the points (px, py), N × points in pixels, between the four nearest; 0 beyond the edges. N × points × C. */
function bilinear(b: Builder, x: Value, px: Value, py: Value, at: At): Value {
  const [batch, height, width, channels] = x.staticShape ?? [];
  if (batch === undefined || height === undefined || width === undefined || channels === undefined)
    throw at.unsupported("an image of unknown size", "give the input's shape with --input");
  const pixels = b.reshape(x, [batch, height * width, channels]);
  const [left, top] = [b.op("Floor", [px]), b.op("Floor", [py])];
  const inside = (place: Value, size: number) =>
    b.op("LogicalAnd", [b.op("GreaterEqual", [place, b.scalar("float32", 0)]), b.op("Less", [place, b.scalar("float32", size)])]);
  const index = (place: Value, size: number) =>
    b.cast(b.op("ClipByValue", [place, b.scalar("float32", 0), b.scalar("float32", size - 1)]), "int32");
  const corner = (dx: 0 | 1, dy: 0 | 1): Value => {
    const [cx, cy] = [plus(b, left, dx), plus(b, top, dy)];
    const share = (p: Value, low: Value, far: 0 | 1) => (far ? sub(b, p, low) : sub(b, plus(b, low, 1), p));
    const weight = mul(b, share(px, left, dx), share(py, top, dy));
    const seen = b.op("LogicalAnd", [inside(cx, width), inside(cy, height)]);
    const shown = b.op("SelectV2", [seen, weight, b.scalar("float32", 0)]);
    const flat = add(b, mul(b, index(cy, height), b.scalar("int32", width)), index(cx, width));
    const colours = b.op("GatherV2", [pixels, flat, b.scalar("int32", 1)], { batch_dims: 1 });
    return mul(b, colours, b.op("ExpandDims", [shown, b.scalar("int32", 2)]));
  };
  return add(b, add(b, corner(0, 0), corner(1, 0)), add(b, corner(0, 1), corner(1, 1)));
}

/** The part of an image that a matrix maps the output's pixels to; 0 for what lies outside. `centres`: pixels are meant by their centres. */
function transformTensor(
  b: Builder,
  x: Value,
  matrix: Value,
  [rows, columns]: readonly [number, number],
  centres: boolean,
  at: At,
): Value {
  const [batch, height, width, channels] = x.staticShape ?? [];
  if (batch !== 1 || height === undefined || width === undefined || channels === undefined)
    throw at.unsupported("anything but one image of known size", "give the input's shape with --input");
  if (!(rows > 0 && columns > 0)) throw at.invalid(`an output of ${rows}×${columns}`);
  const grid = (place: (row: number, column: number) => number) =>
    b.constant({
      dtype: "float32",
      shape: [1, rows * columns],
      data: Float32Array.from({ length: rows * columns }, (_, i) => place(Math.floor(i / columns), i % columns)),
    });
  const shift = centres ? 0.5 : 0;
  const found = apply(
    b,
    planeOf(b, matrix),
    grid((_, c) => c + shift),
    grid((r) => r + shift),
  );
  const [px, py] = centres ? found.map((each) => plus(b, each, -shift)) : found;
  const within = (p: Value, size: number) =>
    b.op("LogicalAnd", [
      b.op("GreaterEqual", [p, b.scalar("float32", 0)]),
      b.op("LessEqual", [p, b.scalar("float32", size - 1)]),
    ]);
  const seen = b.op("LogicalAnd", [within(px!, width), within(py!, height)]);
  const shown = b.op("ExpandDims", [seen, b.scalar("int32", 2)]);
  const result = b.op("SelectV2", [shown, bilinear(b, x, px!, py!, at), b.scalar("float32", 0)]);
  return b.reshape(result, [1, rows, columns, channels]);
}

type Matrix = Readonly<Record<string, SourceAttr | undefined>>;

/** Landmarks turned by an angle, and the box around them: its centre, turned back, and its size. */
function boxOf(b: Builder, xs: Value, ys: Value, cos: Value, sin: Value) {
  const rx = sub(b, mul(b, xs, cos), mul(b, ys, sin));
  const ry = add(b, mul(b, xs, sin), mul(b, ys, cos));
  const extreme = (op: "Max" | "Min", x: Value) => b.reduce(op, x, [0], false);
  const [left, right, top, bottom] = [extreme("Min", rx), extreme("Max", rx), extreme("Min", ry), extreme("Max", ry)];
  const [mx, my] = [times(b, add(b, left, right), 0.5), times(b, add(b, top, bottom), 0.5)];
  return {
    x: add(b, mul(b, mx, cos), mul(b, my, sin)),
    y: sub(b, mul(b, my, cos), mul(b, mx, sin)),
    width: sub(b, right, left),
    height: sub(b, bottom, top),
  };
}

/** From pixels of a crop to those of the image: the crop is the box around some landmarks, upright as two of them lie. */
function landmarksToMatrix(b: Builder, landmarks: Value, a: Matrix, at: At): Value {
  const rows = b.reshape(landmarks, [-1, 3]);
  const [left, right] = [number(a["left_rotation_idx"], -1), number(a["right_rotation_idx"], -1)];
  const isSecond = landmarks.rank === 3;
  const subset = integers(a[isSecond ? "subset_idxs" : "subset"]);
  if (left < 0 || right < 0 || subset.length === 0) throw at.invalid("no landmarks to tell the crop by");
  const column = (i: number, of: readonly number[]) =>
    b.reshape(b.slice(b.gather(rows, b.ints(of), 0), [0, i], [-1, 1]), of.length === 1 ? [] : [of.length]);
  const dx = sub(b, column(0, [right]), column(0, [left]));
  const dy = sub(b, column(1, [right]), column(1, [left]));
  const angle = isSecond
    ? sub(b, b.scalar("float32", number(a["target_rotation_radians"], 0)), b.op("Atan2", [dy, dx]))
    : b.op("Neg", [b.op("Atan", [b.op("RealDiv", [dy, dx])])]);
  const [cos, sin] = [b.op("Cos", [angle]), b.op("Sin", [angle])];
  // A subset of one landmark is a scalar, which has no axis to reduce.
  const all = subset.length === 1 ? [subset[0]!, subset[0]!] : subset;
  const box = boxOf(b, column(0, all), column(1, all), cos, sin);
  const { kx, ky, hx, hy, unit } = isSecond ? secondScale(b, box, a) : firstScale(b, box, a, at);
  const plane = {
    a: mul(b, cos, kx),
    b: mul(b, sin, ky),
    c: b.op("Neg", [mul(b, sin, kx)]),
    d: mul(b, cos, ky),
  };
  const placed = apply(b, { ...plane, x: unit(box.x, 0), y: unit(box.y, 1) }, b.scalar("float32", hx), b.scalar("float32", hy));
  return matrixOf(b, { ...plane, x: placed[0], y: placed[1] });
}

type Box = ReturnType<typeof boxOf>;

interface Scale {
  /** Pixels of the image for one of the crop. */
  readonly kx: Value;
  readonly ky: Value;
  /** What of the crop lies at the box's centre, negated. */
  readonly hx: number;
  readonly hy: number;
  /** A coordinate of the landmarks, in pixels. */
  readonly unit: (x: Value, axis: 0 | 1) => Value;
}

function secondScale(b: Builder, { width, height }: Box, a: Matrix): Scale {
  const [w, h] = [number(a["output_width"], 0), number(a["output_height"], 0)];
  return {
    kx: times(b, width, number(a["scale_x"], 1) / w),
    ky: times(b, height, number(a["scale_y"], 1) / h),
    hx: -w / 2,
    hy: -h / 2,
    unit: (x) => x,
  };
}

/** The first form speaks of pixels' corners: an image of w pixels is w − 1 wide. */
function firstScale(b: Builder, { width, height }: Box, a: Matrix, at: At): Scale {
  const [inputs, outputs] = [integers(a["input_hw"]), integers(a["output_hw"])];
  const [ih, iw] = inputs as [number, number];
  const [oh, ow] = outputs as [number, number];
  const range = number(a["landmarks_range"], 0);
  const grown = number(a["bbox_size_multiplier"], 0);
  if (inputs.length !== 2 || outputs.length !== 2 || range <= 0 || grown === 0) throw at.invalid("a crop of no size");
  const [x, y] = [(iw - 1) / 2, (ih - 1) / 2];
  if (x !== y) throw at.unsupported(`landmarks of an image of ${ih}×${iw}, which is not square`);
  return {
    kx: times(b, width, (grown / range) * x * (2 / (ow - 1))),
    ky: times(b, height, (grown / range) * y * (2 / (oh - 1))),
    hx: -(ow - 1) / 2,
    hy: -(oh - 1) / 2,
    unit: (value, axis) => times(b, value, (2 * (axis === 0 ? x : y)) / range),
  };
}

const matrixAttrs = {
  ...{ left_rotation_idx: raw(), right_rotation_idx: raw(), subset: raw(), subset_idxs: raw() },
  ...{ target_rotation_radians: raw(), output_height: raw(), output_width: raw(), scale_x: raw(), scale_y: raw() },
  ...{ input_hw: raw(), output_hw: raw(), landmarks_range: raw(), bbox_size_multiplier: raw() },
};

export const landmarks: readonly Rule[] = [
  lite(
    "TransformLandmarks",
    { domain: customDomain, arity: [2, 2], attrs: { dimensions: raw(), scale: raw() } },
    (b, [x, matrix], a, at) => {
      // The second version has no options.
      const isSecond = x.rank === 3;
      const dimensions = isSecond ? Number(x.shape[2] ?? 0) : number(a.dimensions, 3);
      return [transformLandmarks(b, x, matrix, dimensions, isSecond ? 1 : number(a.scale, 1), at)];
    },
  ),
  lite(
    "TransformTensor",
    { domain: customDomain, arity: [2, 2], attrs: { output_size: raw(), mode: raw() } },
    (b, [x, matrix], a, at) => {
      if (a.mode?.kind === "string" && a.mode.value !== "bilinear") throw at.unsupported(`interpolation ${a.mode.value}`);
      const [rows = 0, columns = 0] = integers(a.output_size);
      return [transformTensor(b, x, matrix, [rows, columns], false, at)];
    },
  ),
  lite(
    "TransformTensorBilinear",
    { domain: customDomain, arity: [2, 2], attrs: { output_height: raw(), output_width: raw() } },
    (b, [x, matrix], a, at) => [transformTensor(b, x, matrix, [number(a.output_height, 0), number(a.output_width, 0)], true, at)],
  ),
  lite("Landmarks2TransformMatrix", { domain: customDomain, arity: [1, 1], attrs: matrixAttrs }, (b, [x], a, at) => [
    landmarksToMatrix(b, x, a, at),
  ]),
  lite("Resampler", { domain: customDomain, arity: [2, 2], attrs: {} }, (b, [x, warp], _, at) => {
    const dims = x.staticShape;
    if (!dims) throw at.unsupported("an image of unknown size", "give the input's shape with --input");
    const points = b.reshape(warp, [dims[0]!, -1, 2]);
    const [px, py] = [0, 1].map((i) => b.squeeze(b.slice(points, [0, 0, i], [-1, -1, 1]), [2]));
    return [b.reshape(bilinear(b, x, px!, py!, at), dims)];
  }),
];
