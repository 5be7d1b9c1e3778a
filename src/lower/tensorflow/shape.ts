/** Ops about shapes, and those that pass a value on. */
import type { DType } from "../../base/dtype.ts";
import { isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { SourceDim } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { type Field, int, required, sliceMasks, string, tensor } from "../schema.ts";
import { dtype, list, same, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

/** Constants up to here are written out even where the file has one element for all. */
const smallSplat = 4096;

/** A Const whose file holds one element for all stays a Fill. */
const constant: Rule = tfRule("Const", [0, 0], { value: required(tensor()) }, (b, _, { value }, at) => {
  const splat = value.encoding.endsWith("-splat") && value.dtype !== "string" && elementCount(value.shape) > smallSplat;
  if (!splat) return [at.constant(value)];
  return [b.op("Fill", [b.ints(value.shape), at.constant({ ...value, shape: [] })])];
});

/** The value itself; what a node is for at training time, or on another device, is nothing here. */
const passing = [
  ..."Identity Snapshot StopGradient PreventGradient CheckNumerics CheckNumericsV2 PlaceholderWithDefault DeepCopy".split(" "),
  ..."ReadVariableOp DisableCopyOnRead RefIdentity LoopCond OptimizationBarrier CopyHost Copy DebugIdentity DebugIdentityV2".split(
    " ",
  ),
];

const passed = (op: string): Rule => tfRule(op, [1, Number.POSITIVE_INFINITY], {}, (_, [x]) => [x]);

/** What the model was saved with as true of a shape is taken for true: TensorFlow would stop where it is not. */
function ensured(b: Builder, x: Value, shape: readonly SourceDim[] | null): Value {
  const known = x.type.shape;
  if (!shape || (known && known.length !== shape.length)) return x;
  const dims = shape.map((dim, axis) => (typeof dim === "number" ? dim : known?.[axis]));
  const open = dims.filter((dim) => typeof dim !== "number").length;
  return open <= 1 && !dims.includes(0) ? b.reshapeTo(x, dims) : x;
}

const shapeOf: Field<readonly SourceDim[] | null> = { read: (attr) => (attr?.kind === "shape" ? attr.value : null) };

const outType = { out_type: dtype("int32") };

export const zeroOf = (b: Builder, type: DType): Value =>
  type === "bool" ? b.constant({ dtype: "bool", shape: [], data: Uint8Array.of(0) }) : b.scalar(type, 0);

/** start, start + step, …: the last is exactly `stop`. */
function linSpace(b: Builder, [start, stop, num]: readonly [Value, Value, Value], at: At): Value {
  const count = Number(at.known(num, "the number of points").data[0]);
  if (count < 1) throw at.invalid(`${count} points`);
  const steps = b.cast(b.op("Range", [b.scalar("int32", 0), b.scalar("int32", count), b.scalar("int32", 1)]), start.dtype);
  if (count === 1) return b.reshape(start, [1]);
  const step = b.op("RealDiv", [b.op("Sub", [stop, start]), number(b, start, count - 1)]);
  const inner = b.op("AddV2", [start, b.op("Mul", [steps, step])]);
  return b.concat([b.slice(inner, [0], [count - 1]), b.reshape(stop, [1])], 0);
}

/** Axes that a vector of bools marks. */
function marked(value: Value, at: At): number[] {
  return [...at.known(value, "the axes").data].flatMap((mark, axis) => (Number(mark) !== 0 ? [axis] : []));
}

/** The place of each number in a permutation of 0 … n − 1. */
function invertPermutation(b: Builder, x: Value): Value {
  const known = constantOf(x);
  if (known) {
    const numbers = [...known.data].map(Number);
    return b.cast(b.ints(numbers.map((_, i) => numbers.indexOf(i))), x.dtype);
  }
  const count = b.op("Size", [x]);
  const range = b.op("Range", [b.scalar("int32", 0), count, b.scalar("int32", 1)]);
  const places = b.op("ExpandDims", [b.cast(x, "int32"), b.scalar("int32", 1)]);
  return b.cast(b.op("ScatterNd", [places, range, b.reshape(count, [1])]), x.dtype);
}

/** Where each of several tensors begins when they are concatenated. */
function concatOffset(b: Builder, axis: number, shapes: readonly Value[]): Value[] {
  let at = b.scalar(shapes[0]!.dtype, 0);
  return shapes.map((shape) => {
    const rank = shape.shape[0] as number;
    const parts = Array.from({ length: rank }, (_, i) => (i === axis ? b.reshape(at, [1]) : b.cast(b.ints([0]), shape.dtype)));
    at = b.op("AddV2", [at, b.reshape(b.slice(shape, [axis], [1]), [])]);
    return b.concat(parts, 0);
  });
}

export const shapes: readonly Rule[] = [
  constant,
  ...passing.map(passed),
  tfRule("EnsureShape", [1, 1], { shape: shapeOf }, (b, [x], a) => [ensured(b, x, a.shape)]),
  tfRule("IdentityN", [0, Number.POSITIVE_INFINITY], {}, (_, values) => values),
  tfRule("NoOp", [0, 0], {}, () => []),
  tfRule("Assert", [1, Number.POSITIVE_INFINITY], {}, () => []),
  tfRule("Print", [1, Number.POSITIVE_INFINITY], {}, (_, [x]) => [x]),
  same("Shape", 1, outType),
  tfRule("ShapeN", [0, Number.POSITIVE_INFINITY], outType, (b, values, a) =>
    (values as readonly Value[]).map((x) => b.op("Shape", [x], a)),
  ),
  same("Size", 1, outType),
  same("Rank", 1),
  same("Reshape", 2, {}, { parameters: [1] }),
  same("Transpose", 2, {}, { parameters: [1] }),
  same("ExpandDims", 2, {}, { parameters: [1] }),
  same("Squeeze", 1, { squeeze_dims: list() }),
  same("BroadcastTo", 2, {}, { parameters: [1] }),
  same("BroadcastArgs", 2),
  same("Tile", 2, {}, { parameters: [1] }),
  same("Range", 3, {}, { parameters: [0, 1, 2] }),
  same("Fill", 2, {}, { parameters: [0] }),
  tfRule("Empty", [1, 1], { dtype: dtype() }, (b, [dims], a) => [b.op("Fill", [dims, zeroOf(b, a.dtype)])], { parameters: [0] }),
  tfRule("LinSpace", [3, 3], {}, (b, inputs, _, at) => [linSpace(b, inputs, at)], { parameters: [2] }),
  tfRule("Pack", [1, Number.POSITIVE_INFINITY], { axis: int(0) }, (b, values, a) => [b.op("Pack", values, a)]),
  tfRule("ParallelConcat", [1, Number.POSITIVE_INFINITY], {}, (b, values) => [b.concat(values, 0)]),
  same("Unpack", 1, { num: required(int(0)), axis: int(0) }),
  tfRule(
    "ConcatV2",
    [2, Number.POSITIVE_INFINITY],
    {},
    (b, values, _, at) => {
      const axis = Number(at.known(values.at(-1)!, "the axis").data[0]);
      return [values.length === 2 ? values[0] : b.concat(values.slice(0, -1), axis)];
    },
    { parameters: [-1] },
  ),
  tfRule(
    "Concat",
    [2, Number.POSITIVE_INFINITY],
    {},
    (b, [axis, ...values], _, at) => [b.concat(values as Value[], Number(at.known(axis, "the axis").data[0]))],
    { parameters: [0] },
  ),
  tfRule("ConcatOffset", [2, Number.POSITIVE_INFINITY], {}, (b, [axis, ...vectors], _, at) =>
    concatOffset(b, Number(at.known(axis, "the axis").data[0]), vectors as Value[]),
  ),
  same("Slice", 3, {}, { parameters: [1, 2] }),
  same("StridedSlice", 4, sliceMasks, { parameters: [1, 2, 3] }),
  same("Split", 2, { num_split: required(int(1)) }, { parameters: [0] }),
  same("SplitV", 3, { num_split: required(int(1)) }, { parameters: [1, 2] }),
  same("ReverseV2", 2, {}, { parameters: [1] }),
  tfRule("Reverse", [2, 2], {}, (b, [x, dims], _, at) => [b.op("ReverseV2", [x, b.ints(marked(dims, at))])], { parameters: [1] }),
  same("ReverseSequence", 2, { seq_dim: required(int(0)), batch_dim: int(0) }),
  tfRule("Pad", [2, 2], {}, (b, [x, pads]) => [b.op("PadV2", [x, pads, zeroOf(b, x.dtype)])], { parameters: [1] }),
  same("PadV2", 3, {}, { parameters: [1] }),
  same("MirrorPad", 2, { mode: required(string("REFLECT")) }, { parameters: [1] }),
  tfRule("DataFormatVecPermute", [1, 1], { src_format: string("NHWC"), dst_format: string("NCHW") }, (b, [x], a, at) => {
    const places = [...a.dst_format].map((axis) => a.src_format.indexOf(axis));
    // Of two numbers they are those of the spatial axes.
    if (x.shape[0] === places.length) return [b.gather(x, b.ints(places), 0)];
    if (x.shape[0] !== places.length - 2) throw at.invalid(`${x.shape[0]} entries of a ${a.src_format} list`);
    const spatial = [...a.src_format].filter((axis) => axis !== "N" && axis !== "C");
    const order = [...a.dst_format].filter((axis) => spatial.includes(axis)).map((axis) => spatial.indexOf(axis));
    return [b.gather(x, b.ints(order), 0)];
  }),
  tfRule("DataFormatDimMap", [1, 1], { src_format: string("NHWC"), dst_format: string("NCHW") }, (b, [x], a) => {
    const map = [...a.src_format].map((axis) => a.dst_format.indexOf(axis));
    return [b.gather(b.cast(b.ints(map), x.dtype), b.op("FloorMod", [x, number(b, x, map.length)]), 0)];
  }),
  tfRule("InvertPermutation", [1, 1], {}, (b, [x], _, at) => {
    if (!isInteger(x.dtype)) throw at.invalid(`a permutation of ${x.dtype}`);
    return [invertPermutation(b, x)];
  }),
  tfRule("BroadcastGradientArgs", [2, 2], {}, (b, [x, y], _, at) =>
    gradientAxes(b, at.numbers(x, "a shape"), at.numbers(y, "a shape"), x.dtype),
  ),
];

/** Axes over which the gradient of a broadcast operand is summed. */
function gradientAxes(b: Builder, x: readonly number[], y: readonly number[], type: DType): readonly Value[] {
  const rank = Math.max(x.length, y.length);
  const dim = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  const summed = (own: readonly number[]) =>
    Array.from({ length: rank }, (_, axis) => axis).filter(
      (axis) =>
        dim(own, axis) === 1 && (axis < rank - own.length || dim(x, axis) !== 1 || dim(y, axis) !== 1 || dim(own, axis) === 1),
    );
  return [summed(x), summed(y)].map((axes) => b.cast(b.ints(axes), type));
}
