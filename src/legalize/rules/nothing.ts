/** Tensors that the run may find to hold nothing, as a detector does that sees nothing. */
import { type Node, sizeOf, type Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";

/** Ops of which only the run knows how much comes out, and it may be nothing. */
const finding = new Set([
  ...["Where", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5", "Unique", "UniqueElements"],
]);
const maxWalk = 64;

/** Is it what a search may have found nothing of? */
export function mayBeNothing(value: Value): boolean {
  if (sizeOf(value.type.shape) === 0) return true;
  const seen = new Set<Node>();
  const left = [value];
  for (let next = left.pop(); next && seen.size < maxWalk; next = left.pop()) {
    const { node, type } = next;
    if (seen.has(node) || !type.shape?.includes(undefined)) continue;
    if (finding.has(node.op)) return true;
    seen.add(node);
    left.push(...node.inputs);
  }
  return false;
}

/**
 * A gather along a known axis. What the wasm kernel takes from nothing it leaves in a shape of four axes: there is one more to take from,
 * which no index speaks of.
 */
export function gathered(b: Builder, x: Value, indices: Value, axis: number): Value {
  if (!x.type.shape || !indices.type.shape || !mayBeNothing(x)) return b.gather(x, indices, axis);
  const open = new Set(x.shape.flatMap((dim, i) => (dim === undefined || dim === 0 ? [i] : [])));
  const rows = x.shape.flatMap((_, i) => [0, open.has(i) ? 1 : 0]);
  const zero = b.cast(b.scalar("float32", 0), x.dtype);
  const taken = b.gather(b.op("PadV2", [x, b.reshape(b.ints(rows), [x.rank, 2]), zero]), indices, axis);
  const size = (i: number) => (open.has(i) ? b.dim(x, i) : b.ints([-1]));
  const sizes = x.shape.flatMap((_, i) => (i === axis ? indices.shape.map(() => b.ints([-1])) : [size(i)]));
  const isWhole = [...open].every((i) => i === axis);
  return isWhole ? taken : b.op("Slice", [taken, b.ints(sizes.map(() => 0)), b.concat(sizes, 0)]);
}
