/** Real files: every one opens or is refused in words, every tensor in it can be loaded. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ModelError } from "../../../src/base/problem.ts";
import { openFile, sourcesBeside } from "../../../src/cli/files.ts";
import { readOnnx } from "../../../src/formats/onnx/read.ts";
import { loadTensor } from "../../../src/graph/decode.ts";
import { tensorsOf } from "../../../src/graph/verify.ts";
import { zooFiles } from "../../build/zoo.ts";

const models = zooFiles("onnx-models", ".onnx").concat(zooFiles("onnx-node-tests/node", ".onnx"));

/** What is wrong with the file itself. */
const known: Readonly<Record<string, string>> = {
  "external_data.onnx": "its data was never published",
  "test_evil_weights.onnx": "made to point at memory",
};

if (models.length) {
  test("zoo: models and their tensors", { timeout: 120_000 }, async () => {
    const failed: string[] = [];
    for (const file of models) {
      if (path.basename(file) in known) continue;
      try {
        const { model, files } = await readOnnx(await openFile(file), sourcesBeside(file));
        for (const graph of model.graphs) {
          for (const { tensor } of tensorsOf(graph))
            await loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files });
        }
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        failed.push(`${path.basename(file)}: ${error.message}`);
      }
    }
    expect(failed).toEqual([]);
  });

  test("zoo: what is read through windows is what is read at once", async () => {
    const file = models.find((name) => name.endsWith("squeezenet_tensor_input.onnx"))!;
    const { model, files } = await readOnnx(await openFile(file), sourcesBeside(file));
    const content = readFileSync(file);
    for (const { tensor } of tensorsOf(model.graphs[0]!)) {
      const [slice] = tensor.slices;
      const { data } = await loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files });
      if (tensor.encoding !== "raw" || !(data instanceof Float32Array)) continue;
      const view = new DataView(content.buffer, content.byteOffset + slice!.offset, slice!.length);
      const wrong = data.findIndex((x, i) => !Object.is(x, view.getFloat32(4 * i, true)));
      expect(wrong).toBe(-1);
    }
  });
}
