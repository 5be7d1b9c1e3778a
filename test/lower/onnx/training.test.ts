import { expect, it } from "vitest";
import { tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [2, 3, 5], random(30));
const ratio = tensor("ratio", "float32", [], [0.3]);
const training = (on: boolean) => tensor("training", "bool", [], [on ? 1 : 0]);

it("Dropout infers: the data and a mask of ones", async () => {
  expect(await ort.differences({ op: "Dropout", opset: 7, inputs: [x] })).toEqual([]);
  expect(await ort.differences({ op: "Dropout", inputs: [x, ratio], outputs: 2, open: true })).toEqual([]);
  expect(await ort.differences({ op: "Dropout", inputs: [x, ratio, training(false)], outputs: 2 })).toEqual([]);
  expect(await ort.differences({ op: "Dropout", inputs: [x, ratio, training(false)], outputs: 2, fed: 3 })).toEqual([]);
});

it("Dropout of nothing trains as it infers", async () => {
  const none = tensor("ratio", "float32", [], [0]);
  for (const fed of [1, 3])
    expect(await ort.differences({ op: "Dropout", inputs: [x, none, training(true)], outputs: 2, fed })).toEqual([]);
});

it("refuses a model that always trains", async () => {
  await expect(ort.differences({ op: "Dropout", inputs: [x, ratio, training(true)] })).rejects.toThrow(
    "dropout in training mode",
  );
});
