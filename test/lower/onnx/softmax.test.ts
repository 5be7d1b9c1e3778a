import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { node, onnxModel, tensor, untyped, value } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

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
  for (const open of [false, true])
    for (const axis of [6, 2]) expect(await ort.differences({ op, inputs: [deep], attrs: { axis }, open })).toEqual([]);
});

it("a bias on seven axes, sizes known and open, then Softmax", async () => {
  const deep = tensor("x", "float32", [2, 1, 3, 2, 4, 5, 3], random(720));
  const dims = (symbol: string, shape: readonly number[]) => shape.map((_, i) => `${symbol}${i + 7 - shape.length}`);
  for (const shape of [
    [5, 3],
    [2, 1, 3, 1, 1, 5, 3],
    [1, 1, 1, 1, 4, 5, 3],
  ])
    for (const open of [false, true]) {
      const bias = tensor("b", "float32", shape, random(elementCount(shape), 3));
      const declared = ({ name, shape }: typeof bias) =>
        value(name, "float32", open ? dims("d", shape).map((dim, i) => (shape[i] === 1 && name === "b" ? 1 : dim)) : [...shape]);
      const bytes = onnxModel({
        ir: 8,
        opsets: { "": 17 },
        graph: {
          inputs: [deep, bias].map(declared),
          outputs: [untyped("y")],
          nodes: [node("Add", ["x", "b"], ["s"]), node("Softmax", ["s"], ["y"], { axis: -1 })],
        },
      });
      expect(await ort.modelDifferences(bytes, [deep, bias], ["y"])).toEqual([]);
    }
});
