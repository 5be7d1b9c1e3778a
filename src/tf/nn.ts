/** Convolutions, pooling, matrix products, normalisation, resizing, indexing. Layout is NHWC (NDHWC) unless data_format says otherwise. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { type Dim, type Shape, showShape, type Type } from "../graph/graph.ts";
import { broadcast, type Call, define, type OpDef } from "./op.ts";

/** Windows along one axis: TensorFlow's rule for SAME, VALID and EXPLICIT. */
export function windows(
  size: Dim,
  kernel: Dim,
  stride: number,
  dilation: number,
  padding: string,
  pads: readonly [number, number],
): Dim {
  if (!(stride >= 1 && dilation >= 1))
    throw modelError("bad-attribute", `windows with a stride of ${stride}, a dilation of ${dilation}`);
  if (typeof size !== "number" || typeof kernel !== "number") return undefined;
  if (padding === "SAME") return Math.ceil(size / stride);
  const extent = (kernel - 1) * dilation + 1;
  return Math.max(0, Math.floor((size + (padding === "EXPLICIT" ? pads[0] + pads[1] : 0) - extent) / stride) + 1);
}

interface Spatial {
  /** Axis of the channels, first spatial axis. */
  readonly channel: number;
  readonly first: number;
}

function spatial(call: Call, rank: number): Spatial {
  const format = call.attr<string>("data_format", rank === 5 ? "NDHWC" : "NHWC");
  return format.endsWith("C") ? { channel: rank - 1, first: 1 } : { channel: 1, first: 2 };
}

function explicit(call: Call, axis: number): readonly [number, number] {
  const pads = call.attr<readonly number[]>("explicit_paddings", []);
  return [pads[2 * axis] ?? 0, pads[2 * axis + 1] ?? 0];
}

function windowed(call: Call, rank: number, kernel: readonly Dim[], channels: Dim): Shape {
  const input = call.shape();
  if (input && input.length !== rank) throw modelError("shape-mismatch", `${call.op} of rank ${input.length}`);
  const { channel, first } = spatial(call, rank);
  const strides = call.attr<readonly number[]>("strides");
  const dilations = call.attr<readonly number[]>("dilations", []);
  const padding = call.attr<string>("padding");
  return Array.from({ length: rank }, (_, axis) => {
    if (axis === 0) return input?.[0];
    if (axis === channel) return channels;
    return windows(input?.[axis], kernel[axis - first], strides[axis]!, dilations[axis] ?? 1, padding, explicit(call, axis));
  });
}

function convolution(name: string, rank: number, depthwise = false): OpDef {
  return {
    name,
    infer: (call) => {
      const filter = call.shape(1);
      if (filter && filter.length !== rank) throw modelError("shape-mismatch", `${name} with a filter of rank ${filter.length}`);
      const input = call.shape();
      if (input && filter) {
        const channels = input[spatial(call, rank).channel];
        const taken = filter[rank - 2];
        const filters = filter[rank - 1];
        const fits =
          typeof channels !== "number" ||
          typeof taken !== "number" ||
          (depthwise
            ? channels === taken
            : channels % taken === 0 && (typeof filters !== "number" || channels === 0 || filters % (channels / taken) === 0));
        if (!fits) throw modelError("shape-mismatch", `${channels} channels into a filter of ${showShape(filter)}`);
      }
      const [a, b] = [filter?.[rank - 2], filter?.[rank - 1]];
      const out = !depthwise ? b : typeof a === "number" && typeof b === "number" ? a * b : undefined;
      return [{ dtype: call.dtype(), shape: windowed(call, rank, filter?.slice(0, rank - 2) ?? [], out) }];
    },
  };
}

function pool(name: string, rank: number): OpDef {
  return {
    name,
    infer: (call) => {
      const kernel = call.attr<readonly number[]>("ksize");
      const { channel, first } = spatial(call, rank);
      return [
        { dtype: call.dtype(), shape: windowed(call, rank, kernel.slice(first, first + rank - 2), call.shape()?.[channel]) },
      ];
    },
  };
}

const unequal = (a: Dim, b: Dim): boolean => typeof a === "number" && typeof b === "number" && a !== b;

/** Input sizes given as a vector. */
function backprop(name: string, rank: number): OpDef {
  return {
    name,
    infer: (call) => {
      const [sizes, filter, x] = [call.dims(0), call.shape(1), call.shape(2)];
      const { channel } = spatial(call, rank);
      const [outputs, taken] = [sizes?.[channel], filter?.[rank - 2]];
      const inGroups = typeof outputs !== "number" || typeof taken !== "number" || outputs % taken === 0;
      if (unequal(sizes?.[0], x?.[0]) || unequal(x?.[channel], filter?.[rank - 1]) || !inGroups)
        throw modelError("shape-mismatch", `${showShape(x)} through a filter of ${showShape(filter)} to ${showShape(sizes)}`);
      return [{ dtype: call.dtype(2), shape: sizes ?? x?.map(() => undefined) }];
    },
  };
}

