import { expect, it } from "vitest";
import { gatherBounds } from "../../src/parity/bounds.ts";
import { node, onnxModel, openOnnx, tensor, value } from "../build/onnx.ts";

it("finds how many rows the tables have that an integer input indexes", async () => {
  const table = (name: string, rows: number) => tensor(name, "float32", [rows, 3], new Float32Array(rows * 3));
  const { model } = await openOnnx(
    onnxModel({
      graph: {
        inputs: [
          value("ids", "int64", ["b", 5]),
          value("type", "int32", ["b", 5]),
          value("mask", "int64", ["b", 5]),
          value("x", "float32", [3]),
        ],
        outputs: [value("y", "float32"), value("z", "float32"), value("t", "float32")],
        initializers: [table("words", 23), table("fewer", 19), table("columns", 2)],
        nodes: [
          node("Cast", ["ids"], ["cast"], { to: 6 }),
          node("Unsqueeze", ["cast"], ["wide"], { axes: [0] }),
          node("Gather", ["words", "wide"], ["y"]),
          node("Gather", ["fewer", "ids"], ["z"]),
          node("Gather", ["columns", "type"], ["t"], { axis: -1 }),
          node("Gather", ["mask", "type"], ["m"]),
        ],
      },
    }),
  );
  expect(gatherBounds(model.graphs[0]!)).toEqual(
    new Map([
      ["ids", 19],
      ["type", 3],
    ]),
  );
});
