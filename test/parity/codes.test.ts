import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { convert } from "../../src/convert.ts";
import { type SourceMap, sourceMapName } from "../../src/graph/map.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../src/lower/rule.ts";
import { toCodes } from "../../src/parity/codes.ts";
import { parity } from "../../src/parity.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import { openTflite, operator, tfliteModel, value } from "../build/tflite.ts";
import { codeBias, codeWeights } from "../lower/tflite/values.ts";

test("numbers become codes of the source's type, kept to its range", () => {
  const x = tensorOf("float32", [5], [0, 0.5, -1.26, 100, -100]);
  expect(toCodes(x, { scale: 0.25, zeroPoint: -3 }, "int8")).toEqual(tensorOf("int8", [5], [-3, -1, -8, 127, -128]));
});

let worker: TfjsWorker;
let folder: string;
beforeAll(async () => {
  [worker, folder] = await Promise.all([TfjsWorker.start("wasm"), mkdtemp(path.join(tmpdir(), "modelwright-"))]);
});
afterAll(() => Promise.all([worker.close(), rm(folder, { recursive: true })]));

const by = (scale: number, zero: number) => ({ scale: [scale], zero: [zero] });
const w = codeWeights("w", [5, 3, 3, 3], 0);
const v = codeWeights("v", [2, 1, 1, 5], 0, 8);

/** Two convolutions with a pool between, codes all the way. */
const file = tfliteModel({
  tensors: [
    value("x", "int8", [1, 9, 7, 3], by(0.02, -4)),
    w,
    codeBias("bias", 0.02, w, 5),
    value("a", "int8", [1, 9, 7, 5], by(0.03, 7)),
    value("pooled", "int8", [1, 4, 3, 5], by(0.03, 7)),
    v,
    codeBias("shift", 0.03, v, 2),
    value("y", "int8", [1, 4, 3, 2], by(0.05, -1)),
  ],
  inputs: ["x"],
  outputs: ["y"],
  operators: [
    operator("CONV_2D", ["x", "w", "bias"], ["a"], "Conv2DOptions", {
      padding: "SAME",
      stride_w: 1,
      stride_h: 1,
      fused_activation_function: "RELU",
    }),
    operator("MAX_POOL_2D", ["a"], ["pooled"], "Pool2DOptions", {
      padding: "VALID",
      stride_w: 2,
      stride_h: 2,
      filter_width: 2,
      filter_height: 2,
    }),
    operator("CONV_2D", ["pooled", "v", "shift"], ["y"], "Conv2DOptions", { padding: "SAME", stride_w: 1, stride_h: 1 }),
  ],
});

test.each<[QuantizedMode, readonly string[]]>([
  ["faithful", ["main/a", "main/pooled", "main/y"]],
  ["float", ["main/y"]],
])("layers of a quantised model are compared in steps: %s", async (quantized, least) => {
  const { model, files } = await openTflite(file);
  const sink = new MemorySink();
  expect((await convert(model, files, sink, { quantized })).problems).toEqual([]);
  const source = path.join(folder, "m.tflite");
  await writeFile(source, file);
  const loaded = await worker.load(sink.files);
  const target = {
    backend: "wasm",
    inputs: loaded.inputs,
    outputs: loaded.outputs,
    run: (feeds: Parameters<TfjsWorker["run"]>[1], names: readonly string[]) => worker.run(loaded, feeds, names),
    close: async () => {},
  };
  const map = JSON.parse(new TextDecoder().decode(sink.files[sourceMapName])) as SourceMap;
  const report = await parity({ model, files, path: source, target, map, layers: true });
  await worker.unload(loaded);
  expect(report.problems).toEqual([]);
  const layers = report.layers ?? [];
  for (const { source: name, verdict, dtype, maxAbs } of layers) {
    expect([name, dtype]).toEqual([name, "int8"]);
    expect(["equal", "within"], `${name} ${verdict} ${maxAbs}`).toContain(verdict);
  }
  expect(layers.map(({ source: name }) => name)).toEqual(expect.arrayContaining([...least]));
});
