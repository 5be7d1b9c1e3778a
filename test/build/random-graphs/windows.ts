/** Rows of random steps over images and matrices: convolutions, pools, products, resizing. */
import { float } from "../onnx.ts";
import type { Draft } from "./draft.ts";
import type { Step } from "./elementwise.ts";

interface Windows {
  readonly kernel: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pads: number[];
  readonly out: number[];
}

/** Windows that fit the sizes; undefined where none is left. */
function windows(d: Draft, sizes: readonly number[], dilated: boolean): Windows | undefined {
  const dilations = sizes.map(() => (dilated ? d.between(1, 2) : 1));
  const strides = sizes.map(() => d.between(1, 2));
  const kernel = sizes.map(() => d.between(1, 3));
  const low = kernel.map((k) => d.pick(k));
  const high = kernel.map((k) => d.pick(k));
  const out = sizes.map((size, i) =>
    Math.floor((size + low[i]! + high[i]! - (kernel[i]! - 1) * dilations[i]! - 1) / strides[i]! + 1),
  );
  return out.every((dim) => dim >= 1) ? { kernel, strides, dilations, pads: [...low, ...high], out } : undefined;
}

const conv: Step = (d, x) => {
  const spatial = x.shape.slice(2);
  if (x.dtype !== "float32" || spatial.length < 1 || spatial.length > 2) return undefined;
  const found = windows(d, spatial, true);
  if (!found) return undefined;
  const channels = x.shape[1]!;
  const group = d.oneOf([1, 1, channels, channels % 2 === 0 ? 2 : 1]);
  const outputs = group * d.between(1, 3);
  const inputs = [x, d.weight([outputs, channels / group, ...found.kernel]), ...(d.chance() ? [d.weight([outputs])] : [])];
  const { kernel: kernel_shape, strides, dilations, pads, out } = found;
  return d.op("Conv", inputs, [x.shape[0]!, outputs, ...out], { kernel_shape, strides, dilations, pads, group });
};

const convTranspose: Step = (d, x) => {
  const spatial = x.shape.slice(2);
  if (x.dtype !== "float32" || spatial.length < 1 || spatial.length > 2) return undefined;
  const kernel = spatial.map(() => d.between(1, 3));
  const strides = spatial.map(() => d.between(1, 2));
  const low = kernel.map((k) => d.pick(k));
  const high = kernel.map((k) => d.pick(k));
  const extra = strides.map((stride) => d.pick(stride));
  const out = spatial.map((size, i) => strides[i]! * (size - 1) + extra[i]! + kernel[i]! - low[i]! - high[i]!);
  if (!out.every((dim) => dim >= 1)) return undefined;
  const channels = x.shape[1]!;
  const group = d.oneOf([1, 1, channels]);
  const each = d.between(1, 3);
  const attrs = { kernel_shape: kernel, strides, pads: [...low, ...high], output_padding: extra, group };
  return d.op("ConvTranspose", [x, d.weight([channels, each, ...kernel])], [x.shape[0]!, each * group, ...out], attrs);
};

const pool =
  (op: string): Step =>
  (d, x) => {
    const spatial = x.shape.slice(2);
    if (x.dtype !== "float32" || spatial.length < 1 || spatial.length > 2) return undefined;
    const found = windows(d, spatial, false);
    if (!found) return undefined;
    const { kernel: kernel_shape, strides, pads, out } = found;
    const counts = op === "AveragePool" ? { count_include_pad: d.pick(2) } : {};
    return d.op(op, [x], [...x.shape.slice(0, 2), ...out], { kernel_shape, strides, pads, ...counts });
  };

/** Windows placed by rule, or to the last element. */
const ruledPool: Step = (d, x) => {
  const spatial = x.shape.slice(2);
  if (x.dtype !== "float32" || spatial.length < 1 || spatial.length > 2) return undefined;
  const op = d.oneOf(["MaxPool", "AveragePool"]);
  const kernel_shape = spatial.map((size) => d.between(1, Math.min(size, 3)));
  const strides = spatial.map(() => d.between(1, 2));
  if (d.chance()) {
    const out = spatial.map((size, i) => Math.ceil(size / strides[i]!));
    // onnxruntime takes the padding of a kernel smaller than its stride for negative.
    if (strides.some((stride, i) => stride > kernel_shape[i]!)) return undefined;
    const auto_pad = d.oneOf(["SAME_UPPER", "SAME_LOWER"]);
    return d.op(op, [x], [...x.shape.slice(0, 2), ...out], { kernel_shape, strides, auto_pad });
  }
  const out = spatial.map((size, i) => Math.ceil((size - kernel_shape[i]!) / strides[i]!) + 1);
  // A window that would start beyond the last element is left out.
  if (!out.every((n, i) => (n - 1) * strides[i]! < spatial[i]!)) return undefined;
  return d.op(op, [x], [...x.shape.slice(0, 2), ...out], { kernel_shape, strides, ceil_mode: 1 });
};

