/** The widest integers that TF.js has: what does not fit them is refused, never wrapped. */
import { modelError } from "../base/problem.ts";

const [least, greatest] = [-(2 ** 31), 2 ** 31 - 1];

/** Throws the `ModelError` `int64-overflow` at the first of whole numbers that 32 bits with a sign do not hold. */
export function checkInt32(values: ArrayLike<number | bigint>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < least || value > greatest)
      throw modelError("int64-overflow", `a constant does not fit int32: ${value}`, {}, "TF.js has no integers of 64 bits");
  }
}
