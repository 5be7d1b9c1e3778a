import { expect, test } from "vitest";
import { numbersOf, type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { floorMod } from "../../../src/legalize/rules/integer.ts";
import { both, choose, isSizes } from "../../../src/legalize/rules/sizes.ts";
import { Builder } from "../../../src/tf/build.ts";
import "../../../src/tf/all.ts";
import type { Value } from "../../../src/graph/graph.ts";

const b = new Builder();
const ints = (...values: number[]) => b.ints(values);
const bools = (...values: number[]) => b.constant(tensorOf("bool", [values.length], values));
const numbers = (value: Value) => numbersOf(value.node.attrs["value"] as Tensor);

test("remainders have the sign of the divisor", () => {
  const [x, y] = [ints(7, -7, 7, -7, 6, -6, 0, -1, 2 ** 31 - 1), ints(3, 3, -3, -3, 3, -3, 5, 4, 10)];
  expect(numbers(floorMod(b, x, y))).toEqual([1, 2, -2, -1, 0, 0, 0, 3, 7]);
});

test("choosing takes either as it is, also the greatest", () => {
  const [x, y] = [ints(2 ** 31 - 1, -3, -(2 ** 31)), ints(-5, 2 ** 31 - 1, 9)];
  expect(numbers(choose(b, bools(1, 0, 1), x, y))).toEqual([2 ** 31 - 1, 2 ** 31 - 1, -(2 ** 31)]);
});

test("both is and", () => {
  expect(numbers(both(b, bools(0, 0, 1, 1), bools(0, 1, 0, 1)))).toEqual([0, 0, 0, 1]);
});

test("data are no sizes", () => {
  const of = (dtype: "int32" | "float32", shape: (number | string)[]) => isSizes(b.input("x", { dtype, shape }));
  expect([
    of("int32", []),
    of("int32", [4]),
    of("int32", [17]),
    of("int32", ["n"]),
    of("int32", [2, 2]),
    of("float32", [3]),
  ]).toEqual([true, true, false, false, false, false]);
});
