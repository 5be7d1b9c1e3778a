/** The same network in every opset that is written: operators whose form changed in between are all in it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import { noise } from "../build/random.ts";
import { float, graphOf, weights } from "../optimize/run.ts";
import { AgainstOnnxruntime, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
let expected: Tensor[];
const x = tensorOf("float32", [2, 9, 7, 3], noise(378, 5));
const network = graphOf((b) => {
  const image = float(b, "x", ["n", 9, 7, 3]);
  const conv = { padding: "SAME", strides: [1, 1, 1, 1], dilations: [1, 1, 1, 1], explicit_paddings: [] };
  const y = b.op("Relu6", [b.op("BiasAdd", [b.op("Conv2D", [image, weights(b, [3, 2, 3, 4])], conv), weights(b, [4])])]);
  const pool = b.op("AvgPool", [y], { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: "SAME" });
  const [left, right] = b.ops("Split", [b.scalar("int32", 3), pool], { num_split: 2 });
  const joined = b.op("Maximum", [b.op("Exp", [left!]), b.op("Softmax", [right!])]);
  const padded = b.op("PadV2", [joined, b.reshape(b.ints([0, 0, 1, 0, 0, 2, 0, 0]), [4, 2]), b.scalar("float32", -1)]);
  const large = b.op("ResizeBilinear", [padded, b.ints([11, 13])], { align_corners: false, half_pixel_centers: true });
  const steps = b.op("Quantize", [large, b.scalar("float32", 0.05), b.scalar("uint8", 121)], { dtype: "uint8" });
  const back = b.op("Dequantize", [steps, b.scalar("float32", 0.05), b.scalar("uint8", 121)]);
  const flat = b.reshape(back, [-1, 11 * 13 * 2]);
  const reductions = ["Sum", "Mean", "Max", "Min"].map((op) => b.reduce(op, back, [1, 2], false));
  const norm = b.op("LogSoftmax", [b.op("MatMul", [flat, weights(b, [286, 5])])]);
  const top = b.ops("TopKV2", [norm, b.scalar("int32", 2)], { sorted: true });
  const column = b.op("ScatterNd", [
    b.reshape(b.ints([2, 0]), [2, 1]),
    b.op("Slice", [norm, b.ints([0, 0]), b.ints([2, 3])]),
    b.ints([4, 3]),
  ]);
  return [
    ...reductions,
    norm,
    top[0]!,
    column,
    b.op("Cumsum", [norm, b.scalar("int32", 1)], { exclusive: false, reverse: false }),
  ];
});
/** Sums where the same place is written twice came with opset 16. */
const before16: Graph = { ...network, outputs: network.outputs.filter(({ value }) => value.node.op !== "ScatterNd") };

beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
  expected = await ort.results(network, { x });
});
afterAll(() => ort.close());

it.each([13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26])("opset %i", async (opset) => {
  const graph = opset < 16 ? before16 : network;
  const wanted = expected.filter((_, i) => graph.outputs.includes(network.outputs[i]!));
  expect(wanted.every(({ shape, data }) => data.length === elementCount(shape) && data.length > 0)).toBe(true);
  expect(await ort.differences(graph, { x }, { opset, expected: wanted })).toEqual([]);
  expect(raised(graph, { opset }).model.opsets).toEqual(new Map([["", opset]]));
});

it("what an opset lacks is told with the one that has it", () => {
  expect(raised(network, { opset: 15 }).problems).toMatchObject([{ code: "unsupported", hint: "convert with --opset 16" }]);
});
