/** Attention of ai.onnx against onnxruntime: grouped heads, pasts, causal masks. */
import { expect, it } from "vitest";
import { node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();
const floats = (name: string, shape: readonly number[], seed: number): TensorSpec =>
  tensor(
    name,
    "float32",
    [...shape],
    random(
      shape.reduce((product, dim) => product * dim, 1),
      seed,
    ),
  );
const heads = { q_num_heads: 4, kv_num_heads: 2 };

it.each([
  [3, 5, 1],
  [3, 3, 2],
  [5, 5, 1],
  [2, 1, 3],
  [1, 1, 6],
  [1, 5, 0],
  [4, 7, 0],
])("grouped heads in 3-D, causal: %i queries, %i keys, %i past", async (queries, keys, past) => {
  const inputs = [floats("q", [3, queries, 16], 1), floats("k", [3, keys, 8], 2), floats("v", [3, keys, 8], 3)];
  const pasts = past ? [undefined, floats("pk", [3, 2, past, 4], 4), floats("pv", [3, 2, past, 4], 5)] : [];
  const all = [...inputs, ...pasts];
  const trial = { op: "Attention", opset: 23, inputs: all, attrs: { ...heads, is_causal: 1 }, fed: all.length };
  expect(await ort.differences({ ...trial, outputs: past ? 3 : 1 })).toEqual([]);
});

/** onnxruntime takes one query behind a past for the newest of all and masks nothing; by ONNX's definition it is the first of the new ones. */
it("one query behind a past sees that and one key more", async () => {
  const inputs = [
    ...[floats("q", [3, 1, 16], 1), floats("k", [3, 5, 8], 2), floats("v", [3, 5, 8], 3), undefined],
    ...[floats("pk", [3, 2, 2, 4], 4), floats("pv", [3, 2, 2, 4], 5)],
  ];
  const names = ["y0", "y1", "y2"];
  const seen = tensor("seen", "bool", [1, 7], [1, 1, 1, 0, 0, 0, 0]);
  const reference = onnxModel({
    ir: 10,
    opsets: { "": 23 },
    graph: {
      inputs: inputs.flatMap((each) => (each ? [value(each.name, each.dtype, [...each.shape])] : [])),
      outputs: names.map(untyped),
      initializers: [seen],
      nodes: [node("Attention", ["q", "k", "v", "seen", "pk", "pv"], names, heads)],
    },
  });
  const trial = { op: "Attention", opset: 23, inputs, attrs: { ...heads, is_causal: 1 }, fed: 6, outputs: 3 };
  expect(await ort.differences({ ...trial, reference })).toEqual([]);
});