const conv3d: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length !== 5) return undefined;
  const kernel = x.shape.slice(2).map((size) => d.between(1, Math.min(size, 2)));
  const out = x.shape.slice(2).map((size, i) => size - kernel[i]! + 1);
  return d.op("Conv", [x, d.weight([2, x.shape[1]!, ...kernel])], [x.shape[0]!, 2, ...out], { kernel_shape: kernel });
};

const globalPool =
  (op: string): Step =>
  (d, x) =>
    x.dtype === "float32" && x.shape.length > 2
      ? d.op(op, [x], [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)])
      : undefined;

const matMul: Step = (d, x) => {
  const taken = x.shape.at(-1);
  if (x.dtype !== "float32" || taken === undefined || x.shape.length < 2) return undefined;
  const batch = d.chance() ? [] : x.shape.slice(0, -2).map((dim) => (d.chance() ? 1 : dim));
  const columns = d.between(1, 5);
  return d.op("MatMul", [x, d.weight([...batch, taken, columns])], [...x.shape.slice(0, -1), columns]);
};

/** x and its own transpose, as attention has it. */
const selfProduct: Step = (d, x) => {
  const rank = x.shape.length;
  if (x.dtype !== "float32" || rank < 2) return undefined;
  const perm = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
  const turned = d.op(
    "Transpose",
    [x],
    perm.map((axis) => x.shape[axis]!),
    { perm },
  );
  const rows = x.shape.at(-2)!;
  return d.op("MatMul", [x, turned], [...x.shape.slice(0, -1), rows]);
};

const gemm: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length !== 2) return undefined;
  const [transA, transB] = [d.pick(2), d.pick(2)];
  const [rows, taken] = transA ? [x.shape[1]!, x.shape[0]!] : (x.shape as [number, number]);
  const columns = d.between(1, 5);
  const b = d.weight(transB ? [columns, taken] : [taken, columns]);
  const c = d.oneOf([undefined, [columns], [1, columns], [rows, 1], [rows, columns], []]);
  const attrs = { alpha: float(d.oneOf([1, 0.7])), beta: float(d.oneOf([1, 0.3])), transA, transB };
  return d.op("Gemm", c ? [x, b, d.weight(c)] : [x, b], [rows, columns], attrs);
};

const resize: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length !== 4) return undefined;
  const mode = d.oneOf(["nearest", "linear"]);
  const way = d.oneOf(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]);
  const shape = x.shape.map((dim, axis) => (axis < 2 ? dim : dim * d.between(1, 2)));
  const scales = d.constant(
    "float32",
    [4],
    shape.map((dim, axis) => dim / x.shape[axis]!),
  );
  const inputs = d.chance() ? [x, "", scales] : [x, "", "", d.ints(shape)];
  return d.op("Resize", inputs, shape, {
    mode,
    coordinate_transformation_mode: way,
    nearest_mode: d.oneOf(["round_prefer_floor", "floor"]),
  });
};

/** Not over one channel: onnxruntime reads beyond its buffer then. */
const lrn: Step = (d, x) =>
  x.dtype === "float32" && x.shape.length === 4
    ? d.op("LRN", [x], x.shape, { size: d.oneOf([3, 5]), alpha: float(0.1), beta: float(0.7), bias: float(1) })
    : undefined;

export const windowSteps: readonly Step[] = [
  ...[conv, conv, conv, convTranspose, conv3d, ruledPool, pool("MaxPool"), pool("AveragePool"), globalPool("GlobalAveragePool")],
  ...[globalPool("GlobalMaxPool"), matMul, matMul, selfProduct, gemm, resize, lrn],
];
