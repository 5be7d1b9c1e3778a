/** Ops that take elements at places told by tensors: gathers, selections, top-k, one-hot, unique. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf, normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { int, required } from "../schema.ts";
import { dtype, flag, list, same, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

/** v1: a vector condition chooses whole rows. */
function select(b: Builder, condition: Value, x: Value, y: Value): Value {
  if (condition.rank !== 1 || x.rank <= 1) return b.op("SelectV2", [condition, x, y]);
  const rows = b.reshapeTo(condition, [condition.shape[0], ...new Array<number>(x.rank - 1).fill(1)]);
  return b.op("SelectV2", [rows, x, y]);
}

const topK = (b: Builder, x: Value, k: Value, sorted: boolean): readonly Value[] =>
  b.ops("TopKV2", [x, k.rank === 0 ? k : b.reshape(k, [])], { sorted });

/** Is the target among the k greatest of its row? Ties count as within; a target that is no class, or a row that is not finite, is not. */
function inTopK(b: Builder, scores: Value, targets: Value, k: Value): Value {
  const classes = b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(scores, 1), []), b.scalar("int32", 1)]);
  const hit = b.op("Equal", [b.op("ExpandDims", [b.cast(targets, "int32"), b.scalar("int32", 1)]), classes]);
  const lowest = number(b, scores, Number.NEGATIVE_INFINITY);
  const own = b.reduce("Max", b.op("SelectV2", [hit, scores, lowest]), [1], true);
  const greater = b.reduce("Sum", b.cast(b.op("Greater", [scores, own]), "int32"), [1], false);
  const finite = b.reduce("All", b.op("IsFinite", [scores]), [1], false);
  const within = b.op("LogicalAnd", [b.reduce("Any", hit, [1], false), b.op("Less", [greater, b.cast(k, "int32")])]);
  return b.op("LogicalAnd", [within, finite]);
}

/** The n-th smallest (or greatest) of each row, counted from 0. */
function nthElement(b: Builder, x: Value, n: Value, reverse: boolean): Value {
  const size = b.reshape(b.dim(x, x.rank - 1), []);
  const [sorted] = topK(b, x, size, true);
  const place = reverse ? n : b.op("Sub", [b.op("Sub", [size, b.scalar("int32", 1)]), n]);
  return b.gather(sorted!, b.reshape(place, []), x.rank - 1);
}

/** In the order of first occurrence: the values, which of them each element is, how often each occurs. No axis: of a vector. */
function unique(b: Builder, x: Value, axis: Value | undefined, type: DType, at: At): readonly Value[] {
  const known = axis && at.known(axis, "the axis").data;
  const along = known?.length ? normalAxis(Number(known[0]), x.rank) : undefined;
  const [values, , places, counts] = b.ops("UniqueElements", [x], {
    flat: along === undefined,
    axis: along ?? 0,
    sorted: false,
    output_type: "int32",
  });
  return [values!, b.cast(places!, type), b.cast(counts!, type)];
}

/** What of x is not in y, and where it was. Known axes stay known: Tensordot's permutations are made so. */
function listDiff(b: Builder, x: Value, y: Value, type: DType): readonly Value[] {
  const [all, without] = [dimsOf(x), dimsOf(y)];
  if (all?.every((each) => typeof each === "number") && without?.every((each) => typeof each === "number")) {
    const places = all.flatMap((each, i) => (without.includes(each) ? [] : [i]));
    return [b.gather(x, b.ints(places), 0), b.cast(b.ints(places), type)];
  }
  const same = b.op("Equal", [b.op("ExpandDims", [x, b.scalar("int32", 1)]), b.op("ExpandDims", [y, b.scalar("int32", 0)])]);
  const kept = b.op("Where", [b.op("LogicalNot", [b.reduce("Any", same, [1], false)])]);
  const places = b.squeeze(b.cast(kept, "int32"), [1]);
  return [b.gather(x, places, 0), b.cast(places, type)];
}

