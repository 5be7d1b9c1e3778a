/** Convolutions, pools, normalisation, matrix products, activations over an axis. */
import type { Attrs, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { explicitEquation } from "../equation.ts";
import type { Rule } from "../rule.ts";
import { float, int, required, string } from "../schema.ts";
import { flag, list, realOnly, same, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";
import { inLast, isFirst, listToLast, toFirst, toLast } from "./layout.ts";

const window = {
  strides: list(),
  dilations: list(),
  padding: required(string("VALID")),
  explicit_paddings: list(),
};

interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: string;
  readonly explicit_paddings: readonly number[];
}

/** The hub's attributes of a window over N … C. */
function windowOf(a: Window, rank: number, first: boolean): Attrs {
  const order = (each: readonly number[]) => (first ? listToLast(each, rank) : each);
  const ones = new Array<number>(rank).fill(1);
  return {
    strides: order(a.strides.length > 0 ? a.strides : ones),
    dilations: order(a.dilations.length > 0 ? a.dilations : ones),
    padding: a.padding,
    ...(a.padding === "EXPLICIT" && { explicit_paddings: order(a.explicit_paddings) }),
    data_format: rank === 5 ? "NDHWC" : "NHWC",
  };
}

const convolution = (op: string, rank: number): Rule =>
  tfRule(op, [2, 2], { ...window, data_format: string(rank === 5 ? "NDHWC" : "NHWC") }, (b, [x, filter], a, at) => {
    const first = isFirst(a.data_format, at);
    return [inLast(b, x, first, (last) => b.op(op, [last, filter], windowOf(a, rank, first)))];
  });

/** The gradient over the input; `sizes` is its shape. */
const backprop = (op: string, rank: number, hub: string, sizesOf: (b: Builder, sizes: Value) => Value): Rule =>
  tfRule(
    op,
    [3, 3],
    { ...window, data_format: string(rank === 5 ? "NDHWC" : "NHWC") },
    (b, [sizes, filter, dy], a, at) => {
      const first = isFirst(a.data_format, at);
      const given = sizesOf(b, sizes);
      const places = first ? b.gather(given, b.ints(listToLast([0, 1, 2, 3, 4].slice(0, rank), rank)), 0) : given;
      return [inLast(b, dy, first, (last) => b.op(hub, [places, filter, last], windowOf(a, rank, first)))];
    },
    { parameters: [0] },
  );

const shapeOf = (b: Builder, like: Value): Value => b.op("Shape", [like]);

const pool = (op: string, rank: number): Rule =>
  tfRule(op, [1, 1], { ...window, ksize: list(), data_format: string(rank === 5 ? "NDHWC" : "NHWC") }, (b, [x], a, at) => {
    const first = isFirst(a.data_format, at);
    const ksize = first ? listToLast(a.ksize, rank) : a.ksize;
    if (ksize[0] !== 1 || ksize[rank - 1] !== 1) throw at.unsupported(`a window over batches or channels: ${a.ksize.join("×")}`);
    const { dilations: _, ...attrs } = windowOf(a, rank, first);
    return [inLast(b, x, first, (last) => b.op(op, [last], { ...attrs, ksize }))];
  });

const normAttrs = {
  epsilon: float(1e-4),
  data_format: string("NHWC"),
  is_training: flag(true),
  exponential_avg_factor: float(1),
};

/** y, mean, variance, and what a gradient would want: batch statistics in training, those given otherwise. */
const batchNorm = (op: string): Rule =>
  tfRule(op, [5, 5], normAttrs, (b, [x, scale, offset, mean, variance], a, at) => {
    const first = isFirst(a.data_format, at);
    const last = first ? toLast(b, x) : x;
    const like = (v: Value) => b.cast(v, x.dtype);
    if (!a.is_training) {
      const y = b.op("FusedBatchNormV3", [last, ...[scale, offset, mean, variance].map(like)], {
        epsilon: a.epsilon,
        is_training: false,
        data_format: "NHWC",
      });
      return [first ? toFirst(b, y) : y, mean, variance, mean, variance, mean];
    }
    if (a.exponential_avg_factor !== 1) throw at.unsupported("a moving average in batch normalisation");
    // Of halves the statistics are float32, as are scale and offset.
    const [y, ...statistics] = trained(b, b.cast(last, scale.dtype), scale, offset, a.epsilon, first);
    return [b.cast(y!, x.dtype), ...statistics];
  });

/** The statistics that come out are the batch's own; the variance over n − 1. */
function trained(b: Builder, x: Value, scale: Value, offset: Value, epsilon: number, first: boolean): readonly Value[] {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = b.reduce("Mean", x, axes, false);
  const centred = b.op("Sub", [x, mean]);
  const variance = b.reduce("Mean", b.op("Square", [centred]), axes, false);
  const factor = b.op("Mul", [scale, b.op("Rsqrt", [b.op("AddV2", [variance, number(b, x, epsilon)])])]);
  const y = b.op("AddV2", [b.op("Mul", [centred, factor]), offset]);
  const count = axes.reduce<Value>((product, axis) => b.op("Mul", [product, b.dim(x, axis)]), b.ints([1]));
  const n = b.cast(b.reshape(count, []), x.dtype);
  const others = b.op("Maximum", [b.op("Sub", [n, number(b, x, 1)]), number(b, x, 1)]);
  const unbiased = b.op("Mul", [variance, b.op("RealDiv", [n, others])]);
  return [first ? toFirst(b, y) : y, mean, unbiased, mean, variance, mean];
}

/** Bias on the channels. */
function biasAdd(b: Builder, x: Value, bias: Value, format: string): Value {
  if (!format.startsWith("NC") || x.rank < 3) return b.op("BiasAdd", [x, bias]);
  return b.op("AddV2", [x, b.reshapeTo(bias, [bias.shape[0], ...new Array<number>(x.rank - 2).fill(1)])]);
}

const softmaxLike = (op: string): Rule =>
  tfRule(op, [1, 1], {}, (b, [x], _, at) => {
    realOnly([x], at);
    return [b.op(op, [x])];
  });

const products: readonly Rule[] = [
  tfRule("MatMul", [2, 2], { transpose_a: flag(false), transpose_b: flag(false) }, (b, [x, y], a, at) => {
    realOnly([x, y], at);
    return [b.op("MatMul", [x, y], a)];
  }),
  ...["BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"].map((op) =>
    tfRule(op, [2, 2], { adj_x: flag(false), adj_y: flag(false) }, (b, [x, y], a, at) => {
      realOnly([x, y], at);
      return [b.op("BatchMatMulV2", [x, y], a)];
    }),
  ),
  tfRule("Einsum", [1, Number.POSITIVE_INFINITY], { equation: required(string("")) }, (b, values, a, at) => {
    const ranks = values.map((value) => value.rank);
    return [b.op("Einsum", values, { equation: explicitEquation(a.equation, ranks, at) })];
  }),
];

const lrn = { depth_radius: int(5), bias: float(1), alpha: float(1), beta: float(0.5) };

export const nn: readonly Rule[] = [
  convolution("Conv2D", 4),
  convolution("Conv3D", 5),
  convolution("DepthwiseConv2dNative", 4),
  backprop("Conv2DBackpropInput", 4, "Conv2DBackpropInput", (_, sizes) => sizes),
  backprop("Conv3DBackpropInputV2", 5, "Conv3DBackpropInputV2", (_, sizes) => sizes),
  backprop("Conv3DBackpropInput", 5, "Conv3DBackpropInputV2", shapeOf),
  pool("MaxPool", 4),
  pool("AvgPool", 4),
  pool("MaxPool3D", 5),
  pool("AvgPool3D", 5),
  tfRule(
    "MaxPoolV2",
    [3, 3],
    { padding: required(string("VALID")), data_format: string("NHWC") },
    (b, [x, ksize, strides], a, at) => {
      const first = isFirst(a.data_format, at);
      const order = (value: Value) => (first ? listToLast(at.numbers(value, "the window"), 4) : at.numbers(value, "the window"));
      const attrs = { ksize: order(ksize), strides: order(strides), padding: a.padding, data_format: "NHWC" };
      return [inLast(b, x, first, (last) => b.op("MaxPool", [last], attrs))];
    },
    { parameters: [1, 2] },
  ),
  tfRule("Dilation2D", [2, 2], { strides: list(), rates: list(), padding: required(string("VALID")) }, (b, [x, filter], a) => [
    b.op("Dilation2D", [x, filter], a),
  ]),
  ...["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"].map(batchNorm),
  tfRule(
    "BatchNormWithGlobalNormalization",
    [5, 5],
    { variance_epsilon: float(1e-4), scale_after_normalization: flag(true) },
    (b, [x, mean, variance, beta, gamma], a) => {
      const root = b.op("Rsqrt", [b.op("AddV2", [variance, number(b, x, a.variance_epsilon)])]);
      const factor = a.scale_after_normalization ? b.op("Mul", [root, gamma]) : root;
      return [b.op("AddV2", [b.op("Mul", [b.op("Sub", [x, mean]), factor]), beta])];
    },
  ),
  tfRule("BiasAdd", [2, 2], { data_format: string("NHWC") }, (b, [x, bias], a) => [biasAdd(b, x, bias, a.data_format)]),
  tfRule("BiasAddV1", [2, 2], {}, (b, [x, bias]) => [biasAdd(b, x, bias, "NHWC")]),
  ...products,
  softmaxLike("Softmax"),
  softmaxLike("LogSoftmax"),
  same("LRN", 1, lrn),
];