function matmul(call: Call, ta: boolean, tb: boolean): Type {
  const [a, b] = [call.shape(0), call.shape(1)];
  if (!a || !b) return { dtype: call.dtype(), shape: undefined };
  if (a.length < 2 || b.length < 2) throw modelError("shape-mismatch", `${call.op} of ${showShape(a)} and ${showShape(b)}`);
  const [m, k1] = ta ? [a[a.length - 1], a[a.length - 2]] : [a[a.length - 2], a[a.length - 1]];
  const [k2, n] = tb ? [b[b.length - 1], b[b.length - 2]] : [b[b.length - 2], b[b.length - 1]];
  if (typeof k1 === "number" && typeof k2 === "number" && k1 !== k2)
    throw modelError("shape-mismatch", `${call.op} of ${showShape(a)} and ${showShape(b)}`);
  return { dtype: call.dtype(), shape: [...broadcast(a.slice(0, -2), b.slice(0, -2))!, m, n] };
}

const resize = (name: string, dtype?: DType): OpDef => ({
  name,
  infer: (call) => {
    const shape = call.shape();
    const size = call.dims(1);
    const first = call.attr<string>("data_format", "NHWC") === "NCHW";
    const dims = first ? [shape?.[0], shape?.[1], size?.[0], size?.[1]] : [shape?.[0], size?.[0], size?.[1], shape?.[3]];
    return [{ dtype: dtype ?? call.dtype(), shape: dims }];
  },
});

const like = (name: string, index = 0): OpDef => ({ name, infer: (call) => [call.input(index).type] });

/** C dims of a space/depth block op. */
const block = (name: string, space: (dim: Dim, size: number) => Dim, depth: (dim: Dim, size: number) => Dim): OpDef => ({
  name,
  infer: (call) => {
    const shape = call.shape();
    const size = call.attr<number>("block_size");
    const { channel } = spatial(call, 4);
    const dims = shape?.map((dim, axis) => (axis === 0 ? dim : axis === channel ? depth(dim, size * size) : space(dim, size)));
    return [{ dtype: call.dtype(), shape: dims }];
  },
});
const times = (dim: Dim, n: number): Dim => (typeof dim === "number" ? dim * n : undefined);
const over = (dim: Dim, n: number): Dim => (typeof dim === "number" ? dim / n : undefined);

define(
  convolution("Conv2D", 4),
  convolution("Conv3D", 5),
  convolution("DepthwiseConv2dNative", 4, true),
  backprop("Conv2DBackpropInput", 4),
  backprop("Conv3DBackpropInputV2", 5),
  {
    name: "Dilation2D",
    infer: (call) => {
      const [input, filter] = [call.shape(0), call.shape(1)];
      const [strides, rates] = [call.attr<readonly number[]>("strides"), call.attr<readonly number[]>("rates")];
      const padding = call.attr<string>("padding");
      const size = (axis: number): Dim =>
        windows(input?.[axis], filter?.[axis - 1], strides[axis]!, rates[axis]!, padding, [0, 0]);
      return [{ dtype: call.dtype(), shape: [input?.[0], size(1), size(2), input?.[3]] }];
    },
  },
  pool("MaxPool", 4),
  pool("AvgPool", 4),
  pool("MaxPool3D", 5),
  pool("AvgPool3D", 5),
  like("BiasAdd"),
  like("LRN"),
  like("FusedBatchNormV3"),
  {
    name: "Prelu",
    elementwise: true,
    infer: (call) => [{ dtype: call.dtype(), shape: broadcast(call.shape(0), call.shape(1)) }],
  },
  {
    name: "MatMul",
    infer: (call) => [matmul(call, call.attr<boolean>("transpose_a", false), call.attr<boolean>("transpose_b", false))],
  },
  {
    name: "BatchMatMulV2",
    infer: (call) => [matmul(call, call.attr<boolean>("adj_x", false), call.attr<boolean>("adj_y", false))],
  },
  resize("ResizeBilinear", "float32"),
  resize("ResizeNearestNeighbor"),
  block("DepthToSpace", times, over),
  block("SpaceToDepth", over, times),
  {
    name: "OneHot",
    infer: (call) => {
      const shape = call.shape();
      const axis = call.attr<number>("axis", -1);
      const at = shape && (axis < 0 ? shape.length + 1 + axis : axis);
      return [{ dtype: call.dtype(2), shape: shape && [...shape.slice(0, at), call.dims(1)?.[0], ...shape.slice(at)] }];
    },
  },
  {
    name: "Where",
    infer: (call) => [{ dtype: call.attr<string>("out_type", "int64") as DType, shape: [undefined, call.shape()?.length] }],
  },
  { ...like("ClipByValue"), elementwise: true },
  // boxes [N, 4], scores [N], max_output_size, iou_threshold, score_threshold → indices of the boxes kept, best first
  { name: "NonMaxSuppressionV3", infer: () => [{ dtype: "int32", shape: [undefined] }] },
  ...["RoiMaxPool", "RoiAlignAdaptive"].map(
    (name): OpDef => ({
      name,
      infer: (call) => {
        const [height, width] = [call.attr<number>("height"), call.attr<number>("width")];
        return [{ dtype: call.dtype(), shape: [call.shape(1)?.[0], call.shape()?.[1], height, width] }];
      },
    }),
  ),
);
