/** `--quantized qdq`: a quantised TFLite network as ONNX's runtimes look for it, every result coded and decoded, against LiteRT. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MemorySink, memorySource } from "../../src/base/memory.ts";
import { convertToOnnx } from "../../src/convert-onnx.ts";
import { onnxName } from "../../src/formats/onnx/write.ts";
import { carriedCopy } from "../../src/formats/tflite/carried.ts";
import { elementCount, tensorOf } from "../../src/graph/tensor.ts";
import { specs } from "../../src/parity/feeds.ts";
import { LiteRtProcess } from "../../src/runtime/litert.ts";
import { OrtProcess } from "../../src/runtime/ort.ts";
import { translateToOnnx } from "../../src/translate-onnx.ts";
import { noise, randomInts } from "../build/random.ts";
import { type Codes, constant, openTflite, operator, tfliteModel, value } from "../build/tflite.ts";
import { codeBias } from "../lower/tflite/values.ts";

let folder: string;
let ort: OrtProcess;
let liteRt: LiteRtProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "modelwright-qdq-"));
  [ort, liteRt] = [await OrtProcess.start(), await LiteRtProcess.start()];
});
afterAll(async () => {
  await Promise.all([ort.close(), liteRt.close()]);
  await rm(folder, { recursive: true });
});

const codes = (scale: number, zero: number): Codes => ({ scale: [scale], zero: [zero] });
const [image, hidden, pooled, scores] = [codes(0.02, -3), codes(0.05, -128), codes(0.05, -128), codes(1.5, 7)];

/** Codes small enough that the 16-bit sums of onnxruntime's kernels hold two products. */
function kernel(name: string, dims: readonly number[], seed: number) {
  const scale = Array.from({ length: dims[0]! }, (_, i) => 0.01 + 0.002 * i);
  return constant(name, "int8", dims, randomInts(elementCount(dims), -50, 50, seed), {
    scale,
    zero: scale.map(() => 0),
    axis: 0,
  });
}

const [w, v] = [kernel("w", [8, 3, 3, 3], 3), constant("v", "int8", [5, 96], randomInts(480, -50, 50, 5), codes(0.02, 0))];
const network = tfliteModel({
  tensors: [
    value("x", "float32", [1, 9, 7, 3]),
    value("q", "int8", [1, 9, 7, 3], image),
    w,
    codeBias("wb", 0.02, w, 8),
    value("h", "int8", [1, 9, 7, 8], hidden),
    value("p", "int8", [1, 4, 3, 8], pooled),
    v,
    codeBias("vb", 0.05, v, 5),
    value("s", "int8", [1, 5], scores),
    value("y", "float32", [1, 5]),
  ],
  inputs: ["x"],
  outputs: ["y"],
  operators: [
    operator("QUANTIZE", ["x"], ["q"]),
    operator("CONV_2D", ["q", "w", "wb"], ["h"], "Conv2DOptions", {
      padding: "SAME",
      stride_w: 1,
      stride_h: 1,
      fused_activation_function: "RELU",
    }),
    operator("MAX_POOL_2D", ["h"], ["p"], "Pool2DOptions", {
      padding: "VALID",
      stride_w: 2,
      stride_h: 2,
      filter_width: 2,
      filter_height: 2,
    }),
    operator("FULLY_CONNECTED", ["p", "v", "vb"], ["s"], "FullyConnectedOptions", {}),
    operator("DEQUANTIZE", ["s"], ["y"]),
  ],
});

it("has its operators between codes, 8-bit weights, and LiteRT's results but for a step", async () => {
  const { model, files } = await openTflite(network);
  const { model: onnx } = await translateToOnnx(model, files, { quantized: "qdq" });
  const ops = onnx.graph.nodes.map(({ op }) => op);
  expect(ops.filter((op) => op === "QuantizeLinear")).toHaveLength(4);
  expect(ops).toEqual(expect.arrayContaining(["Conv", "MaxPool", "DequantizeLinear"]));
  const large = onnx.graph.initializers.filter(
    ({ value: constant }) => (constant.staticShape ?? []).reduce((n, d) => n * d, 1) > 64,
  );
  expect(large.map(({ value: constant }) => constant.dtype)).toEqual(["int8", "int8"]);

  const sink = new MemorySink();
  await convertToOnnx(model, files, sink, { quantized: "qdq" });
  const file = path.join(folder, onnxName);
  await writeFile(file, sink.files[onnxName]!);
  const x = tensorOf(
    "float32",
    [1, 9, 7, 3],
    noise(189, 4).map((each) => 2 * each),
  );
  const loaded = await ort.load(file);
  const actual = (await ort.run(loaded, new Map([["x", x]]), ["y"])).get("y")!;

  const main = model.graphs[0]!;
  const reference = await liteRt.load(
    await carriedCopy(memorySource("model.tflite", network)),
    specs(main, main.inputs),
    specs(main, main.outputs),
  );
  const [expected] = await liteRt.run(reference, new Map([["x", x]]));
  expect(new Set(expected!.data as Float32Array).size).toBeGreaterThan(3);
  Array.from(expected!.data as Float32Array).forEach((each, i) => {
    expect(Math.abs(Number(actual.data[i]) - each)).toBeLessThanOrEqual(1.001 * scores.scale[0]!);
  });
});
