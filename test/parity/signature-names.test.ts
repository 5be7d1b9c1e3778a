import { expect, it } from "vitest";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { readTensorflow } from "../../src/formats/tensorflow/read.ts";
import { inputSpecs, outputSpecs, seededFeeds } from "../../src/parity/feeds.ts";
import { placeholder, savedModel } from "../build/tensorflow.ts";

it("what is fed and compared goes by the names of the signature, as the converted model does", async () => {
  const bytes = savedModel({
    tags: ["serve"],
    graph: {
      nodes: [
        placeholder("serving_default_x", "float32", [-1, 3]),
        { name: "StatefulPartitionedCall", op: "Neg", inputs: ["serving_default_x"] },
      ],
    },
    signatures: {
      serving_default: {
        inputs: { x: { value: "serving_default_x:0", dtype: "float32", shape: [-1, 3] } },
        outputs: { y: { value: "StatefulPartitionedCall:0", dtype: "float32", shape: [-1, 3] } },
      },
    },
  });
  const { model } = await readTensorflow(memorySource("saved_model.pb", bytes), memorySources());
  expect(inputSpecs(model.graphs[0]!).map(({ name }) => name)).toEqual(["x"]);
  expect(outputSpecs(model.graphs[0]!).map(({ name }) => name)).toEqual(["y"]);
  const { feeds } = await seededFeeds(model, [], 1, async (drawn) => drawn);
  expect([...feeds].map(([name, { shape }]) => [name, shape])).toEqual([["x", [2, 3]]]);
});
