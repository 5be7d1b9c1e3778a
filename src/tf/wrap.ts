/** Integers of few bits in a wider type. */
import { bitsOf, type DType, isInteger, isUnsigned } from "../base/dtype.ts";
import type { Value } from "../graph/graph.ts";
import type { Builder } from "./build.ts";

/** Types narrower than int32 wrap at their own width. */
export const isNarrow = (dtype: DType): boolean => isInteger(dtype) && bitsOf[dtype]! < 32;

/** Brings an int32 result back into the range of a narrower type, as two's complement does. */
export function wrap(b: Builder, x: Value, dtype: DType): Value {
  const span = b.scalar("int32", 2 ** bitsOf[dtype]!);
  if (isUnsigned(dtype)) return b.op("FloorMod", [x, span]);
  const half = b.scalar("int32", 2 ** (bitsOf[dtype]! - 1));
  return b.op("Sub", [b.op("FloorMod", [b.op("AddV2", [x, half]), span]), half]);
}
