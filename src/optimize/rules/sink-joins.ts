/** Transposes move down through Concat, and through ops that add or drop axes of size 1. */
import type { Node, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { numbers } from "../constants.ts";
import { type Perm, transposed, without } from "../perm.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";
import { movesOnes, untransposed } from "./sink-elementwise.ts";

/** Concat(T(x), T(y), c) → T(Concat(x, y, c′)). */
export const sinkConcat: Rewrite = rewriteAt("sink-transpose-concat", ["ConcatV2"], (node, b) => {
  const parts = node.inputs.slice(0, -1);
  const axis = numbers(node.inputs[parts.length]!)?.[0];
  const lead = parts.find((part) => transposed(part));
  if (!lead || axis === undefined) return undefined;
  const { perm } = transposed(lead)!;
  const inner: Value[] = [];
  for (const part of parts) {
    if (movesOnes(lead) && !part.node.constant && !transposed(part)) return undefined;
    const value = part.type.shape?.length === perm.length ? untransposed(b, part, perm) : undefined;
    if (!value) return undefined;
    inner.push(value);
  }
  b.origin = node.origin;
  const value = b.concat(inner, perm[axis < 0 ? axis + perm.length : axis]!);
  b.origin = lead.node.origin;
  return [b.transpose(value, perm)];
});

/** Squeeze(T(x)) → T(Squeeze(x)). */
export const sinkSqueeze: Rewrite = rewriteAt("sink-transpose-squeeze", ["Squeeze"], (node, b) => {
  const found = transposed(node.inputs[0]!);
  const axes = node.attrs["squeeze_dims"] as readonly number[] | undefined;
  if (!found || !axes?.length) return undefined;
  const { x, perm } = found;
  const at = axes.map((axis) => (axis < 0 ? axis + perm.length : axis));
  const value = b.squeeze(
    x,
    at.map((axis) => perm[axis]!),
  );
  b.origin = node.inputs[0]!.node.origin;
  return [b.transpose(value, without(perm, at))];
});

/** ExpandDims(T(x)) → T(ExpandDims(x)); the new axis stays beside the one it stood before. */
export const sinkExpandDims: Rewrite = rewriteAt("sink-transpose-expand", ["ExpandDims"], (node, b) => {
  const found = transposed(node.inputs[0]!);
  const given = numbers(node.inputs[1]!)?.[0];
  if (!found || given === undefined) return undefined;
  const { x, perm } = found;
  return expanded(b, node, x, perm, given < 0 ? given + perm.length + 1 : given);
});

function expanded(b: Builder, node: Node, x: Value, perm: Perm, axis: number): readonly Value[] {
  const inner = axis < perm.length ? perm[axis]! : perm.length;
  const value = b.op("ExpandDims", [x, b.scalar("int32", inner)]);
  const moved = perm.map((each) => (each >= inner ? each + 1 : each));
  b.origin = node.inputs[0]!.node.origin;
  return [b.transpose(value, [...moved.slice(0, axis), inner, ...moved.slice(axis)])];
}
