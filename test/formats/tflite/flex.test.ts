import { expect, test } from "vitest";
import { loadTensor } from "../../../src/graph/decode.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { flexOperator } from "../../build/flex.ts";
import { openTflite, tfliteModel, value } from "../../build/tflite.ts";

const opened = (attrs: Parameters<typeof flexOperator>[3]) =>
  openTflite(
    tfliteModel({
      tensors: [value("x", "float32", [2, 3]), value("y", "float32", [2, 3])],
      inputs: ["x"],
      outputs: ["y"],
      operators: [flexOperator("Whatever", ["x"], ["y"], attrs)],
    }),
  );

test("attributes of the node within", async () => {
  const { model } = await opened({
    alpha: { f: 0.3 },
    T: { type: "float32" },
    axis: { i: -1 },
    words: { s: "säge" },
    keep: { b: true },
    list: { ints: [1, 300, 2] },
  });
  expect(model.problems).toEqual([]);
  const [node] = model.graphs[0]!.nodes;
  expect([node!.op, node!.domain]).toEqual(["FlexWhatever", "custom"]);
  expect(node!.attrs).toEqual({
    alpha: { kind: "float", value: Math.fround(0.3) },
    T: { kind: "dtype", value: "float32" },
    axis: { kind: "int", value: -1 },
    words: { kind: "string", value: "säge" },
    keep: { kind: "bool", value: true },
    list: { kind: "ints", value: [1, 300, 2] },
  });
});

test("tensors among them are places in the file", async () => {
  const tensor = tensorOf("float32", [2, 2], [1.5, -2.25, 1e10, 0.1]);
  const { model, files } = await opened({ value: { tensor } });
  const attr = model.graphs[0]!.nodes[0]!.attrs["value"];
  if (attr?.kind !== "tensor") throw new Error("no tensor");
  const { value: stored } = attr;
  expect(await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files })).toEqual(tensor);
});

test("functions of a graph that is not there are told", async () => {
  const { model } = await opened({ f: { func: "body" } });
  expect(model.graphs[0]!.nodes[0]!.attrs["f"]).toEqual({ kind: "unknown", value: "the function body, which is not there" });
});
