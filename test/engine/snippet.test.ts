import { expect, test } from "vitest";
import { snippetText } from "../../src/engine/snippet.ts";

const tensor = (dtype: string, ...sizes: number[]) => ({
  dtype,
  tensorShape: { dim: sizes.map((size) => ({ size: String(size) })) },
});

test("one input, one output", () => {
  expect(
    snippetText({
      inputs: { data: tensor("DT_FLOAT", -1, 3, 7, 5) },
      outputs: { prob: tensor("DT_FLOAT", -1, 11) },
      customOps: false,
      asynchronous: false,
    }),
  ).toBe(`import * as tf from "@tensorflow/tfjs";

const model = await tf.loadGraphModel("model.json"); // the address of the converted folder

const inputs = {
  data: tf.zeros([1, 3, 7, 5]), // float32 [?,3,7,5]
};
const prob = model.execute(inputs, "prob") as tf.Tensor; // float32 [?,11]

console.log(prob.shape, await prob.data());
`);
});

test("names that are no identifiers, other types, several outputs, custom ops, control flow", () => {
  const text = snippetText({
    inputs: {
      "input ids": tensor("DT_INT32", -1, 128),
      mask: tensor("DT_BOOL", 2, 3),
      words: { dtype: "DT_STRING", tensorShape: { unknownRank: true } },
      table: { dtype: "DT_RESOURCE", resourceId: 3 },
    },
    outputs: { a: tensor("DT_FLOAT"), "b:0": { dtype: "DT_INT32" } },
    customOps: true,
    asynchronous: true,
  });
  expect(text).toContain('import { register } from "./custom-ops.mjs";');
  expect(text).toContain("register(tf);");
  expect(text).toContain('"input ids": tf.zeros([1, 128], "int32"), // int32 [?,128]');
  expect(text).toContain('mask: tf.zeros([2, 3], "bool")');
  expect(text).toContain('words: tf.fill([1], "", "string"), // string, any shape');
  expect(text).not.toContain("table");
  expect(text).toContain("const outputs = await model.executeAsync(inputs, [");
  expect(text).toContain('"b:0", // int32, any shape');
});

test("an output named like what is already declared", () => {
  const text = snippetText({ inputs: {}, outputs: { model: tensor("DT_FLOAT", 1) }, customOps: false, asynchronous: false });
  expect(text).toContain('const output = model.execute(inputs, "model") as tf.Tensor;');
});

test("what a run leaves in its states, the next takes", () => {
  const text = snippetText({
    inputs: { x: tensor("DT_FLOAT", 1, 3), "state/h": tensor("DT_FLOAT", 1, 4) },
    outputs: { y: tensor("DT_FLOAT", 1, 2), "state/h": tensor("DT_FLOAT", 1, 4) },
    customOps: false,
    asynchronous: false,
  });
  expect(text).toContain('"state/h": tf.zeros([1, 4]), // float32 [1,4]');
  expect(text.trimEnd().endsWith('inputs["state/h"] = outputs[1];')).toBe(true);
});
