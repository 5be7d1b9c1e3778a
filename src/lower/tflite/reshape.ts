/** Operators that move elements: shapes, axes, blocks, copies. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { dtype, int, ints, oneOf } from "../schema.ts";
import { fused } from "./activation.ts";
import { quantizationOf } from "./quantized.ts";
import { lite } from "./rule.ts";

/** The second input, else the option; a lone 0 is how old files write a scalar. */
function reshape(b: Builder, x: Value, input: Value | undefined, option: readonly number[] | undefined, at: At): Value {
  if (input && !(input.rank === 1 && input.shape[0] === 1 && isZero(input, at))) return b.op("Reshape", [x, input]);
  const dims = input ? [] : option;
  if (!dims) throw at.invalid("neither a shape input nor a new_shape option");
  return b.reshape(x, dims.length === 1 && dims[0] === 0 ? [] : dims);
}

const isZero = (shape: Value, at: At): boolean => shape.node.op === "Const" && at.numbers(shape)[0] === 0;

/** Axes a file may name twice, negative ones among them. */
function squeeze(b: Builder, x: Value, axes: readonly number[] | undefined): Value {
  if (!axes?.length) return b.op("Squeeze", [x], { squeeze_dims: x.shape.flatMap((dim, i) => (dim === 1 ? [i] : [])) });
  return b.squeeze(x, [...new Set(axes.map((axis) => normalAxis(axis, x.rank)))]);
}

/** Codes of 16 bits are joined as they are, of whatever scales. */
function asDeclared(b: Builder, x: Value, i: number, at: At): Value {
  const [from, to] = [quantizationOf(at.given(i)), quantizationOf(at.declared())];
  if (!from || !to || at.given(i)?.dtype !== "int16") return x;
  const ratio = Math.fround(to.scale[0]!) / Math.fround(from.scale[0]!);
  return ratio === 1 ? x : b.op("Mul", [x, b.scalar(x.dtype, ratio)]);
}

export const table = (b: Builder, pads: Value): Value => b.cast(pads, "int32");

const many = Number.POSITIVE_INFINITY;

export const reshapes: readonly Rule[] = [
  lite("RESHAPE", { arity: [1, 2], attrs: { new_shape: ints() }, moves: true }, (b, [x, shape], a, at) => [
    reshape(b, x, shape, a.new_shape, at),
  ]),
  lite("SQUEEZE", { arity: [1, 1], attrs: { squeeze_dims: ints() }, moves: true }, (b, [x], a) => [
    squeeze(b, x, a.squeeze_dims),
  ]),
  lite("EXPAND_DIMS", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, axis], _, at) => [
    b.op("ExpandDims", [x, b.scalar("int32", at.numbers(axis, "the axis")[0]!)]),
  ]),
  lite("TRANSPOSE", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, perm], _, at) => [
    b.transpose(
      x,
      at.numbers(perm, "the permutation").map((axis) => normalAxis(axis, x.rank)),
    ),
  ]),
  lite(
    "CONCATENATION",
    // LiteRT reads the activation and leaves it out.
    { arity: [1, many], attrs: { axis: int(0), fused_activation_function: fused }, moves: true },
    (b, inputs, a, at) => {
      const values = (inputs as readonly Value[]).map((x, i) => asDeclared(b, x, i, at));
      return [b.concat(values, normalAxis(a.axis, values[0]!.rank))];
    },
  ),
  lite("PACK", { arity: [1, many], attrs: { axis: int(0) }, moves: true }, (b, inputs, a) => [
    b.op("Pack", inputs as readonly Value[], { axis: normalAxis(a.axis, (inputs[0] as Value).rank + 1) }),
  ]),
  lite("UNPACK", { arity: [1, 1], attrs: { num: int(0), axis: int(0) }, moves: true }, (b, [x], a) =>
    b.ops("Unpack", [x], { num: a.num, axis: normalAxis(a.axis, x.rank) }),
  ),
  lite("TILE", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, times]) => [b.op("Tile", [x, b.cast(times, "int32")])]),
  lite("BROADCAST_TO", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, shape]) => [
    b.op("BroadcastTo", [x, b.cast(shape, "int32")]),
  ]),
  lite("BROADCAST_ARGS", { arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("BroadcastArgs", [x, y])]),
  lite("PAD", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, pads]) => [
    b.op("PadV2", [x, table(b, pads), b.scalar(x.dtype, 0)]),
  ]),
  lite("PADV2", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, pads, value]) => [
    b.op("PadV2", [x, table(b, pads), b.reshape(value, [])]),
  ]),
  lite("MIRROR_PAD", { arity: [2, 2], attrs: { mode: oneOf("REFLECT", "SYMMETRIC") }, moves: true }, (b, [x, pads], a) => [
    b.op("MirrorPad", [x, table(b, pads)], { mode: a.mode }),
  ]),
  lite("DEPTH_TO_SPACE", { arity: [1, 1], attrs: { block_size: int(1) }, moves: true }, (b, [x], a) => [
    b.op("DepthToSpace", [x], { block_size: a.block_size, data_format: "NHWC" }),
  ]),
  lite("SPACE_TO_DEPTH", { arity: [1, 1], attrs: { block_size: int(1) }, moves: true }, (b, [x], a) => [
    b.op("SpaceToDepth", [x], { block_size: a.block_size, data_format: "NHWC" }),
  ]),
  lite("SPACE_TO_BATCH_ND", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, block, pads]) => [
    b.op("SpaceToBatchND", [x, block, pads]),
  ]),
  lite("BATCH_TO_SPACE_ND", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, block, crops]) => [
    b.op("BatchToSpaceND", [x, block, crops]),
  ]),
  lite("SHAPE", { arity: [1, 1], attrs: { out_type: dtype("int32") }, codes: true }, (b, [x], _, at) => [
    b.cast(b.op("Shape", [x]), at.declared()?.dtype ?? "int32"),
  ]),
  lite("RANK", { arity: [1, 1], attrs: {}, codes: true }, (b, [x]) => [b.op("Rank", [x])]),
  lite("FILL", { arity: [2, 2], attrs: {}, moves: true }, (b, [dims, value]) => [
    b.op("Fill", [b.cast(dims, "int32"), b.reshape(value, [])]),
  ]),
  lite("RANGE", { arity: [3, 3], attrs: {} }, (b, [start, limit, delta]) => [
    b.op("Range", [b.reshape(start, []), b.reshape(limit, []), b.reshape(delta, [])]),
  ]),
];
