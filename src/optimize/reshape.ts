/** Ops that give elements another shape in the same order. */
import type { Dim, Shape, Value } from "../graph/graph.ts";
import { onlyMovesOnes, transposed } from "./perm.ts";

export const reshapes: readonly string[] = ["Reshape", "Squeeze", "ExpandDims"];
export const isReshape = (value: Value): boolean => reshapes.includes(value.node.op);

/** Is the value its first input's elements in the same order? A Transpose that moves only axes of size 1 is as good as a Reshape. */
export function keepsOrder(value: Value): boolean {
  if (isReshape(value)) return true;
  const moved = transposed(value);
  return moved?.x.type.shape !== undefined && onlyMovesOnes(moved.perm, moved.x.type.shape);
}

/** Dims that a Reshape cannot take from its constant. */
export const openDims = (shape: Shape): number => shape.filter((dim: Dim) => typeof dim !== "number").length;
