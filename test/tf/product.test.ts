import { expect, test } from "vitest";
import { productOf, quotientOf } from "../../src/tf/product.ts";

test("numbers and symbols multiply, in one spelling", () => {
  expect(productOf([2, 3, 5])).toBe(30);
  expect(productOf(["n", 7])).toBe("7·n");
  expect(productOf(["n", "b", 1])).toBe("b·n");
  expect(productOf(["2·n", "b", 3])).toBe("6·b·n");
  expect(productOf(["n", undefined])).toBeUndefined();
  expect(productOf([0, "n"])).toBe(0);
});

test("what was multiplied is taken apart", () => {
  expect(quotientOf(["7·n", 8], [7, 8])).toBe("n");
  expect(quotientOf(["b·n", 6], ["n", 3])).toBe("2·b");
  expect(quotientOf(["n", 12], [3, "n"])).toBe(4);
});

test("what cannot be told is not", () => {
  expect(quotientOf(["n"], ["m"])).toBeUndefined();
  expect(quotientOf(["n", 5], [2])).toBeUndefined();
  expect(quotientOf([undefined], [2])).toBeUndefined();
});

test("expressions of the source stay opaque", () => {
  expect(productOf(["floor(h*0.5)", 2])).toBe("2·floor(h*0.5)");
  expect(quotientOf(["2·floor(h*0.5)"], [2])).toBe("floor(h*0.5)");
});
