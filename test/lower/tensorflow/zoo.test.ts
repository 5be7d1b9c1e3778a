/** SavedModels of others: converted, run in stock TF.js, and where their arithmetic is known, compared with it. */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { openFile, sourcesBeside } from "../../../src/cli/files.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { zooFiles } from "../../build/zoo.ts";

const models = zooFiles("tensorflow", "saved_model.pb");

/** Why a model is no model of a computation. */
const refused: Readonly<Record<string, string>> = {
  control_flow_v1_saved_model: "a Merge without the Switches",
  hub_module_v1_mini_train: "no such file: variables/variables.index",
};

interface Known {
  readonly folder: string;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly expected: Readonly<Record<string, readonly number[]>>;
}

const known: readonly Known[] = [
  { folder: "half_plus_two_tf2", feeds: { x: tensorOf("float32", [1], [-7]) }, expected: { y: [-1.5] } },
  {
    folder: "saved_model_half_plus_two",
    feeds: { x: tensorOf("float32", [3, 1], [1, 2.5, -7]) },
    expected: { y: [2.5, 3.25, -1.5] },
  },
  {
    folder: "tfjs-node-test_objects/saved_model/uint8_multiply",
    feeds: { x: tensorOf("uint8", [1], [7]) },
    expected: { output_0: [42] },
  },
  { folder: "times_three_float", feeds: { x: tensorOf("float32", [], [1.75]) }, expected: { output_0: [5.25] } },
  { folder: "int64_multiply", feeds: { x: tensorOf("int64", [2], [7, -9]) }, expected: { output_0: [42, -54] } },
];

describe.runIf(models.length > 0)("SavedModels of the zoo", () => {
  let worker: TfjsWorker;
  beforeAll(async () => {
    worker = await TfjsWorker.start("cpu");
  });
  afterAll(() => worker.close());

  for (const file of models) {
    const name = file.split(path.sep).slice(-4, -1).join("/");
    it(name, async () => {
      const { model, files } = await readTensorflow(await openFile(file), sourcesBeside(file));
      const sink = new MemorySink();
      const { problems } = await convert(model, files, sink);
      const reasons = [...model.problems, ...problems].filter(({ severity }) => severity === "error").map(({ reason }) => reason);
      const excuse = Object.keys(refused).find((each) => file.includes(each));
      if (excuse) return expect(reasons.join("; ")).toContain(refused[excuse]);
      expect(reasons).toEqual([]);
      const loaded = await worker.load(sink.files);
      const test = known.find(({ folder }) => file.includes(folder));
      if (test) {
        const found = await worker.run(loaded, new Map(Object.entries(test.feeds)), Object.keys(test.expected));
        for (const [output, values] of Object.entries(test.expected))
          expect(Array.from(found.get(output)!.data as Float32Array)).toEqual(values);
      }
      await worker.unload(loaded);
    });
  }
});
