/** Pools, normalisations, resizing and blocks, all channels first; softmax and matrix products. */
import { isFloat } from "../../base/dtype.ts";
import { float, int, text } from "../../graph/onnx-graph.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";
import { axesOf, windowAttrs } from "./window.ts";

/** onnxruntime's AveragePool adds up one element after another in float32: past so many it is several roundings off. */
const maxSummed = 255;

/** The mean of whole images, large ones: ReduceMean adds up in parts. */
function wholeMean(o: OnnxBuilder, x: Ref, at: EmitAt): Ref | undefined {
  const size = at.numbers("ksize")!.slice(2);
  const image = at.node.inputs[0]!.type.shape?.slice(2);
  const isWhole = at.text("padding", "VALID") === "VALID" && size.every((each, i) => each === image?.[i]);
  if (!isWhole || size.reduce((count, each) => count * each, 1) <= maxSummed) return undefined;
  const axes = size.map((_, i) => i + 2);
  return o.reduce("ReduceMean", x, axes, true, at.type().shape);
}

function pool(o: OnnxBuilder, onnx: string, x: Ref, at: EmitAt): Ref {
  const mean = onnx === "AveragePool" ? wholeMean(o, x, at) : undefined;
  if (mean) return mean;
  const axes = axesOf(at, at.numbers("ksize")!.slice(2));
  const attrs = windowAttrs(at, axes, at.node.inputs[0]!.type.shape?.slice(2) ?? axes.map(() => undefined));
  if (onnx === "AveragePool" && attrs["dilations"]) at.since(19);
  if (onnx === "AveragePool" && at.text("padding", "VALID") === "EXPLICIT")
    throw new Error("a lowering pads an average pool itself");
  return o.op(onnx, [x], attrs);
}

function batchNorm(o: OnnxBuilder, inputs: readonly Ref[], at: EmitAt): Ref {
  return o.op("BatchNormalization", inputs, { epsilon: float(at.number("epsilon", 1e-4)) });
}

/** TensorFlow's alpha is of each neighbour, ONNX's of all together. */
function lrn(o: OnnxBuilder, x: Ref, at: EmitAt): Ref {
  const size = 2 * at.number("depth_radius", 5) + 1;
  return o.op("LRN", [x], {
    size: int(size),
    alpha: float(at.number("alpha", 1) * size),
    beta: float(at.number("beta", 0.5)),
    bias: float(at.number("bias", 1)),
  });
}

/** The sizes of a resized N C H W. */
const sizesOf = (o: OnnxBuilder, x: Ref, size: Ref): Ref => o.concat([o.slice(o.shape(x), [0], [2], [0]), o.int64(size)], 0);

function bilinear(o: OnnxBuilder, x: Ref, size: Ref, at: EmitAt): Ref {
  const mode = at.flag("align_corners") ? "align_corners" : at.flag("half_pixel_centers") ? "half_pixel" : "asymmetric";
  const attrs = { mode: text("linear"), coordinate_transformation_mode: text(mode) };
  return o.op("Resize", [o.cast(x, "float32"), undefined, undefined, sizesOf(o, x, size)], attrs);
}

/** Where sizes are known TensorFlow's own arithmetic says which elements are taken; ONNX's Resize divides where that multiplies. */
function nearest(o: OnnxBuilder, x: Ref, size: Ref, at: EmitAt): Ref {
  const known = o.known(size);
  const input = at.node.inputs[0]!.type.shape;
  const picks = [0, 1].map((i) => {
    const from = input?.[i + 2];
    return known && typeof from === "number" ? nearestOf(from, known[i]!, at) : undefined;
  });
  const whole = picks.every((pick, i) => {
    const from = input?.[i + 2] as number;
    return pick && pick.length % from === 0 && pick.every((index, k) => index === Math.floor((k * from) / pick.length));
  });
  if (!whole && picks[0] && picks[1]) return o.pick(o.pick(x, picks[0], 2), picks[1], 3);
  const [mode, rounding] = at.flag("align_corners")
    ? ["align_corners", "round_prefer_ceil"]
    : at.flag("half_pixel_centers") && !whole
      ? ["half_pixel", "round_prefer_ceil"]
      : ["asymmetric", "floor"];
  const attrs = { mode: text("nearest"), coordinate_transformation_mode: text(mode!), nearest_mode: text(rounding!) };
  return o.op("Resize", [x, undefined, undefined, sizesOf(o, x, size)], attrs);
}

