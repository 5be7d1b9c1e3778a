import { expect, it } from "vitest";
import "../../src/tf/all.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import { Builder } from "../../src/tf/build.ts";
import { checkInt32 } from "../../src/tf/int32.ts";
import { constantOf } from "../../src/tf/op.ts";

it("takes what 32 bits hold and names the first number that they do not", () => {
  checkInt32([-(2 ** 31), 0, 2 ** 31 - 1]);
  checkInt32(BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n));
  expect(() => checkInt32([7, 2 ** 31, 2 ** 40])).toThrowError(`a constant does not fit int32: ${2 ** 31}`);
  expect(() => checkInt32(BigInt64Array.of(-(2n ** 31n) - 1n))).toThrowError(`: ${-(2 ** 31) - 1}`);
});

it("a lowering's own numbers are refused; a Cast of the model's own wraps", () => {
  const b = new Builder();
  const big = b.constant(tensorOf("int64", [2], [3, 2 ** 32 + 5]));
  expect(() => b.cast(big, "int32")).toThrowError(`a constant does not fit int32: ${2 ** 32 + 5}`);
  expect(() => b.ints([10 ** 12])).toThrowError("a constant does not fit int32: 1000000000000");
  expect(() => b.scalar("int32", 2 ** 31)).toThrowError("a constant does not fit int32: 2147483648");
  expect(constantOf(b.wrappingCast(big, "int32"))!.data).toEqual(Int32Array.of(3, 5));
});
