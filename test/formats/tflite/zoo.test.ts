/** Real files: every one opens, every tensor in it can be loaded. */
import path from "node:path";
import { expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../../src/cli/files.ts";
import { readTflite } from "../../../src/formats/tflite/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { tensorsOf } from "../../../src/graph/verify.ts";
import { zooFiles } from "../../build/zoo.ts";

const models = zooFiles("tflite", ".tflite");

/** What is wrong with the file itself. */
const known: Readonly<Record<string, string>> = {
  "blockwise_quantized.tflite": "an input that nothing makes",
};

if (models.length) {
  test("zoo: models and their tensors", { timeout: 120_000 }, async () => {
    const failed: string[] = [];
    for (const file of models) {
      const name = path.basename(file);
      try {
        const { model, files } = await readTflite(await openFile(file), sourcesBeside(file));
        for (const { severity, reason } of model.problems)
          if (severity === "error" && !(name in known)) failed.push(`${name}: ${reason}`);
        for (const graph of model.graphs)
          for (const { tensor } of tensorsOf(graph))
            await loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files });
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        failed.push(`${name}: ${error.message}`);
      }
    }
    expect(failed).toEqual([]);
  });

  test("zoo: TFLite Metadata tells how inputs are prepared, and which files are attached", async () => {
    const file = models.find((name) => name.endsWith("mobilenet_quant_v1_224_head_layers.tflite"));
    const described = models.map(async (name) => (await readTflite(await openFile(name), sourcesBeside(name))).model.metadata);
    const all = await Promise.all(described);
    expect(file).toBeDefined();
    expect(all.some((metadata) => Object.keys(metadata).some((key) => /normalization$/.test(key)))).toBe(true);
    expect(all.some((metadata) => metadata["files"] !== undefined)).toBe(true);
  });
}
