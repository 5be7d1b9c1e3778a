import { sizeOf, type Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";

/** A COO tensor written out: indices are [n, rank], or [n] places in the flattened tensor. */
export function dense(b: Builder, values: Value, indices: Value, shape: readonly number[]): Value {
  if (indices.rank === 2) return b.op("ScatterNd", [indices, values, b.ints(shape)]);
  const places = b.op("ExpandDims", [indices, b.scalar("int32", 1)]);
  return b.reshape(b.op("ScatterNd", [places, values, b.ints([sizeOf(shape)!])]), shape);
}
