/** Quantised values of the source beside the real numbers that a conversion computes instead. */
import { type DType, integerRange } from "../base/dtype.ts";
import type { CodeForm } from "../graph/map.ts";
import { type Tensor, tensorOf } from "../graph/tensor.ts";

/** The codes of the numbers, in the source's type, kept to its range. */
export function toCodes({ shape, data }: Tensor, { scale, zeroPoint }: CodeForm, dtype: DType): Tensor {
  const [low, high] = integerRange(dtype).map(Number) as [number, number];
  const codes = Array.from(data as ArrayLike<number>, (x) => Math.min(Math.max(Math.round(x / scale) + zeroPoint, low), high));
  return tensorOf(dtype, shape, codes);
}
