/** Transposes move down through ops that name axes: reductions, slices, pads, splits. The axes are renamed, the op does the same work. */
import type { Attrs, Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { numbers } from "../constants.ts";
import { inverse, type Perm, transposed, without } from "../perm.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";

/** The op over `x`, and the permutation that brings each result to what `node` gave of the transposed `x`. */
interface Sunk {
  readonly values: readonly Value[];
  readonly perm: Perm;
}
type Sink = (b: Builder, node: Node, x: Value, perm: Perm) => Sunk | undefined;

/** Input `at` of the node replaced, others with it. */
const over = (b: Builder, node: Node, changes: Readonly<Record<number, Value>>, attrs: Attrs = node.attrs): readonly Value[] =>
  b.ops(
    node.op,
    node.inputs.map((input, i) => changes[i] ?? input),
    attrs,
  );

const axisAt = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Vectors with an entry an axis: entry k of the input belongs where the permutation put axis k. Works on computed ones too. */
const reorder =
  (...vectors: readonly number[]): Sink =>
  (b, node, x, perm) => {
    const changes: Record<number, Value> = { 0: x };
    for (const i of vectors) {
      const vector = node.inputs[i]!;
      if (vector.type.shape?.[0] !== perm.length) return undefined;
      changes[i] = b.gather(vector, b.ints(inverse(perm)), 0);
    }
    return { values: over(b, node, changes), perm };
  };

const reduce: Sink = (b, node, x, perm) => {
  const axes = numbers(node.inputs[1]!)?.map((axis) => axisAt(axis, perm.length));
  if (!axes) return undefined;
  const values = over(b, node, { 0: x, 1: b.ints(axes.map((axis) => perm[axis]!)) });
  return { values, perm: node.attrs["keep_dims"] === true ? perm : without(perm, axes) };
};

/** A scalar or vector of axes among the inputs; `drops`: the axis is gone from the result. */
const named =
  (input: number, axisInput: number, drops = false): Sink =>
  (b, node, x, perm) => {
    const tensor = constantOf(node.inputs[axisInput]!);
    const axes = numbers(node.inputs[axisInput]!)?.map((axis) => axisAt(axis, perm.length));
    if (!tensor || !axes) return undefined;
    const renamed = axes.map((axis) => perm[axis]!);
    const vector = tensor.shape.length === 0 ? b.scalar("int32", renamed[0]!) : b.ints(renamed);
    return { values: over(b, node, { [input]: x, [axisInput]: vector }), perm: drops ? without(perm, axes) : perm };
  };

/** Ops over the last axis, where the permutation leaves it last. */
const lastAxis: Sink = (b, node, x, perm) => {
  const last = perm.length - 1;
  return perm[last] === last ? { values: over(b, node, { 0: x }), perm } : undefined;
};

const gather: Sink = (b, node, x, perm) => {
  const axis = numbers(node.inputs[2]!)?.[0];
  const rank = node.inputs[1]!.type.shape?.length;
  if (axis === undefined || rank === undefined || rank > 1 || node.attrs["batch_dims"]) return undefined;
  const at = axisAt(axis, perm.length);
  const values = over(b, node, { 0: x, 2: b.scalar("int32", perm[at]!) });
  return { values, perm: rank === 0 ? without(perm, [at]) : perm };
};

const strided: Sink = (b, node, x, perm) => {
  const mask = (name: string) => (node.attrs[name] as number | undefined) ?? 0;
  if (mask("ellipsis_mask") || mask("new_axis_mask") || mask("shrink_axis_mask")) return undefined;
  const back = inverse(perm);
  const count = node.inputs[1]!.type.shape?.[0];
  const entry = (i: number, rest: number) => {
    const known = numbers(node.inputs[i]!);
    if (known) return b.ints(back.map((axis) => known[axis] ?? rest));
    return count === perm.length ? b.gather(node.inputs[i]!, b.ints(back), 0) : undefined;
  };
  const [begin, end, steps] = [entry(1, 0), entry(2, 0), entry(3, 1)];
  if (!begin || !end || !steps || typeof count !== "number") return undefined;
  const bits = (name: string) => back.reduce((bits, i, axis) => bits | ((i >= count ? 1 : (mask(name) >> i) & 1) << axis), 0);
  const masks = { ...node.attrs, begin_mask: bits("begin_mask"), end_mask: bits("end_mask") };
  return { values: over(b, node, { 0: x, 1: begin, 2: end, 3: steps }, masks), perm };
};

const reductions = ["Sum", "Mean", "Max", "Min", "Prod", "All", "Any"];

const rows: ReadonlyMap<string, readonly [input: number, sink: Sink]> = new Map<string, readonly [number, Sink]>([
  ...reductions.map((op) => [op, [0, reduce]] as const),
  ["ArgMax", [0, named(0, 1, true)]],
  ["ArgMin", [0, named(0, 1, true)]],
  ["Cumsum", [0, named(0, 1)]],
  ["Cumprod", [0, named(0, 1)]],
  ["ReverseV2", [0, named(0, 1)]],
  ["PadV2", [0, reorder(1)]],
  ["MirrorPad", [0, reorder(1)]],
  ["Slice", [0, reorder(1, 2)]],
  ["Tile", [0, reorder(1)]],
  ["StridedSlice", [0, strided]],
  ["GatherV2", [0, gather]],
  ["Split", [1, named(1, 0)]],
  ["SplitV", [0, named(0, 2)]],
  ["Softmax", [0, lastAxis]],
  ["LogSoftmax", [0, lastAxis]],
  ["TopKV2", [0, lastAxis]],
  ["BiasAdd", [0, lastAxis]],
]);

/** op(T(x), axes) → T(op(x, axes′)). */
export const sinkAxes: Rewrite = rewriteAt("sink-transpose-axes", [...rows.keys()], (node, b) => {
  const [input, sink] = rows.get(node.op)!;
  const found = transposed(node.inputs[input]!);
  if (!found) return undefined;
  const sunk = sink(b, node, found.x, found.perm);
  if (!sunk) return undefined;
  b.origin = node.inputs[input]!.node.origin;
  return sunk.values.map((value) => b.transpose(value, sunk.perm));
});
