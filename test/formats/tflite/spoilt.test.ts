/** Spoilt files go through everything: what is said of them is a Problem with a place, never a fault of ours, and never a read outside the file. */

import { expect, test } from "vitest";
import type { ByteSource } from "../../../src/base/bytes.ts";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { check } from "../../../src/check.ts";
import { carriedCopy } from "../../../src/formats/tflite/carried.ts";
import { readTflite } from "../../../src/formats/tflite/read.ts";
import { flexOperator } from "../../build/flex.ts";
import fc from "../../build/properties.ts";
import { constant, custom, type GraphSpec, operator, type TensorSpec, tfliteModel, value, variable } from "../../build/tflite.ts";
import { codeBias, codeWeights } from "../../lower/tflite/values.ts";
import { specimen } from "./specimen.ts";

/** A source that fails the test where it is asked for more than it has. */
function strict(bytes: Uint8Array): ByteSource {
  const source = memorySource("model.tflite", bytes);
  return {
    name: source.name,
    size: source.size,
    read: (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > bytes.length)
        throw new Error(`a read of ${length} bytes at ${offset} of ${bytes.length}`);
      return source.read(offset, length);
    },
  };
}

const onlyModelErrors = (error: unknown): void => {
  if (!(error instanceof ModelError)) throw error;
};

async function through(bytes: Uint8Array): Promise<void> {
  const source = strict(bytes);
  await carriedCopy(source).catch(onlyModelErrors);
  const opened = await readTflite(source, memorySources({})).catch(onlyModelErrors);
  if (opened) await check(opened.model, opened.files).catch(onlyModelErrors);
}

const handle: TensorSpec = { ...value("h", "int32", []), more: { type: "RESOURCE" } };
const own = (output: string) => operator("VAR_HANDLE", [], [output], "VarHandleOptions", { container: "", shared_name: "kept" });
const initial: GraphSpec = {
  tensors: [handle, constant("first", "float32", [2, 3], [1, 2, 3, 4, 5, 6])],
  inputs: [],
  outputs: [],
  operators: [own("h"), operator("ASSIGN_VARIABLE", ["h", "first"], [])],
};
const branch = (op: string): GraphSpec => ({
  tensors: [value("p", "float32", [2, 3]), value("q", "float32", [2, 3])],
  inputs: ["p"],
  outputs: ["q"],
  operators: [operator(op, ["p"], ["q"])],
});

const w = codeWeights("w", [5, 3, 3, 3], 0);
const models: Readonly<Record<string, Uint8Array>> = {
  specimen: specimen(),
  quantised: tfliteModel({
    tensors: [
      value("x", "int8", [1, 9, 7, 3], { scale: [0.02], zero: [-4] }),
      w,
      codeBias("b", 0.02, w, 5),
      value("a", "int8", [1, 9, 7, 5], { scale: [0.03], zero: [7] }),
      constant("shape", "int32", [2], [1, 315]),
      value("y", "int8", [1, 315], { scale: [0.03], zero: [7] }),
    ],
    inputs: ["x"],
    outputs: ["y"],
    operators: [
      operator("CONV_2D", ["x", "w", "b"], ["a"], "Conv2DOptions", { padding: "SAME", stride_w: 1, stride_h: 1 }),
      operator("RESHAPE", ["a", "shape"], ["y"]),
    ],
  }),
  stateful: tfliteModel({
    tensors: [
      value("x", "float32", [2, 3]),
      handle,
      ...["before", "sum", "soft", "y"].map((name) => value(name, "float32", [2, 3])),
      value("positive", "bool", []),
      variable("state", "float32", [2, 3]),
    ],
    inputs: ["x", "positive"],
    outputs: ["y"],
    operators: [
      operator("CALL_ONCE", [], [], "CallOnceOptions", { init_subgraph_index: 1 }),
      own("h"),
      operator("READ_VARIABLE", ["h"], ["before"]),
      operator("ADD", ["before", "x"], ["sum"], "AddOptions"),
      operator("ASSIGN_VARIABLE", ["h", "sum"], []),
      flexOperator("LeakyRelu", ["sum"], ["soft"], { alpha: { f: 0.3 }, T: { type: "float32" } }),
      operator("IF", ["positive", "soft"], ["y"], "IfOptions", { then_subgraph_index: 2, else_subgraph_index: 3 }),
    ],
    subgraphs: [initial, branch("NEG"), branch("EXP")],
  }),
  custom: tfliteModel({
    tensors: [value("x", "float32", [1, 4, 5, 3]), value("m", "float32", [1, 4, 4]), value("y", "float32", [1, 3, 6, 3])],
    inputs: ["x", "m"],
    outputs: ["y"],
    operators: [custom("TransformTensorBilinear", ["x", "m"], ["y"], { output_height: 3, output_width: 6 })],
  }),
};

for (const [name, sound] of Object.entries(models)) {
  test(`${name}: any bytes changed`, { timeout: 120_000 }, async () => {
    await through(sound);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const spoilt = sound.slice();
          for (const [at, byte] of changes) spoilt[at] = byte;
          await through(spoilt);
        },
      ),
      { numRuns: 200 },
    );
  });

  test(`${name}: every word that may be an offset, moved`, { timeout: 120_000 }, async () => {
    for (let at = 0; at + 4 <= sound.length; at += 4) {
      const spoilt = sound.slice();
      const view = new DataView(spoilt.buffer);
      view.setInt32(at, view.getInt32(at, true) + (at % 3 === 0 ? 4 : at % 3 === 1 ? -4 : 2 ** 30), true);
      await through(spoilt);
    }
  });

  test(`${name}: cut at every 64th byte`, async () => {
    for (let size = 0; size < sound.length; size += 64) {
      await through(sound.subarray(0, size));
      const refused = await readTflite(strict(sound.subarray(0, size)), memorySources({})).then(
        ({ model }) => model.problems.length > 0,
        () => true,
      );
      expect(refused, `cut at ${size}`).toBe(true);
    }
  });
}
