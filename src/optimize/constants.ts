/** What rewrites ask of constants. */
import type { DType } from "../base/dtype.ts";
import type { Dim, Shape, Value } from "../graph/graph.ts";
import { numbersOf } from "../graph/tensor.ts";
import { constantOf, dimsOf } from "../tf/op.ts";

/** Larger constants are not looked into. */
const maxElements = 4096;

/** The one number that all elements of a small constant have; undefined where they differ, are not numbers, or there are none. */
export function uniform(value: Value): number | undefined {
  const tensor = constantOf(value);
  if (!tensor || Array.isArray(tensor.data) || tensor.data.length === 0 || tensor.data.length > maxElements) return undefined;
  if (tensor.dtype.startsWith("complex")) return undefined;
  const first = Number(tensor.data[0]);
  for (let i = 1; i < tensor.data.length; i++) if (Number(tensor.data[i]) !== first) return undefined;
  return first;
}

/** The numbers of a constant vector of axes, sizes or pads; undefined where one is computed. */
export function numbers(value: Value): readonly number[] | undefined {
  const tensor = constantOf(value);
  if (!tensor || Array.isArray(tensor.data) || tensor.data.length > maxElements) return undefined;
  return numbersOf(tensor);
}

/** A vector's dims as far as they are known. */
export const knownDims = (value: Value): readonly Dim[] | undefined => dimsOf(value);

export const isScalar = (value: Value): boolean => value.type.shape?.length === 0;

/** Types whose arithmetic may be regrouped: rounding of half floats is coarse enough to be seen. */
export const isWide = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";

/** Every dim is known to be the same at run time; one that is wholly unknown stands for the same thing only where `a` is derived from `b`. */
export function equalShapes(a: Shape | undefined, b: Shape | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((dim, i) => dim !== undefined && dim === b[i]);
}