export const gathers: readonly Rule[] = [
  tfRule("Gather", [2, 2], {}, (b, [x, indices]) => [b.gather(x, indices, 0)]),
  tfRule(
    "GatherV2",
    [3, 3],
    { batch_dims: int(0) },
    (b, [x, indices, axis], a) => {
      const batch = a.batch_dims < 0 ? a.batch_dims + indices.rank : a.batch_dims;
      return [b.op("GatherV2", [x, indices, axis], { batch_dims: batch })];
    },
    { parameters: [2] },
  ),
  tfRule("ResourceGather", [2, 2], { batch_dims: int(0) }, (b, [x, indices], a) => [
    b.op("GatherV2", [x, indices, b.scalar("int32", a.batch_dims)], { batch_dims: a.batch_dims }),
  ]),
  same("GatherNd", 2),
  tfRule("ResourceGatherNd", [2, 2], {}, (b, [x, indices]) => [b.op("GatherNd", [x, indices])]),
  tfRule("Select", [3, 3], {}, (b, [condition, x, y]) => [select(b, condition, x, y)]),
  same("SelectV2", 3),
  tfRule("Where", [1, 1], {}, (b, [x]) => [b.op("Where", [b.cast(x, "bool")])]),
  same("OneHot", 4, { axis: int(-1) }, { parameters: [1] }),
  tfRule("TopKV2", [2, 2], { sorted: flag(true) }, (b, [x, k], a) => topK(b, x, k, a.sorted), { parameters: [1] }),
  tfRule("TopK", [1, 1], { k: required(int(1)), sorted: flag(true) }, (b, [x], a) =>
    topK(b, x, b.scalar("int32", a.k), a.sorted),
  ),
  tfRule("NthElement", [2, 2], { reverse: flag(false) }, (b, [x, n], a) => [nthElement(b, x, n, a.reverse)], { parameters: [1] }),
  ...["InTopK", "InTopKV2"].map((op) =>
    tfRule(op, [2, 3], { k: int(1) }, (b, [scores, targets, k], a) => [inTopK(b, scores, targets, k ?? b.scalar("int32", a.k))]),
  ),
  tfRule("Unique", [1, 1], { out_idx: dtype("int32") }, (b, [x], a) => {
    const [y, places] = b.ops("Unique", [x]);
    return [y, b.cast(places!, a.out_idx)];
  }),
  tfRule(
    "UniqueV2",
    [2, 2],
    { out_idx: dtype("int32") },
    (b, [x, axis], a, at) => unique(b, x, axis, a.out_idx, at).slice(0, 2),
    { parameters: [1] },
  ),
  tfRule("UniqueWithCounts", [1, 1], { out_idx: dtype("int32") }, (b, [x], a, at) => unique(b, x, undefined, a.out_idx, at)),
  tfRule("UniqueWithCountsV2", [2, 2], { out_idx: dtype("int32") }, (b, [x, axis], a, at) => unique(b, x, axis, a.out_idx, at), {
    parameters: [1],
  }),
  ...(["LowerBound", "UpperBound"] as const).map((op) =>
    tfRule(op, [2, 2], { out_type: dtype("int32") }, (b, [sorted, values], a) => {
      // How many lie before each value: less, or not greater.
      const compared = [b.op("ExpandDims", [sorted, b.scalar("int32", 1)]), b.op("ExpandDims", [values, b.scalar("int32", 2)])];
      const before = b.op(op === "LowerBound" ? "Less" : "LessEqual", compared);
      return [b.cast(b.reduce("Sum", b.cast(before, "int32"), [2], false), a.out_type)];
    }),
  ),
  tfRule("Bucketize", [1, 1], { boundaries: list() }, (b, [x], a) => {
    const bounds = b.constant(tensorOf("float32", [a.boundaries.length], a.boundaries));
    const passed = b.op("GreaterEqual", [b.op("ExpandDims", [b.cast(x, "float32"), b.scalar("int32", -1)]), bounds]);
    return [b.reduce("Sum", b.cast(passed, "int32"), [x.rank], false)];
  }),
  tfRule(
    "UnravelIndex",
    [2, 2],
    {},
    (b, [indices, dims]) => {
      const strides = b.op("Cumprod", [dims, b.scalar("int32", 0)], { exclusive: true, reverse: true });
      const column = (value: Value) => (indices.rank === 0 ? value : b.op("ExpandDims", [value, b.scalar("int32", 1)]));
      return [b.op("FloorMod", [b.op("FloorDiv", [indices, column(strides)]), column(dims)])];
    },
    { parameters: [1] },
  ),
  tfRule("ListDiff", [2, 2], { out_idx: dtype("int32") }, (b, [x, y], a) => listDiff(b, x, y, a.out_idx)),
];
