/** The functions themselves: TensorFlow's names and `keras.ops`', a row each. */
import { type DType, isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { erfGelu, swish, tanhGelu } from "../onnx/activation.ts";
import { isObject } from "./config.ts";
import {
  axisAt,
  type FunctionCall,
  type FunctionFn,
  flagAt,
  functionRules,
  intsAt,
  isValue,
  pairAt,
  tensorAt,
} from "./functions.ts";

type Table = Readonly<Record<string, FunctionFn>>;

/** The same function under several names. */
const named = (names: string, fn: FunctionFn): Table => Object.fromEntries(names.split(" ").map((name) => [name, fn]));

const x1 = [0, "x1", "x"] as const;
const x2 = [1, "x2", "y"] as const;

const binary =
  (op: string): FunctionFn =>
  (call) => [call.b.op(op, pairAt(call, x1, x2))];

const floats = (b: Builder, x: Value): Value => (isFloat(x.dtype) ? x : b.cast(x, "float32"));

const unary =
  (op: string, float = false): FunctionFn =>
  (call) => {
    const x = tensorAt(call, 0, "x", "features", "input", "inputs", "tensor");
    return [call.b.op(op, [float ? floats(call.b, x) : x])];
  };

const activation =
  (fn: (b: Builder, x: Value) => Value): FunctionFn =>
  (call) => [fn(call.b, tensorAt(call, 0, "x", "features", "logits"))];

const reduction =
  (op: string): FunctionFn =>
  (call) => {
    const x = tensorAt(call, 0, "x", "input_tensor", "input");
    const axes = intsAt(call, 1, "axis") ?? x.shape.map((_, axis) => axis);
    const normal = axes.map((axis) => (axis < 0 ? axis + x.rank : axis));
    return [call.b.reduce(op, op === "Mean" ? floats(call.b, x) : x, normal, flagAt(call, 2, "keepdims", "keep_dims"))];
  };

const extreme =
  (op: string): FunctionFn =>
  (call) => {
    const x = tensorAt(call, 0, "x", "input");
    const axis = axisAt(call, x.rank, 0, 1, "axis");
    const y = call.b.op(op, [x, call.b.scalar("int32", axis)], { output_type: "int32" });
    return [flagAt(call, 2, "keepdims") ? call.b.op("ExpandDims", [y, call.b.scalar("int32", axis)]) : y];
  };

/** A list of tensors, or an argument each. */
function tensors({ at, argument }: FunctionCall, ...names: readonly string[]): readonly Value[] {
  const given = argument(0, ...names);
  if (Array.isArray(given) && given.length > 0 && given.every(isValue)) return given;
  throw at.unsupported("a list that holds more than tensors");
}

const reshape: FunctionFn = (call) => {
  const { b, at } = call;
  const x = tensorAt(call, 0, "x", "tensor");
  const given = call.argument(1, "shape", "newshape");
  if (isValue(given)) return [b.op("Reshape", [x, b.cast(given, "int32")])];
  const list = Array.isArray(given) ? given : [given];
  // In Keras 3 the batch may be null.
  const parts = list.map((each, i) => {
    if (isValue(each)) return b.reshape(b.cast(each, "int32"), [1]);
    if (each === null && i === 0) return b.dim(x, 0);
    if (!Number.isInteger(each)) throw at.unsupported(`a shape of ${JSON.stringify(each)}`);
    return b.ints([each as number]);
  });
  return [b.op("Reshape", [x, parts.length === 0 ? b.ints([]) : b.concat(parts, 0)])];
};

const transpose: FunctionFn = (call) => {
  const x = tensorAt(call, 0, "x", "a");
  const axes = intsAt(call, 1, "axes", "perm") ?? x.shape.map((_, i) => x.rank - 1 - i);
  return [
    call.b.transpose(
      x,
      axes.map((axis) => (axis < 0 ? axis + x.rank : axis)),
    ),
  ];
};

const pack: FunctionFn = (call) => {
  const list = tensors(call, "x", "values");
  return [call.b.op("Pack", list, { axis: axisAt(call, list[0]!.rank + 1, 0, 1, "axis") })];
};

const split: FunctionFn = (call) => {
  const { b, at } = call;
  const x = tensorAt(call, 0, "x", "value");
  const axis = axisAt(call, x.rank, 0, 2, "axis");
  const given = call.argument(1, "indices_or_sections", "num_or_size_splits");
  const size = x.shape[axis];
  if (typeof given === "number") return b.ops("Split", [b.scalar("int32", axis), x], { num_split: given });
  if (!Array.isArray(given) || !given.every(Number.isInteger)) throw at.unsupported("parts that are not known before it runs");
  let sizes = given as number[];
  if (at.node.domain === "keras.ops") {
    if (typeof size !== "number") throw at.unsupported("parts of a size that is not known");
    sizes = [...sizes, size].map((end, i) => end - (i === 0 ? 0 : sizes[i - 1]!));
  }
  return b.ops("SplitV", [x, b.ints(sizes), b.scalar("int32", axis)], { num_split: sizes.length });
};

/** x[…]: numbers, slices, new axes and an ellipsis. */
const item: FunctionFn = (call) => {
  const { b, at } = call;
  const x = tensorAt(call, 0, "x", "tensor");
  const given = call.argument(1, "key", "slice_spec");
  const list = given === undefined ? [null] : Array.isArray(given) ? given : [given];
  const [begin, end, strides]: number[][] = [[], [], []];
  const masks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
  for (const [i, each] of list.entries()) {
    let [from, to, step] = [0, 0, 1];
    if (each === null) masks.new_axis_mask |= 1 << i;
    else if (each === "..." || (isObject(each) && each["class_name"] === "__ellipsis__")) masks.ellipsis_mask |= 1 << i;
    else if (Number.isInteger(each)) {
      [from, to] = [each as number, (each as number) + 1];
      masks.shrink_axis_mask |= 1 << i;
      if (each === -1) masks.end_mask |= 1 << i;
    } else if (isObject(each) && "start" in each) {
      const bounds = [each["start"], each["stop"], each["step"]].map((bound) => bound ?? undefined);
      if (bounds.some((bound) => bound !== undefined && !Number.isInteger(bound)))
        throw at.unsupported("a slice whose ends are not known before it runs");
      const [start, stop, stride] = bounds as (number | undefined)[];
      [from, to, step] = [start ?? 0, stop ?? 0, stride ?? 1];
      if (start === undefined) masks.begin_mask |= 1 << i;
      if (stop === undefined) masks.end_mask |= 1 << i;
    } else throw at.unsupported(`an index of ${JSON.stringify(isValue(each) ? "a tensor" : each)}`);
    begin!.push(from);
    end!.push(to);
    strides!.push(step);
  }
  return [b.op("StridedSlice", [x, b.ints(begin!), b.ints(end!), b.ints(strides!)], masks)];
};

const dtypes = new Set<string>(["float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool"]);

const cast: FunctionFn = (call) => {
  const given = call.argument(1, "dtype");
  const name = isObject(given) && isObject(given["config"]) ? given["config"]["name"] : given;
  if (typeof name !== "string" || !dtypes.has(name)) throw call.at.unsupported(`a cast to ${JSON.stringify(given)}`);
  return [call.b.wrappingCast(tensorAt(call, 0, "x"), name as DType)];
};

const choose: FunctionFn = (call) => {
  const condition = tensorAt(call, 0, "condition");
  const pair = pairAt(call, [1, "x1", "x"], [2, "x2", "y"]);
  return [call.b.op("SelectV2", [call.b.cast(condition, "bool"), ...pair])];
};

const clip: FunctionFn = (call) => {
  const { b, at } = call;
  const x = tensorAt(call, 0, "x", "t");
  const [low, high] = [call.argument(1, "x_min", "clip_value_min"), call.argument(2, "x_max", "clip_value_max")];
  if (typeof low !== "number" || typeof high !== "number") throw at.unsupported("limits that are not known before it runs");
  return [b.op("Minimum", [b.op("Maximum", [x, b.scalar(x.dtype, low)]), b.scalar(x.dtype, high)])];
};

const matmul: FunctionFn = (call) => {
  const [x, y] = pairAt(call, [0, "x1", "a"], [1, "x2", "b"]);
  if (x.rank < 2 || y.rank < 2) throw call.at.unsupported("a product with a vector");
  const turned = { adj_x: flagAt(call, 2, "transpose_a"), adj_y: flagAt(call, 3, "transpose_b") };
  return [call.b.op("BatchMatMulV2", [x, y], turned)];
};

const softmax =
  (op: string): FunctionFn =>
  (call) => {
    const x = tensorAt(call, 0, "x", "logits");
    if (axisAt(call, x.rank, -1, 1, "axis") !== x.rank - 1)
      throw call.at.unsupported("a softmax over another axis than the last");
    return [call.b.op(op, [x])];
  };

const squeeze: FunctionFn = (call) => {
  const x = tensorAt(call, 0, "x", "input");
  const axes = intsAt(call, 1, "axis") ?? x.shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  return [
    call.b.squeeze(
      x,
      axes.map((axis) => (axis < 0 ? axis + x.rank : axis)),
    ),
  ];
};

const tile: FunctionFn = (call) => {
  const x = tensorAt(call, 0, "x", "input");
  const counts = intsAt(call, 1, "repeats", "multiples") ?? [];
  const all = [...new Array<number>(Math.max(x.rank - counts.length, 0)).fill(1), ...counts];
  if (all.length !== x.rank) throw call.at.unsupported("a tile of more axes than the tensor has");
  return [call.b.op("Tile", [x, call.b.ints(all)])];
};

const leaky: FunctionFn = (call) => {
  const alpha = call.argument(1, "negative_slope", "alpha") ?? 0.2;
  return [call.b.op("LeakyRelu", [tensorAt(call, 0, "x", "features")], { alpha: alpha as number })];
};

const half = (b: Builder, x: Value): Value => b.op("Rsqrt", [x]);

const table: Table = {
  ...named("tf.math.add tf.__operators__.add keras.ops.Add", binary("AddV2")),
  ...named("tf.math.subtract tf.__operators__.sub keras.ops.Subtract", binary("Sub")),
  ...named("tf.math.multiply tf.__operators__.mul keras.ops.Multiply", binary("Mul")),
  ...named("tf.math.truediv tf.math.divide tf.divide tf.__operators__.truediv keras.ops.TrueDivide keras.ops.Divide", (call) => [
    call.b.op(
      "RealDiv",
      pairAt(call, x1, x2).map((x) => floats(call.b, x)),
    ),
  ]),
  ...named("tf.math.floordiv tf.__operators__.floordiv keras.ops.FloorDivide", binary("FloorDiv")),
  ...named("tf.math.floormod tf.math.mod tf.__operators__.mod keras.ops.Mod", binary("FloorMod")),
  ...named("tf.math.pow tf.__operators__.pow keras.ops.Power", binary("Pow")),
  ...named("tf.math.maximum keras.ops.Maximum", binary("Maximum")),
  ...named("tf.math.minimum keras.ops.Minimum", binary("Minimum")),
  ...named("tf.math.squared_difference", binary("SquaredDifference")),
  ...named("tf.math.equal tf.__operators__.eq keras.ops.Equal", binary("Equal")),
  ...named("tf.math.not_equal tf.__operators__.ne keras.ops.NotEqual", binary("NotEqual")),
  ...named("tf.math.less tf.__operators__.lt keras.ops.Less", binary("Less")),
  ...named("tf.math.less_equal tf.__operators__.le keras.ops.LessEqual", binary("LessEqual")),
  ...named("tf.math.greater tf.__operators__.gt keras.ops.Greater", binary("Greater")),
  ...named("tf.math.greater_equal tf.__operators__.ge keras.ops.GreaterEqual", binary("GreaterEqual")),
  ...named("tf.math.logical_and keras.ops.LogicalAnd", binary("LogicalAnd")),
  ...named("tf.math.logical_or keras.ops.LogicalOr", binary("LogicalOr")),
  ...named("tf.math.logical_not keras.ops.LogicalNot", unary("LogicalNot")),
  ...named("tf.math.negative tf.__operators__.neg keras.ops.Negative", unary("Neg")),
  ...named("tf.math.abs keras.ops.Absolute keras.ops.Abs", unary("Abs")),
  ...named("tf.math.exp keras.ops.Exp", unary("Exp", true)),
  ...named("tf.math.log keras.ops.Log", unary("Log", true)),
  ...named("tf.math.log1p keras.ops.Log1p", unary("Log1p", true)),
  ...named("tf.math.sqrt keras.ops.Sqrt", unary("Sqrt", true)),
  ...named("tf.math.rsqrt keras.ops.Rsqrt", activation(half)),
  ...named("tf.math.square keras.ops.Square", unary("Square")),
  ...named("tf.math.sin keras.ops.Sin", unary("Sin", true)),
  ...named("tf.math.cos keras.ops.Cos", unary("Cos", true)),
  ...named("tf.math.erf keras.ops.Erf", unary("Erf", true)),
  ...named("tf.math.floor keras.ops.Floor", unary("Floor")),
  ...named("tf.math.ceil keras.ops.Ceil", unary("Ceil")),
  ...named("tf.math.round keras.ops.Round", unary("Round")),
  ...named("tf.math.sign keras.ops.Sign", unary("Sign")),
  ...named("tf.math.reciprocal keras.ops.Reciprocal", unary("Reciprocal", true)),
  ...named("tf.math.tanh tf.nn.tanh keras.ops.Tanh", unary("Tanh", true)),
  ...named("tf.math.sigmoid tf.nn.sigmoid keras.ops.Sigmoid", unary("Sigmoid", true)),
  ...named("tf.math.softplus tf.nn.softplus keras.ops.Softplus", unary("Softplus", true)),
  ...named("tf.nn.relu keras.ops.Relu", unary("Relu")),
  ...named("tf.nn.relu6 keras.ops.Relu6", unary("Relu6")),
  ...named("tf.nn.elu keras.ops.Elu", unary("Elu")),
  ...named("tf.nn.selu keras.ops.Selu", unary("Selu")),
  ...named(
    "tf.nn.silu tf.nn.swish keras.ops.Silu",
    activation((b, x) => swish(b, x, 1)),
  ),
  ...named("tf.nn.gelu keras.ops.Gelu", (call) => {
    const x = tensorAt(call, 0, "x", "features");
    const rough = call.argument(1, "approximate") ?? call.at.node.domain === "keras.ops";
    return [rough === true ? tanhGelu(call.b, x) : erfGelu(call.b, x)];
  }),
  ...named("tf.nn.leaky_relu keras.ops.LeakyRelu", leaky),
  ...named("tf.nn.softmax keras.ops.Softmax", softmax("Softmax")),
  ...named("tf.nn.log_softmax keras.ops.LogSoftmax", softmax("LogSoftmax")),
  ...named("tf.math.reduce_mean keras.ops.Mean", reduction("Mean")),
  ...named("tf.math.reduce_sum keras.ops.Sum", reduction("Sum")),
  ...named("tf.math.reduce_max keras.ops.Max keras.ops.Amax", reduction("Max")),
  ...named("tf.math.reduce_min keras.ops.Min keras.ops.Amin", reduction("Min")),
  ...named("tf.math.reduce_prod keras.ops.Prod", reduction("Prod")),
  ...named("tf.math.reduce_any keras.ops.Any", reduction("Any")),
  ...named("tf.math.reduce_all keras.ops.All", reduction("All")),
  ...named("tf.math.argmax keras.ops.Argmax", extreme("ArgMax")),
  ...named("tf.math.argmin keras.ops.Argmin", extreme("ArgMin")),
  ...named("tf.reshape keras.ops.Reshape", reshape),
  ...named("tf.compat.v1.transpose tf.transpose keras.ops.Transpose", transpose),
  ...named("tf.expand_dims keras.ops.ExpandDims", (call) => {
    const x = tensorAt(call, 0, "x", "input");
    return [call.b.op("ExpandDims", [x, call.b.scalar("int32", axisAt(call, x.rank + 1, -1, 1, "axis"))])];
  }),
  ...named("tf.squeeze tf.compat.v1.squeeze keras.ops.Squeeze", squeeze),
  ...named("tf.concat keras.ops.Concatenate", (call) => {
    const list = tensors(call, "xs", "values");
    return [call.b.concat(list, axisAt(call, list[0]!.rank, 0, 1, "axis"))];
  }),
  ...named("tf.stack keras.ops.Stack", pack),
  ...named("tf.split keras.ops.Split", split),
  ...named("tf.__operators__.getitem keras.ops.GetItem", item),
  ...named("tf.cast keras.ops.Cast", cast),
  ...named("tf.where keras.ops.Where", choose),
  ...named("tf.clip_by_value keras.ops.Clip", clip),
  ...named("tf.linalg.matmul tf.matmul keras.ops.Matmul", matmul),
  ...named("tf.tile keras.ops.Tile", tile),
  ...named("tf.zeros_like keras.ops.ZerosLike", unary("ZerosLike")),
  ...named("tf.ones_like keras.ops.OnesLike", unary("OnesLike")),
  ...named(
    "tf.identity tf.stop_gradient keras.ops.StopGradient",
    activation((_, x) => x),
  ),
  ...named("tf.gather tf.compat.v1.gather keras.ops.Take", (call) => {
    const [x, indices] = [tensorAt(call, 0, "x", "params"), tensorAt(call, 1, "indices")];
    return [call.b.gather(x, call.b.cast(indices, "int32"), axisAt(call, x.rank, 0, 2, "axis"))];
  }),
};

export const functions = functionRules(table);
