import { expect, it } from "vitest";
import { float, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [2, 3, 5], random(30));
const ints = (name: string, values: readonly number[]): TensorSpec => tensor(name, "int64", [values.length], values);
const filler = tensor("value", "float32", [], [2.5]);

it.each([[[0, 1, 2, 3, 0, 4]], [[1, -1, 0, 0, 2, -2]], [[0, 0, -3, 0, 0, 1]]])("constant by [%s]", async (pads) => {
  for (const fed of [1, 2])
    expect(await ort.differences({ op: "Pad", inputs: [x, ints("pads", pads), filler], fed })).toEqual([]);
  expect(await ort.differences({ op: "Pad", inputs: [x, ints("pads", pads)], open: true })).toEqual([]);
});

it.each([
  ["reflect", [0, 2, 1, 1, 0, 4]],
  ["edge", [0, 2, 1, 1, 0, 9]],
  ["wrap", [0, 2, 1, 1, 0, 4]],
  ["edge", [0, -1, 3, 0, 2, -2]],
])("%s by [%s]", async (mode, pads) => {
  expect(
    await ort.differences({ op: "Pad", inputs: [x, ints("pads", pads as number[])], attrs: { mode: mode as string } }),
  ).toEqual([]);
});

it("edge of dims that are not known", async () => {
  const inputs = [x, ints("pads", [0, 2, 1, 1, 0, 9])];
  expect(await ort.differences({ op: "Pad", inputs, attrs: { mode: "edge" }, open: true })).toEqual([]);
});

it("named axes, integers, attributes", async () => {
  const inputs = [x, ints("pads", [1, 0, 0, 2]), filler, ints("axes", [-1, 0])];
  for (const fed of [1, 2, 4]) expect(await ort.differences({ op: "Pad", inputs, fed })).toEqual([]);
  const whole = tensor("x", "int64", [3, 5], randomInts(15, -9, 9));
  expect(
    await ort.differences({ op: "Pad", inputs: [whole, ints("pads", [1, 0, 0, 2]), tensor("value", "int64", [], [-7])] }),
  ).toEqual([]);
  expect(
    await ort.differences({ op: "Pad", opset: 10, inputs: [x], attrs: { pads: [0, 1, 0, 2, 0, 1], value: float(-0.5) } }),
  ).toEqual([]);
});

it("pads seven axes", async () => {
  const deep = tensor("x", "float32", [2, 1, 3, 2, 1, 2, 3], random(72));
  expect(await ort.differences({ op: "Pad", inputs: [deep, ints("pads", [0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1])] })).toEqual(
    [],
  );
});
