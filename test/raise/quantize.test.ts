import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import type { Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { noise, random, randomInts } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, opsOf, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const shape = [2, 3, 7];
/** Ties and what is past the range among them. */
const floats: Tensor = tensorOf(
  "float32",
  shape,
  random(42).map((x, i) => [0.125, 0.375, -0.125, 99, -99][i] ?? x),
);

const one = (x: Tensor, make: (b: Builder, x: Value) => Value) =>
  graphOf((b) => make(b, b.input("x", { dtype: x.dtype, shape: x.shape })));

describe("Quantize", () => {
  it.each<[DType, number]>([
    ["int8", -3],
    ["uint8", 120],
    ["int16", 0],
    ["int32", 5],
  ])("to %s", async (dtype, zero) => {
    const graph = one(floats, (b, x) => b.op("Quantize", [x, b.scalar("float32", 0.25), b.scalar(dtype, zero)], { dtype }));
    expect(await ort.differences(graph, { x: floats })).toEqual([]);
    const isNative = dtype === "int8" || dtype === "uint8";
    expect(Object.hasOwn(opsOf(raised(graph).model), "QuantizeLinear")).toBe(isNative);
  });

  it("by a scale for each channel", async () => {
    const graph = one(floats, (b, x) => {
      const scale = b.constant(tensorOf("float32", [3, 1], [0.25, 0.1, 0.03]));
      return b.op("Quantize", [x, scale, b.constant(tensorOf("int8", [3, 1], [0, 3, -5]))], { dtype: "int8" });
    });
    expect(await ort.differences(graph, { x: floats })).toEqual([]);
    expect(opsOf(raised(graph).model)).toEqual({ QuantizeLinear: 1 });
  });
});

describe("Dequantize", () => {
  it.each<DType>(["int8", "uint8", "int32", "int16"])("of %s", async (dtype) => {
    const codes = tensorOf(dtype, shape, randomInts(42, 0, 100));
    const graph = one(codes, (b, x) => b.op("Dequantize", [x, b.scalar("float32", 0.03), b.scalar(dtype, 7)]));
    expect(await ort.differences(graph, { x: codes })).toEqual([]);
  });

  it("by two axes of scales, which ONNX has no operator for", async () => {
    const codes = tensorOf("int8", shape, randomInts(42, -99, 99));
    const graph = one(codes, (b, x) =>
      b.op("Dequantize", [x, b.constant(tensorOf("float32", [3, 7], noise(21, 5))), b.scalar("int8", 0)]),
    );
    expect(await ort.differences(graph, { x: codes })).toEqual([]);
  });
});

it("QuantizeSteps rounds half to even within its bounds", async () => {
  const graph = one(floats, (b, x) => b.op("QuantizeSteps", [x, b.scalar("float32", 4)], { low: -6, high: 5 }));
  expect(await ort.differences(graph, { x: floats })).toEqual([]);
});

it("weights with a scale for each channel, which are moved with them", async () => {
  const dims = [3, 3, 64, 32];
  const codes = tensorOf("int8", dims, randomInts(elementCount(dims), -127, 127));
  const x = tensorOf("float32", [1, 4, 5, 64], noise(1280, 3));
  const graph = graphOf((b) => {
    const scale = b.constant(
      tensorOf(
        "float32",
        [1, 1, 1, 32],
        random(32).map((each) => Math.abs(each) + 0.01),
      ),
    );
    const zero = b.constant(tensorOf("int8", [1, 1, 1, 32], new Array<number>(32).fill(0)));
    const w = b.op("Dequantize", [b.constant(codes), scale, zero]);
    const attrs = { padding: "SAME", strides: [1, 1, 1, 1], dilations: [1, 1, 1, 1] };
    return b.op("Conv2D", [b.input("x", { dtype: "float32", shape: [1, 4, 5, 64] }), w], attrs);
  });
  const { model } = raised(graph);
  expect(opsOf(model)).toEqual({ Transpose: 2, DequantizeLinear: 1, Conv: 1 });
  expect(await ort.differences(graph, { x }, { rtol: 1e-4 })).toEqual([]);
});

it("8-bit weights are stored as they are, in the order that the Conv wants", async () => {
  const dims = [3, 3, 64, 32];
  const codes = tensorOf("int8", dims, randomInts(elementCount(dims), -127, 127));
  const x = tensorOf("float32", [1, 4, 5, 64], noise(1280, 3));
  const attrs = { padding: "SAME", strides: [1, 1, 1, 1], dilations: [1, 1, 1, 1] };
  const stored = (b: Builder, w: Value) => b.op("Conv2D", [b.input("x", { dtype: "float32", shape: [1, 4, 5, 64] }), w], attrs);
  const perTensor = graphOf((b) =>
    stored(b, b.op("Dequantize", [b.constant(codes), b.scalar("float32", 0.01), b.scalar("int8", 0)])),
  );
  const cast = graphOf((b) => stored(b, b.cast(b.constant(codes), "float32")));
  const centred = graphOf((b) => stored(b, b.op("Sub", [b.cast(b.constant(codes), "float32"), b.scalar("float32", 3)])));
  for (const graph of [perTensor, cast, centred]) {
    const { model } = raised(graph);
    expect(model.graph.initializers.map(({ value }) => value.dtype)).toContain("int8");
    expect(model.graph.initializers.every(({ value }) => value.dtype !== "float32" || value.rank === 0)).toBe(true);
    expect(opsOf(model)["Transpose"]).toBe(2);
    expect(await ort.differences(graph, { x }, { rtol: 1e-4 })).toEqual([]);
  }
});
