/** An ONNX model's own codes stay codes on its way to ONNX. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { convertToOnnx } from "../../src/convert-onnx.ts";
import { onnxName } from "../../src/formats/onnx/write.ts";
import { tensorOf } from "../../src/graph/tensor.ts";
import { OrtProcess } from "../../src/runtime/ort.ts";
import { node, onnxModel, openOnnx, tensor, untyped, value } from "../build/onnx.ts";
import { noise } from "../build/random.ts";

const source = onnxModel({
  opsets: { "": 18 },
  graph: {
    inputs: [value("x", "float32", [2, 3, 5, 7])],
    outputs: [untyped("y")],
    initializers: [
      tensor("scale", "float32", [3], [0.0413, 0.05, 0.062]),
      tensor("zero", "uint8", [3], [119, 119, 119]),
      tensor("step", "float32", [], [0.07]),
      tensor("none", "int8", [], [3]),
    ],
    nodes: [
      node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
      node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
      node("MaxPool", ["d"], ["p"], { kernel_shape: [1, 3] }),
      node("QuantizeLinear", ["p", "step", "none"], ["r"]),
      node("DequantizeLinear", ["r", "step", "none"], ["y"]),
    ],
  },
});

it.each([undefined, "faithful"] as const)("with the arithmetic asked for %s", async (quantized) => {
  const { model, files } = await openOnnx(source);
  const sink = new MemorySink();
  const { problems } = await convertToOnnx(model, files, sink, quantized ? { quantized } : {});
  expect(problems).toEqual([]);
  const folder = await mkdtemp(path.join(tmpdir(), "modelwright-qdq-"));
  const ort = await OrtProcess.start();
  try {
    const feeds = new Map([["x", tensorOf("float32", [2, 3, 5, 7], noise(210, 9))]]);
    const results = [];
    for (const [i, bytes] of [source, sink.files[onnxName]!].entries()) {
      const file = path.join(folder, `${i}.onnx`);
      await writeFile(file, bytes);
      results.push((await ort.run(await ort.load(file), feeds, ["y"])).get("y")!);
    }
    const [expected, found] = results;
    expect(found!.shape).toEqual([2, 3, 5, 5]);
    for (const [i, number] of expected!.data.entries()) expect(found!.data[i], `[${i}]`).toBeCloseTo(Number(number), 6);
  } finally {
    await ort.close();
    await rm(folder, { recursive: true });
  }
});
