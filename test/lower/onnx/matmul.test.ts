import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const filled = (name: string, shape: readonly number[], seed: number) =>
  tensor(name, "float32", shape, random(elementCount(shape), seed));

it.each<[number[], number[]]>([
  [
    [2, 3],
    [3, 5],
  ],
  [[3], [3, 5]],
  [[2, 3], [3]],
  [[3], [3]],
  [[2, 5, 3], [3]],
  [[3], [2, 3, 5]],
  [
    [7, 2, 3],
    [3, 5],
  ],
  [
    [2, 1, 2, 3],
    [1, 5, 3, 4],
  ],
  [
    [2, 5, 2, 3],
    [2, 1, 3, 4],
  ],
  [
    [2, 1, 2, 3],
    [5, 3, 4],
  ],
])("MatMul of [%s] and [%s]", async (a, b) => {
  const inputs = [filled("a", a, 1), filled("b", b, 2)];
  for (const fed of [1, 2]) expect(await ort.differences({ op: "MatMul", inputs, fed })).toEqual([]);
  expect(await ort.differences({ op: "MatMul", inputs, fed: 2, open: true })).toEqual([]);
});

it("multiplies large int32 exactly", async () => {
  const inputs = [
    tensor("a", "int32", [2, 3], randomInts(6, -9000, 9000, 1)),
    tensor("b", "int32", [3, 5], randomInts(15, -9000, 9000, 2)),
  ];
  expect(await ort.differences({ op: "MatMul", inputs, fed: 2 })).toEqual([]);
});

it.each<[string, number[] | undefined, Record<string, AttrValue>]>([
  ["a row of bias", [5], {}],
  ["a column of bias", [2, 1], { alpha: float(0.7), beta: float(-1.3) }],
  ["a scalar bias", [], {}],
  ["a matrix of bias", [2, 5], { transA: 1 }],
  ["transposed operands", [1, 5], { transA: 1, transB: 1, alpha: float(0.3) }],
  ["no bias", undefined, { transB: 1 }],
])("Gemm with %s", async (_, c, attrs) => {
  const a = filled("a", attrs["transA"] ? [3, 2] : [2, 3], 1);
  const b = filled("b", attrs["transB"] ? [5, 3] : [3, 5], 2);
  const inputs = [a, b, c && filled("c", c, 3)];
  for (const fed of [1, 3]) expect(await ort.differences({ op: "Gemm", inputs, attrs, fed })).toEqual([]);
});
