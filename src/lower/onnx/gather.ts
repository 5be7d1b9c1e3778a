/** Gather, GatherElements, GatherND, Compress, NonZero, OneHot, ReverseSequence. Negative indices count from the end. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { int, optionalInt } from "../schema.ts";
import { asScalar, range } from "./axis.ts";
import { flatIndices, flattenAll, indexedDims, wrapIndices } from "./indices.ts";

function gather(b: Builder, x: Value, indices: Value, axis: number): Value {
  return b.gather(x, wrapIndices(b, indices, asScalar(b, b.dim(x, axis))), axis);
}

/** y[i, j, k] = x[i, indices[i, j, k], k] for axis 1: a gather from the flat data. */
function gatherElements(b: Builder, x: Value, indices: Value, axis: number): Value {
  return b.gather(flattenAll(b, x), flatIndices(b, x, wrapIndices(b, indices, b.dim(x, axis)), axis), 0);
}

/** Indices of `depth` leading axes in the last dim; the first `batch` axes are shared by data and indices. */
function gatherNd(b: Builder, x: Value, indices: Value, batch: number): Value {
  const wrapped = wrapIndices(b, indices, indexedDims(b, x, batch, indices));
  if (batch === 0) return b.op("GatherNd", [x, wrapped]);
  const lead = [...range(indices.rank - 1).map((i) => b.dim(indices, i)), b.ints([1])];
  const places = range(batch).map((axis) => {
    const along = b.reshape(
      counting(b, b.dim(x, axis), wrapped),
      range(indices.rank).map((i) => (i === axis ? -1 : 1)),
    );
    return b.op("BroadcastTo", [along, b.concat(lead, 0)]);
  });
  return b.op("GatherNd", [x, b.concat([...places, wrapped], indices.rank - 1)]);
}

/** 0 … n − 1 in the dtype of `like`; `n` is a vector of one. */
function counting(b: Builder, n: Value, like: Value): Value {
  const [zero, one] = [b.scalar("int32", 0), b.scalar("int32", 1)];
  return b.cast(b.op("Range", [zero, b.reshape(n, []), one]), like.dtype);
}

/** Places where a vector of bools holds. */
const trueAt = (b: Builder, condition: Value): Value => b.squeeze(b.op("Where", [condition]), [1]);

/** Out of range: no class is hot. Indices may be of any type. */
function oneHot(b: Builder, indices: Value, depth: Value, values: Value, axis: number): Value {
  const count = b.cast(asScalar(b, depth), "int32");
  const whole = b.cast(indices, "int32");
  const wrapped = b.op("SelectV2", [b.op("Less", [whole, b.scalar("int32", 0)]), b.op("AddV2", [whole, count]), whole]);
  const [off, on] = [0, 1].map((i) => b.reshape(b.slice(values, [i], [1]), []));
  return b.op("OneHot", [wrapped, count, on!, off!], { axis: normalAxis(axis, indices.rank + 1) });
}

export const gathers: readonly Rule[] = [
  rule("Gather", { since: 1, arity: [2, 2], attrs: { axis: int(0) } }, (b, [x, indices], a) => [
    gather(b, x, indices, normalAxis(a.axis, x.rank)),
  ]),
  rule("GatherElements", { since: 11, arity: [2, 2], attrs: { axis: int(0) } }, (b, [x, indices], a) => [
    gatherElements(b, x, indices, normalAxis(a.axis, x.rank)),
  ]),
  rule("GatherND", { since: 11, arity: [2, 2], attrs: { batch_dims: int(0) } }, (b, [x, indices], a) => [
    gatherNd(b, x, indices, a.batch_dims),
  ]),
  rule("Compress", { since: 9, arity: [2, 2], attrs: { axis: optionalInt() } }, (b, [x, condition], a) => {
    if (a.axis === undefined) return [b.gather(flattenAll(b, x), trueAt(b, condition), 0)];
    return [b.gather(x, trueAt(b, condition), normalAxis(a.axis, x.rank))];
  }),
  rule("NonZero", { since: 9, arity: [1, 1], attrs: {} }, (b, [x]) => {
    // A scalar is a vector of one: its index is 0, in one dim.
    const found = b.op("Where", [b.cast(x.rank === 0 ? b.reshape(x, [1]) : x, "bool")]);
    return [b.transpose(found, [1, 0])];
  }),
  rule("OneHot", { since: 9, arity: [3, 3], attrs: { axis: int(-1) } }, (b, [indices, depth, values], a) => [
    oneHot(b, indices, depth, values, a.axis),
  ]),
  rule(
    "ReverseSequence",
    { since: 10, arity: [2, 2], attrs: { batch_axis: int(1), time_axis: int(0) } },
    (b, [x, lengths], a) => [b.op("ReverseSequence", [x, lengths], { batch_dim: a.batch_axis, seq_dim: a.time_axis })],
  ),
];
