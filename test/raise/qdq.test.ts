/** A quantised TFLite network as ONNX's runtimes look for it, every result coded and decoded, against LiteRT. */
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

/** Codes whose products no sum of 16 bits holds. */
function kernel(name: string, dims: readonly number[], seed: number) {
  const scale = Array.from({ length: dims[0]! }, (_, i) => 0.01 + 0.002 * i);
  return constant(name, "int8", dims, randomInts(elementCount(dims), -127, 127, seed), {
    scale,
    zero: scale.map(() => 0),
    axis: 0,
  });
}

const [w, v] = [kernel("w", [8, 3, 3, 3], 3), constant("v", "int8", [5, 96], randomInts(480, -127, 127, 5), codes(0.02, 0))];
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

it.each([13, 17, 21])(
  "has products between codes, 8-bit weights, and LiteRT's results but for a step, in opset %d",
  async (opset) => {
    const { model, files } = await openTflite(network);
    const { model: onnx } = await translateToOnnx(model, files, { opset });
    const makers = new Map(onnx.graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
    const products = onnx.graph.nodes.filter(({ op }) => op === "Conv" || op === "Gemm");
    expect(products).toHaveLength(2);
    for (const { inputs, outputs } of products) {
      expect(inputs.map((name) => makers.get(name)?.op)).toEqual(["DequantizeLinear", "DequantizeLinear", "DequantizeLinear"]);
      // The ReLU is the range of the codes.
      expect(onnx.graph.nodes.filter((node) => node.inputs.includes(outputs[0]!)).map(({ op }) => op)).toEqual([
        "QuantizeLinear",
      ]);
      const stored = inputs.slice(1).map((name) => makers.get(name)!.inputs[0]);
      const dtypes = stored.map((name) => onnx.graph.initializers.find((each) => each.name === name)!.value.dtype);
      // Of uint8, since kernels of uint8 by int8 are not exact on every CPU.
      expect(dtypes).toEqual(["uint8", "int32"]);
    }
    expect(onnx.graph.nodes.map(({ op }) => op)).not.toContain("Relu");

    const sink = new MemorySink();
    await convertToOnnx(model, files, sink, { opset });
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
  },
);
