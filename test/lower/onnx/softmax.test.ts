import { afterAll, beforeAll, expect, it } from "vitest";
import { tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { AgainstOrt } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const x = tensor(
  "x",
  "float32",
  [2, 3, 7, 5],
  random(210).map((value) => 3 * value),
);

const cases = ["Softmax", "LogSoftmax", "Hardmax"].flatMap((op) =>
  [11, 21].flatMap((opset) => [-1, 0, 1, 2, 3].map((axis): [string, number, number] => [op, opset, axis])),
);

it.each(cases)("%s at opset %i along axis %i", async (op, opset, axis) => {
  for (const open of [false, true]) expect(await ort.differences({ op, opset, inputs: [x], attrs: { axis }, open })).toEqual([]);
});

it.each(["Softmax", "LogSoftmax"])("%s of seven axes", async (op) => {
  const deep = tensor("x", "float32", [2, 1, 3, 2, 1, 5, 3], random(180));
  for (const axis of [6, 2]) expect(await ort.differences({ op, inputs: [deep], attrs: { axis } })).toEqual([]);
});
