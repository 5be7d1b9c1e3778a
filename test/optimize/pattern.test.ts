import { expect, test } from "vitest";
import type { Node, Value } from "../../src/graph/graph.ts";
import { any, constant, either, op, type Pattern } from "../../src/optimize/pattern.ts";
import "../../src/tf/all.ts";
import { Builder } from "../../src/tf/build.ts";

const b = new Builder();
const x = b.input("x", { dtype: "float32", shape: [3, 5] });
const two = b.scalar("float32", 2);
const found = <M>(pattern: Pattern<M>, value: Value): M | undefined => pattern.match(value, {}) as M | undefined;

test("names bind values and nodes, with their types", () => {
  const neg = b.op("Neg", [x]);
  const bound = found(op("Relu", [op(["Neg", "Abs"], [any("x")], "inner")]), b.op("Relu", [neg]));
  const inner: Node | undefined = bound?.inner;
  const value: Value | undefined = bound?.x;
  expect([inner, value]).toEqual([neg.node, x]);
});

test("a repeated name is the same value", () => {
  const squared = op("Mul", [any("x"), any("x")]);
  expect(found(squared, b.op("Mul", [x, x]))).toEqual({ x });
  expect(found(squared, b.op("Mul", [x, two]))).toBeUndefined();
});

test("either order, also where the first try fails inside", () => {
  const sum = either("AddV2", op("Neg", [any("x")]), constant("c"));
  const neg = b.op("Neg", [x]);
  expect(found(sum, b.op("AddV2", [neg, two]))).toEqual({ x, c: two });
  expect(found(sum, b.op("AddV2", [two, neg]))).toEqual({ x, c: two });
  expect(found(sum, b.op("AddV2", [neg, neg]))).toBeUndefined();
});

test("the number of inputs and outputs counts", () => {
  const part = b.ops("Split", [b.scalar("int32", 0), x], { num_split: 3 })[0]!;
  expect(found(op("Split", [any("axis"), any("x")]), part)).toBeUndefined();
  expect(found(op("ConcatV2", [any("x"), any("axis")]), b.op("ConcatV2", [x, x, b.scalar("int32", 0)]))).toBeUndefined();
});
