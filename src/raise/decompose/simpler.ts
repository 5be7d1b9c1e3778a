/** Ops that are a few others. */
import { type DType, integerRange, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { knownDims } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";

const numbersOf = (value: Value): readonly number[] | undefined => {
  const dims = knownDims(value);
  return dims?.every((dim) => typeof dim === "number") ? (dims as readonly number[]) : undefined;
};

/** ONNX's OneHot counts negative indices from the end; TensorFlow's turns nothing on for them. */
function oneHot(b: Builder, [indices, depth, on, off]: readonly Value[], at: RaiseAt): Value {
  const given = at.number("axis", -1);
  const rank = indices!.rank;
  const axis = given < 0 ? rank + 1 + given : given;
  const zero = b.scalar("int32", 0);
  const classes = b.cast(b.op("Range", [zero, b.cast(depth!, "int32"), b.scalar("int32", 1)]), indices!.dtype);
  const column = b.reshape(classes, [-1, ...new Array<number>(rank - axis).fill(1)]);
  const same = b.op("Equal", [b.op("ExpandDims", [indices!, b.scalar("int32", axis)]), column]);
  return b.op("SelectV2", [same, on!, off!]);
}

/** What is beside the edge, the edge itself with it, turned round: ONNX's Pad mirrors without the edge only. */
function symmetricPad(b: Builder, x: Value, pads: Value, at: RaiseAt): Value {
  const known = numbersOf(pads);
  if (!known) throw at.unsupported("symmetric padding by numbers that are computed");
  return x.shape.reduce<Value>((value, _, axis) => {
    const [low, high] = [known[2 * axis]!, known[2 * axis + 1]!];
    if (low === 0 && high === 0) return value;
    const all = value.shape.map(() => 0);
    const turned = (part: Value) => b.op("ReverseV2", [part, b.ints([axis])]);
    const masks = { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
    const whole = (1 << value.rank) - 1;
    const cut = (from: number, to: number) => {
      const entry = (number: number) => b.ints(all.map((_, i) => (i === axis ? number : 0)));
      const others = whole & ~(1 << axis);
      const attrs = { ...masks, begin_mask: others, end_mask: to === 0 ? whole : others };
      return b.op("StridedSlice", [value, entry(from), entry(to), b.ints(all.map(() => 1))], attrs);
    };
    const parts = [...(low > 0 ? [turned(cut(0, low))] : []), value, ...(high > 0 ? [turned(cut(-high, 0))] : [])];
    return b.concat(parts, axis);
  }, x);
}

/** Running products by doubling: each step multiplies by what lies 1, 2, 4 … before. ONNX has them from opset 26 on. */
function cumprod(b: Builder, x: Value, axisValue: Value, at: RaiseAt): Value {
  const native = 26;
  if (at.opset >= native) return b.op("Cumprod", [x, axisValue], at.attrs);
  const given = numbersOf(axisValue)?.[0];
  const axis = given === undefined ? 0 : normalAxis(given, x.rank);
  const size = x.shape[axis];
  if (given === undefined || typeof size !== "number") throw at.wants(native);
  const turn = (value: Value) => (at.flag("reverse") ? b.op("ReverseV2", [value, b.ints([axis])]) : value);
  /** The axis moved on, ones in front. */
  const moved = (value: Value, by: number) => {
    const rows = x.shape.flatMap((_, i) => (i === axis ? [by, 0] : [0, 0]));
    const padded = b.op("PadV2", [value, b.reshape(b.ints(rows), [x.rank, 2]), b.scalar(x.dtype, 1)]);
    return b.slice(
      padded,
      x.shape.map(() => 0),
      x.shape.map((_, i) => (i === axis ? size : -1)),
    );
  };
  let product = turn(x);
  if (at.flag("exclusive") && size > 0) product = moved(product, 1);
  for (let by = 1; by < size; by *= 2) product = b.op("Mul", [product, moved(product, by)]);
  return turn(product);
}

/** A gather behind its batch axes: the axis is brought beside them, and what was taken back to its place. */
function batchGather(b: Builder, [x, indices, axisValue]: readonly Value[], at: RaiseAt): Value {
  const batch = at.number("batch_dims", 0);
  const axis = normalAxis(numbersOf(axisValue!)?.[0] ?? Number.NaN, x!.rank);
  if (batch === 0 || axis === batch) return b.op("GatherV2", [x!, indices!, axisValue!], at.attrs);
  const axes = x!.shape.map((_, i) => i);
  const between = axes.slice(batch, axis);
  const moved = b.transpose(x!, [...axes.slice(0, batch), axis, ...between, ...axes.slice(axis + 1)]);
  const taken = b.op("GatherV2", [moved, indices!, b.scalar("int32", batch)], at.attrs);
  const picked = indices!.rank - batch;
  const out = taken.shape.map((_, i) => i);
  return b.transpose(taken, [
    ...out.slice(0, batch),
    ...out.slice(batch + picked, batch + picked + between.length),
    ...out.slice(batch, batch + picked),
    ...out.slice(batch + picked + between.length),
  ]);
}

/** Blocks of the axes behind the first, moved into the first: padded, taken apart, transposed, put together. */
function spaceToBatch(b: Builder, [x, block, pads]: readonly Value[], at: RaiseAt): Value {
  const [blocks, rows] = [numbersOf(block!), numbersOf(pads!)];
  if (!blocks || !rows) throw at.unsupported("blocks or pads that are computed");
  const rest = x!.rank - 1 - blocks.length;
  const all = [0, 0, ...rows, ...new Array<number>(2 * rest).fill(0)];
  const padded = all.every((pad) => pad === 0)
    ? x!
    : b.op("PadV2", [x!, b.reshape(b.ints(all), [x!.rank, 2]), b.scalar(x!.dtype, 0)]);
  const sizes = dimsOf(b, padded);
  const by = (i: number) => b.ints([blocks[i]!]);
  const apart = blocks.flatMap((_, i) => [b.op("FloorDiv", [sizes[i + 1]!, by(i)]), by(i)]);
  const split = b.op("Reshape", [padded, b.concat([sizes[0]!, ...apart, ...sizes.slice(blocks.length + 1)], 0)]);
  const m = blocks.length;
  const inner = blocks.map((_, i) => 2 + 2 * i);
  const outer = blocks.map((_, i) => 1 + 2 * i);
  const last = Array.from({ length: rest }, (_, i) => 2 * m + 1 + i);
  const moved = b.transpose(split, [...inner, 0, ...outer, ...last]);
  const batch = b.op("Mul", [sizes[0]!, b.ints([blocks.reduce((product, each) => product * each, 1)])]);
  return b.op("Reshape", [moved, b.concat([batch, ...blocks.map((_, i) => apart[2 * i]!), ...sizes.slice(m + 1)], 0)]);
}

function batchToSpace(b: Builder, [x, block, crops]: readonly Value[], at: RaiseAt): Value {
  const [blocks, rows] = [numbersOf(block!), numbersOf(crops!)];
  if (!blocks || !rows) throw at.unsupported("blocks or crops that are computed");
  const m = blocks.length;
  const sizes = dimsOf(b, x!);
  const all = blocks.reduce((product, each) => product * each, 1);
  const batch = b.op("FloorDiv", [sizes[0]!, b.ints([all])]);
  const split = b.op("Reshape", [x!, b.concat([b.ints(blocks), batch, ...sizes.slice(1)], 0)]);
  const rest = x!.rank - 1 - m;
  const axes = [m, ...blocks.flatMap((_, i) => [m + 1 + i, i]), ...Array.from({ length: rest }, (_, i) => 2 * m + 1 + i)];
  const grown = blocks.map((size, i) => b.op("Mul", [sizes[i + 1]!, b.ints([size])]));
  const whole = b.op("Reshape", [b.transpose(split, axes), b.concat([batch, ...grown, ...sizes.slice(m + 1)], 0)]);
  if (rows.every((crop) => crop === 0)) return whole;
  const begin = [0, ...blocks.map((_, i) => rows[2 * i]!), ...new Array<number>(rest).fill(0)];
  const kept = grown.map((size, i) => b.op("Sub", [size, b.ints([rows[2 * i]! + rows[2 * i + 1]!])]));
  const open = b.ints([-1]);
  return b.op("Slice", [whole, b.ints(begin), b.concat([open, ...kept, ...new Array<Value>(rest).fill(open)], 0)]);
}

/** What TensorFlow gives for a reduction of nothing at all; onnxruntime's kernels differ there. */
const ofNothing: Readonly<Record<string, number>> = {
  Sum: 0,
  Mean: Number.NaN,
  Prod: 1,
  Max: Number.NEGATIVE_INFINITY,
  Min: Number.POSITIVE_INFINITY,
  All: 1,
  Any: 0,
};

function reduction(b: Builder, [x, axes]: readonly Value[], at: RaiseAt): Value {
  const { op } = at.node;
  const [from, to] = [x!.staticShape, at.node.output.staticShape];
  const isEmpty = from?.includes(0) && to && !to.includes(0);
  if (!isEmpty) return b.op(op, [x!, axes!], at.attrs);
  const value = ofNothing[op]!;
  const bound = isInteger(x!.dtype) && !Number.isFinite(value) ? extreme(x!.dtype, value) : value;
  return b.op("Fill", [b.ints(to), x!.dtype === "bool" ? b.cast(b.scalar("int32", bound), "bool") : b.scalar(x!.dtype, bound)]);
}

/** Integers have no infinities, and no NaN. */
const extreme = (dtype: DType, value: number): number =>
  Number.isNaN(value) ? 0 : Number(integerRange(dtype)[value < 0 ? 0 : 1]);

/** Each dim as a vector of one. */
const dimsOf = (b: Builder, x: Value): Value[] => x.shape.map((_, axis) => b.dim(x, axis));

export const simpler: readonly DecomposeRule[] = [
  decomposed("OneHot", (b, inputs, at) => [oneHot(b, inputs, at)]),
  decomposed("MirrorPad", (b, [x, pads], at) =>
    at.text("mode", "REFLECT") === "REFLECT" ? b.ops("MirrorPad", [x!, pads!], at.attrs) : [symmetricPad(b, x!, pads!, at)],
  ),
  ...Object.keys(ofNothing).map((op) => decomposed(op, (b, inputs, at) => [reduction(b, inputs, at)])),
  decomposed("Cumprod", (b, [x, axis], at) => [cumprod(b, x!, axis!, at)]),
  decomposed("GatherV2", (b, inputs, at) => [batchGather(b, inputs, at)]),
  decomposed("SpaceToBatchND", (b, inputs, at) => [spaceToBatch(b, inputs, at)]),
  decomposed("BatchToSpaceND", (b, inputs, at) => [batchToSpace(b, inputs, at)]),
];
