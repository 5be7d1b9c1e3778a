/** Types that onnxruntime does not compute with, and the same bits as another type. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import { decodeMiniFloat, encodeMiniFloat, type MiniFloatName, miniFloats } from "../../src/base/minifloat.ts";
import type { Value } from "../../src/graph/graph.ts";
import { numbersOf, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { random } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const result = async (x: Tensor, make: (b: Builder, x: Value) => Value, opset = 17): Promise<Tensor> =>
  (
    await ort.results(
      graphOf((b) => make(b, b.input("x", { dtype: x.dtype, shape: x.shape }))),
      { x },
      { opset },
    )
  )[0]!;

const spread = tensorOf(
  "float32",
  [3, 11],
  [...random(33, 4)].map((value, i) => value * 2 ** ((i % 20) - 9)),
);

it.each(["float8e4m3fn", "float8e5m2", "float8e4m3fnuz", "float8e5m2fnuz", "float4e2m1"] as const)(
  "a cast to %s rounds, in float32",
  async (dtype: MiniFloatName) => {
    const format = miniFloats[dtype];
    const found = await result(spread, (b, x) => b.reshape(b.cast(x, dtype), [11, 3]));
    expect(found).toMatchObject({ dtype: "float32", shape: [11, 3] });
    // A zero has no sign in some formats.
    const unsigned = (values: readonly number[]) => values.map((value) => value + 0);
    const expected = numbersOf(spread).map((value) => decodeMiniFloat(format, encodeMiniFloat(format, value, true)));
    expect(unsigned(numbersOf(found))).toEqual(unsigned(expected));
  },
);

it.each([
  ["int4", "int8", [-8, 7, -3, 5, -8, 1, 7]],
  ["uint4", "uint8", [8, 7, 13, 5, 8, 1, 7]],
  ["int2", "int8", [0, -1, 1, 1, 0, 1, -1]],
] as const)("a cast to %s wraps, in %s", async (dtype, held, expected) => {
  const x = tensorOf("float32", [7], [-8, 7, -3, 5.5, 24, -15, 23]);
  expect(await result(x, (b, value) => b.cast(value, dtype))).toEqual(tensorOf(held, [7], expected));
});

it("quantisation to 4 bits saturates, and what is read again is that", async () => {
  const x = tensorOf("float32", [2, 3], [0.25, -0.75, 1.26, -9, 9, 0.74]);
  const found = await result(x, (b, value) => {
    const [scale, zero] = [b.scalar("float32", 0.5), b.scalar("int4", 1)];
    return b.op("Dequantize", [b.op("Quantize", [value, scale, zero], { dtype: "int4" }), scale, zero]);
  });
  expect(found).toEqual(tensorOf("float32", [2, 3], [0, -1, 1.5, -4.5, 3, 0.5]));
});

it("arithmetic in such a type is refused", () => {
  const graph = graphOf((b) => {
    const x = b.input("x", { dtype: "int4", shape: [3] });
    return b.op("AddV2", [x, x]);
  });
  expect(raised(graph).problems).toMatchObject([{ code: "unsupported", op: "AddV2", reason: "AddV2 of int4" }]);
});

const bytes = tensorOf("uint8", [2, 8], [1, 2, 3, 4, 250, 128, 73, 192, 0, 255, 9, 200, 17, 34, 96, 63]);
const view = (Kind: Float64ArrayConstructor | BigInt64ArrayConstructor | Int32ArrayConstructor | Uint16ArrayConstructor) =>
  new Kind(Uint8Array.from(numbersOf(bytes)).buffer);

it.each([
  ["int8", [2, 8], Int8Array.from(numbersOf(bytes))],
  ["uint16", [2, 4], view(Uint16Array)],
  ["int32", [2, 2], view(Int32Array)],
  ["int64", [2], view(BigInt64Array)],
] as const)("the bits of bytes as %s", async (dtype: DType, shape, data) => {
  const parts = shape.length === 1 ? bytes.shape : [2, shape[1], 8 / shape[1]!];
  const found = await result(bytes, (b, x) =>
    b.op("Bitcast", [dtype === "int8" ? x : b.reshape(x, parts as readonly number[])], { DstT: dtype }),
  );
  expect(found).toEqual({ dtype, shape, data });
});

it("the bits of int64 as bytes", async () => {
  const x: Tensor = { dtype: "int64", shape: [2], data: view(BigInt64Array) as BigInt64Array };
  expect(await result(x, (b, value) => b.op("Bitcast", [value], { DstT: "uint8" }))).toEqual(bytes);
});

it("the bits of floats, from the opset that has them", async () => {
  const graph = graphOf((b) => b.op("Bitcast", [b.input("x", { dtype: "float32", shape: [3] })], { DstT: "int32" }));
  expect(raised(graph, { opset: 25 }).problems).toMatchObject([{ code: "unsupported", hint: "convert with --opset 26" }]);
  const x = tensorOf("float32", [3], [1, -2.5, 0.1]);
  const expected = tensorOf("int32", [3], [0x3f800000, -1071644672, 0x3dcccccd]);
  expect(await result(x, (b, value) => b.op("Bitcast", [value], { DstT: "int32" }), 26)).toEqual(expected);
  const doubles = tensorOf("float64", [2], numbersOf({ dtype: "float64", shape: [2], data: view(Float64Array) as Float64Array }));
  expect(await result(doubles, (b, value) => b.op("Bitcast", [value], { DstT: "uint8" }), 26)).toEqual(bytes);
});