/** In float32, as TensorFlow's kernel. */
function nearestOf(from: number, to: number, at: EmitAt): number[] {
  const [align, half] = [at.flag("align_corners"), at.flag("half_pixel_centers")];
  const scale = Math.fround(align && to > 1 ? (from - 1) / (to - 1) : from / to);
  return Array.from({ length: to }, (_, i) => {
    const place = Math.fround(Math.fround(half ? i + 0.5 : i) * scale);
    return Math.min(align ? Math.round(place) : Math.floor(place), from - 1);
  });
}

const blocks = (op: string): EmitRule =>
  emittedOne(op, (o, [x], at) => o.op(op, [x!], { blocksize: int(at.number("block_size", 2)) }));

/** Two matrices: Gemm where one is transposed, so that no weight is moved. */
function matmul(o: OnnxBuilder, x: Ref, y: Ref, at: EmitAt): Ref {
  const [a, b] = [at.flag("transpose_a"), at.flag("transpose_b")];
  if (!a && !b) return o.op("MatMul", [x, y]);
  if (isFloat(x.dtype)) return o.op("Gemm", [x, y], { ...(a && { transA: int(1) }), ...(b && { transB: int(1) }) });
  return o.op("MatMul", [a ? o.transpose(x, [1, 0]) : x, b ? o.transpose(y, [1, 0]) : y]);
}

function batchMatMul(o: OnnxBuilder, x: Ref, y: Ref, at: EmitAt): Ref {
  const swap = (value: Ref, i: number) => {
    const rank = at.node.inputs[i]!.rank;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    return o.transpose(value, [...axes.slice(0, -2), rank - 1, rank - 2]);
  };
  return o.op("MatMul", [at.flag("adj_x") ? swap(x, 0) : x, at.flag("adj_y") ? swap(y, 1) : y]);
}

const softmax = (op: string): EmitRule => emittedOne(op, (o, [x]) => o.op(op, [x!], { axis: int(-1) }));

/** The indices are ONNX's of the whole tensor, channels first; TensorFlow's are of an image, channels last. */
function maxPoolWithArgmax(o: OnnxBuilder, x: Ref, at: EmitAt): readonly Ref[] {
  const shape = at.node.inputs[0]!.staticShape;
  if (!shape)
    throw at.unsupported("places of greatest elements in images of unknown size", "give the input's shape with --input");
  const [n, c, h, w] = shape as readonly [number, number, number, number];
  const axes = axesOf(at, at.numbers("ksize")!.slice(2));
  const attrs = windowAttrs(at, axes, [h, w]);
  const [y, places] = o.raw("MaxPool", [x], attrs, [x.dtype, "int64"]);
  const inPlane = o.op("Mod", [places!, o.scalar("int64", h * w)]);
  const column = Array.from({ length: c }, (_, i) => i);
  const channel = o.reshape(o.ints(column), [1, c, 1, 1]);
  let index = o.op("Add", [o.op("Mul", [inPlane, o.scalar("int64", c)]), channel]);
  if (at.flag("include_batch_in_index")) {
    const batch = o.reshape(o.ints(Array.from({ length: n }, (_, i) => i * h * w * c)), [n, 1, 1, 1]);
    index = o.op("Add", [index, batch]);
  }
  return [y!, o.cast(index, at.type(1).dtype)];
}

export const networks: readonly EmitRule[] = [
  ...["MaxPool", "MaxPool3D"].map((op) => emittedOne(op, (o, [x], at) => pool(o, "MaxPool", x!, at))),
  ...["AvgPool", "AvgPool3D"].map((op) => emittedOne(op, (o, [x], at) => pool(o, "AveragePool", x!, at))),
  emitted("MaxPoolWithArgmax", (o, [x], at) => maxPoolWithArgmax(o, x!, at)),
  emittedOne("FusedBatchNormV3", batchNorm),
  emittedOne("LRN", (o, [x], at) => lrn(o, x!, at)),
  emittedOne("ResizeBilinear", (o, [x, size], at) => bilinear(o, x!, size!, at)),
  emittedOne("ResizeNearestNeighbor", (o, [x, size], at) => nearest(o, x!, size!, at)),
  blocks("DepthToSpace"),
  blocks("SpaceToDepth"),
  emittedOne("MatMul", (o, [x, y], at) => matmul(o, x!, y!, at)),
  emittedOne("BatchMatMulV2", (o, [x, y], at) => batchMatMul(o, x!, y!, at)),
  softmax("Softmax"),
  softmax("LogSoftmax"),
];
