/** Operators that take parts of a tensor, and those that put parts into one. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { range } from "../onnx/axis.ts";
import { wrapIndices } from "../onnx/indices.ts";
import type { At, Rule } from "../rule.ts";
import { flag, int, sliceMasks } from "../schema.ts";
import { gatherRows } from "./quantized.ts";
import { lite } from "./rule.ts";

const scalar = (at: At, value: Value, what: string): number => at.numbers(value, what)[0]!;

function gather(b: Builder, x: Value, indices: Value, axis: number, batch: number): Value {
  const wrapped = wrapIndices(b, indices, b.reshape(b.dim(x, axis), []));
  return b.op("GatherV2", [x, wrapped, b.scalar("int32", axis)], { batch_dims: batch });
}

/** `update` in place of the part of `x` that begins at `start`, moved so that it lies within. */
export function updateSlice(b: Builder, x: Value, update: Value, start: Value, at: At): Value {
  const [outer, inner] = [x.staticShape, update.staticShape];
  if (!outer || !inner) throw at.unsupported("an update of unknown size", "give the input's shape with --input");
  if (inner.includes(0)) return x;
  const greatest = b.ints(outer.map((dim, i) => dim - inner[i]!));
  const begin = b.op("Maximum", [b.op("Minimum", [b.cast(start, "int32"), greatest]), b.scalar("int32", 0)]);
  const rank = outer.length;
  const places = range(rank).map((axis) => {
    const along = b.op("AddV2", [b.ints(range(inner[axis]!)), b.slice(begin, [axis], [1])]);
    const shaped = b.reshape(
      along,
      range(rank).map((i) => (i === axis ? inner[axis]! : 1)),
    );
    return b.op("BroadcastTo", [shaped, b.ints(inner)]);
  });
  return b.op("TensorScatterUpdate", [x, b.op("Pack", places, { axis: rank }), update]);
}

export const slices: readonly Rule[] = [
  lite("SLICE", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, begin, size]) => [
    b.op("Slice", [x, b.cast(begin, "int32"), b.cast(size, "int32")]),
  ]),
  lite(
    "STRIDED_SLICE",
    { arity: [4, 4], attrs: { ...sliceMasks, offset: flag(false) }, moves: true },
    (b, [x, begin, end, strides], a) => {
      const { offset, ...rest } = a;
      const stop = offset ? b.op("AddV2", [begin, end]) : end;
      return [
        b.op(
          "StridedSlice",
          [x, begin, stop, strides].map((value, i) => (i ? b.cast(value, "int32") : value)),
          rest,
        ),
      ];
    },
  ),
  lite("SPLIT", { arity: [2, 2], attrs: { num_splits: int(1) }, moves: true }, (b, [axis, x], a, at) =>
    b.ops("Split", [b.scalar("int32", normalAxis(scalar(at, axis, "the axis"), x.rank)), x], { num_split: a.num_splits }),
  ),
  lite("SPLIT_V", { arity: [3, 3], attrs: { num_splits: int(1) }, moves: true }, (b, [x, sizes, axisInput], a, at) => {
    const axis = normalAxis(scalar(at, axisInput, "the axis"), x.rank);
    const parts = at.numbers(sizes, "the sizes");
    const [dim, open] = [x.shape[axis], parts.indexOf(-1)];
    // One part may take what the others leave.
    if (open >= 0 && typeof dim === "number") parts[open] = dim - parts.reduce((sum, part) => sum + Math.max(part, 0), 0);
    return b.ops("SplitV", [x, b.ints(parts), b.scalar("int32", axis)], { num_split: a.num_splits });
  }),
  lite("GATHER", { arity: [2, 2], attrs: { axis: int(0), batch_dims: int(0) }, moves: true }, (b, [x, indices], a) => {
    const axis = normalAxis(a.axis, x.rank);
    const batch = a.batch_dims < 0 ? a.batch_dims + indices.rank : a.batch_dims;
    return [gatherRows(b, x, (rows) => gather(b, rows, indices, axis, batch))];
  }),
  lite("EMBEDDING_LOOKUP", { arity: [2, 2], attrs: {}, moves: true }, (b, [ids, x]) => [
    gatherRows(b, x, (rows) => gather(b, rows, ids, 0, 0)),
  ]),
  lite("GATHER_ND", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, indices]) => [b.op("GatherNd", [x, indices])]),
  lite("SCATTER_ND", { arity: [3, 3], attrs: {} }, (b, [indices, updates, shape]) => [
    b.op("ScatterNd", [indices, updates, b.cast(shape, "int32")]),
  ]),
  lite("DYNAMIC_UPDATE_SLICE", { arity: [3, 3], attrs: {}, moves: true }, (b, [x, update, start], _, at) => [
    updateSlice(b, x, update, start, at),
  ]),
  lite("REVERSE_V2", { arity: [2, 2], attrs: {}, moves: true }, (b, [x, axes], _, at) => [
    b.op("ReverseV2", [x, b.ints(at.numbers(axes, "the axes").map((axis) => normalAxis(axis, x.rank)))]),
  ]),
  lite(
    "REVERSE_SEQUENCE",
    { arity: [2, 2], attrs: { seq_dim: int(0), batch_dim: int(0) }, moves: true },
    (b, [x, lengths], a) => [
      b.op("ReverseSequence", [x, b.cast(lengths, "int32")], { seq_dim: a.seq_dim, batch_dim: a.batch_dim }),
    ],
  ),
  lite("WHERE", { arity: [1, 1], attrs: {} }, (b, [test]) => [b.op("Where", [b.cast(test, "bool")])]),
  lite("ONE_HOT", { arity: [4, 4], attrs: { axis: int(-1) } }, (b, [indices, depth, on, off], a) => [
    b.op("OneHot", [b.cast(indices, "int32"), b.reshape(depth, []), b.reshape(on, []), b.reshape(off, [])], {
      axis: normalAxis(a.axis, indices.rank + 1),
    }),
  ]),
];
