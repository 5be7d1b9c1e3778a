import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type TensorSpec, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const data = (...shape: number[]) => tensor("x", "float32", shape, random(elementCount(shape)));
const ints = (name: string, values: readonly number[]): TensorSpec => tensor(name, "int64", [values.length], values);
const x = data(2, 3, 5, 7);

it.each([[[6, 35]], [[-1, 7]], [[0, -1]], [[0, 0, 35]], [[7, -1, 0]], [[-1]], [[2, 3, 5, 7, 1]], [[0, 3, -1, 1]]])(
  "Reshape to [%s], known, open and computed",
  async (shape) => {
    for (const [fed, open] of [
      [1, false],
      [1, true],
      [2, false],
    ] as const)
      expect(await ort.differences({ op: "Reshape", inputs: [x, ints("shape", shape)], fed, open })).toEqual([]);
  },
);

it("Reshape of old: the shape is an attribute, or 0 means 0", async () => {
  const empty = tensor("x", "float32", [0, 3, 4], []);
  expect(await ort.differences({ op: "Reshape", inputs: [empty, ints("shape", [3, 4, 0])], attrs: { allowzero: 1 } })).toEqual(
    [],
  );
});

it.each([[0], [1], [2], [3], [4], [-1], [-3]])("Flatten at %i", async (axis) => {
  for (const open of [false, true])
    expect(await ort.differences({ op: "Flatten", inputs: [x], attrs: { axis }, open })).toEqual([]);
});

it("Transpose", async () => {
  expect(await ort.differences({ op: "Transpose", inputs: [x] })).toEqual([]);
  expect(await ort.differences({ op: "Transpose", inputs: [x], attrs: { perm: [2, 0, 3, 1] }, open: true })).toEqual([]);
});

it("Squeeze and Unsqueeze, by attribute and by input", async () => {
  const flat = data(1, 3, 1, 5);
  expect(await ort.differences({ op: "Squeeze", opset: 11, inputs: [flat] })).toEqual([]);
  expect(await ort.differences({ op: "Squeeze", opset: 11, inputs: [flat], attrs: { axes: [-2] } })).toEqual([]);
  expect(await ort.differences({ op: "Squeeze", inputs: [flat, ints("axes", [2, 0])] })).toEqual([]);
  expect(await ort.differences({ op: "Unsqueeze", opset: 11, inputs: [data(3, 5)], attrs: { axes: [3, 0] } })).toEqual([]);
  expect(await ort.differences({ op: "Unsqueeze", inputs: [data(3, 5), ints("axes", [-1, 1])], open: true })).toEqual([]);
});

it.each([[[2, 3, 5]], [[1, 1]], [[7, 3, 1]], [[4, 2, 3, 1]], [[5]]])("Expand to [%s]", async (shape) => {
  const inputs = [data(3, 1), ints("shape", shape.length === 3 && shape[2] === 5 ? [2, 3, 5] : shape)];
  for (const [fed, open] of [
    [1, false],
    [1, true],
    [2, false],
    [2, true],
  ] as const)
    expect(await ort.differences({ op: "Expand", inputs, fed, open })).toEqual([]);
});

it("Tile", async () => {
  for (const fed of [1, 2])
    expect(await ort.differences({ op: "Tile", inputs: [data(2, 3, 5), ints("repeats", [3, 1, 2])], fed })).toEqual([]);
});

it("Shape and Size", async () => {
  for (const open of [false, true]) {
    expect(await ort.differences({ op: "Shape", inputs: [x], open })).toEqual([]);
    for (const [start, end] of [
      [1, 3],
      [-2, 9],
      [3, 1],
      [-9, -1],
    ])
      expect(await ort.differences({ op: "Shape", inputs: [x], attrs: { start: start!, end: end! }, open })).toEqual([]);
    expect(await ort.differences({ op: "Size", inputs: [x], open })).toEqual([]);
  }
});

it("Expand to no elements, by a shape that is computed", async () => {
  const x = tensor("x", "float32", [3, 1], random(3));
  const shape = tensor("shape", "int64", [3], [2, 1, 0]);
  expect(await ort.differences({ op: "Expand", inputs: [x, shape], fed: 2 })).toEqual([]);
  expect(await ort.differences({ op: "Expand", inputs: [x, tensor("shape", "int64", [3], [2, 3, 5])], fed: 2 })).toEqual([]);
  expect(await ort.differences({ op: "Expand", inputs: [x, shape] })).toEqual([]);
});
