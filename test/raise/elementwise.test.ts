import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import type { Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { random, randomInts } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const shape = [2, 3, 7];
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const floats = (seed: number, dims: readonly number[] = shape, dtype: DType = "float32", ends: readonly number[] = []): Tensor =>
  tensorOf(
    dtype,
    dims,
    random(elementCount(dims), seed).map((x, i) => ends[i] ?? x),
  );
const whole = (dtype: DType, low: number, high: number, seed: number, dims: readonly number[] = shape): Tensor =>
  tensorOf(dtype, dims, randomInts(elementCount(dims), low, high, seed));

/** One op over fed tensors. */
function differences(op: string, inputs: readonly Tensor[], attrs = {}, trial = {}): Promise<string[]> {
  const feeds = Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor]));
  const make = (b: Builder): readonly Value[] =>
    b.ops(
      op,
      inputs.map(({ dtype, shape: dims }, i) => b.input(`x${i}`, { dtype, shape: dims })),
      attrs,
    );
  return ort.differences(graphOf(make), feeds, trial);
}

describe("of one operand", () => {
  it.each(
    "Abs Neg Sign Square Exp Expm1 Sin Cos Tan Atan Sinh Cosh Tanh Asinh Erf Ceil Floor Round Sigmoid Relu Relu6 Elu Selu Softplus OnesLike ZerosLike LeakyRelu".split(
      " ",
    ),
  )("%s", async (op) => {
    expect(await differences(op, [floats(3, shape, "float32", [0, -0.5, 0.5, 1.5, 2.5, -2.5, 9, 1e-6, -1e-6])])).toEqual([]);
  });

  it.each(["Log", "Log1p", "Sqrt", "Rsqrt", "Reciprocal", "Acosh"])("%s of what is positive", async (op) => {
    const x = floats(5, shape, "float32", [1, 2, 1e6, 1 + 1e-6]);
    const positive = x.data.map(((value: number) => Math.abs(value) + (op === "Acosh" ? 1 : 0.01)) as never) as Float32Array;
    expect(await differences(op, [{ ...x, data: positive }])).toEqual([]);
  });

  it.each(["Asin", "Acos", "Atanh"])("%s within the unit", async (op) => {
    const x = tensorOf(
      "float32",
      shape,
      random(42, 9).map((value) => value / 2.4),
    );
    expect(await differences(op, [x])).toEqual([]);
  });

  it("Expm1 and Log1p keep what is near 0, and the ends", async () => {
    const x = tensorOf("float32", [7], [1e-7, -1e-7, 3e-5, inf, 0, -1, -0.5]);
    expect(await differences("Log1p", [x])).toEqual([]);
    expect(await differences("Expm1", [tensorOf("float32", [6], [1e-7, -1e-7, 3e-5, inf, -inf, 0])])).toEqual([]);
  });

  it.each(["IsNan", "IsInf", "IsFinite"])("%s", async (op) => {
    expect(await differences(op, [tensorOf("float32", [5], [nan, inf, -inf, 0, 3])])).toEqual([]);
    expect(await differences(op, [tensorOf("float16", [5], [nan, inf, -inf, 0, 3])])).toEqual([]);
  });

  it("the sign of NaN is NaN", async () => {
    expect(await differences("Sign", [tensorOf("float32", [6], [nan, -2, 0, 5, inf, -inf])])).toEqual([]);
  });

  it.each<[string, DType]>([
    ["Abs", "int8"],
    ["Neg", "int64"],
    ["Sign", "int32"],
    ["Square", "int64"],
    ["Relu", "int32"],
    ["Invert", "int32"],
    ["Invert", "uint8"],
  ])("%s of %s", async (op, dtype) => {
    expect(await differences(op, [whole(dtype, dtype === "uint8" ? 0 : -7, 7, 4)])).toEqual([]);
  });

  it.each<[DType, DType]>([
    ["float32", "int32"],
    ["float32", "bool"],
    ["int32", "float16"],
    ["int64", "int8"],
    ["bool", "float32"],
    ["uint8", "int64"],
  ])("Cast of %s to %s", async (from, to) => {
    const x = from === "float32" ? floats(8, shape, from, [0, -1.9, 1.9]) : whole(from, 0, from === "bool" ? 1 : 100, 6);
    expect(await differences("Cast", [x], { DstT: to })).toEqual([]);
  });

  it("floats as text are onnxruntime's own", async () => {
    const graph = graphOf((b) => b.op("Cast", [b.input("x", { dtype: "float32", shape: [3] })], { DstT: "string" }));
    const expected: Tensor = { dtype: "string", shape: [3], data: ["0.5", "-3", "1e+20"] };
    expect(await ort.differences(graph, { x: tensorOf("float32", [3], [0.5, -3, 1e20]) }, { expected: [expected] })).toEqual([]);
  });
});

describe("of two operands that broadcast", () => {
  it.each(
    "AddV2 Sub Mul RealDiv TruncateDiv FloorDiv FloorMod TruncateMod DivNoNan Maximum Minimum SquaredDifference Atan2 Equal NotEqual Less LessEqual Greater GreaterEqual".split(
      " ",
    ),
  )("%s of floats", async (op) => {
    const x = floats(11, [2, 1, 7], "float32", [0, 0.25, -0.25, -3.5]);
    const y = floats(12, [3, 1], "float32", op === "DivNoNan" || op === "Atan2" ? [0, 0.25] : [0.25, -0.25]);
    expect(await differences(op, [x, y])).toEqual([]);
  });

  it.each(["int32", "int64", "int8", "uint8"] as const)("division of %s goes to where TensorFlow rounds", async (dtype) => {
    const least = dtype === "uint8" ? 0 : -50;
    const x = whole(dtype, least, 50, 13);
    const y = tensorOf(dtype, [7], dtype === "uint8" ? [1, 2, 3, 5, 7, 11, 13] : [-3, 2, -1, 5, -7, 11, 4]);
    for (const op of ["TruncateDiv", "FloorDiv", "FloorMod", "TruncateMod"])
      expect(await differences(op, [x, y]), op).toEqual([]);
  });

  it("FloorDiv at the end of the range", async () => {
    const [x, y] = [tensorOf("int32", [3], [-(2 ** 31), 2 ** 31 - 1, -(2 ** 31)]), tensorOf("int32", [3], [3, -2, 7])];
    expect(await differences("FloorDiv", [x, y])).toEqual([]);
  });

  it("Pow", async () => {
    const base = floats(14).data.map(((value: number) => Math.abs(value) + 0.1) as never) as Float32Array;
    expect(await differences("Pow", [{ ...floats(14), data: base }, floats(15, [7])])).toEqual([]);
    expect(await differences("Pow", [whole("int32", -4, 4, 16), whole("int32", 0, 5, 17, [3, 1])])).toEqual([]);
  });

  it("Atan2 round the circle, zeroes and infinities included", async () => {
    const y = tensorOf("float32", [10], [1, 1, -1, -1, 0, 0, -0, inf, -inf, inf]);
    const x = tensorOf("float32", [10], [1, -1, 1, -1, 0, -2, -2, inf, -inf, -3]);
    expect(await differences("Atan2", [y, x])).toEqual([]);
  });

  it.each([17, 18])("bits of integers, opset %i", async (opset) => {
    for (const op of ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]) {
      for (const dtype of ["int32", "int8"] as const)
        expect(await differences(op, [whole(dtype, -99, 99, 18), whole(dtype, -99, 99, 19, [3, 1])], {}, { opset })).toEqual([]);
      expect(await differences(op, [whole("uint8", 0, 255, 18), whole("uint8", 0, 255, 19, [7])], {}, { opset })).toEqual([]);
    }
  });

  it("bits of 64-bit integers without operators for them", async () => {
    const wide = (values: readonly bigint[]): Tensor => ({
      dtype: "int64",
      shape: [values.length],
      data: BigInt64Array.from(values),
    });
    const x = wide([-1n, 0x7fffffff_00000001n, -0x12345678_9abcdef0n, 5n]);
    const y = wide([0x0f0f0f0f_f0f0f0f0n, -2n, 0x00ff00ff_00ff00ffn, -6n]);
    for (const op of ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]) expect(await differences(op, [x, y]), op).toEqual([]);
  });

  it.each(["LeftShift", "RightShift"])("%s", async (op) => {
    expect(await differences(op, [whole("int32", -999, 999, 20), whole("int32", 0, 9, 21, [7])])).toEqual([]);
  });

  it("logic and comparison of bools", async () => {
    const [x, y] = [whole("bool", 0, 1, 22), whole("bool", 0, 1, 23, [3, 1])];
    for (const op of ["LogicalAnd", "LogicalOr", "Equal", "NotEqual"]) expect(await differences(op, [x, y]), op).toEqual([]);
    expect(await differences("LogicalNot", [x])).toEqual([]);
  });

  it.each(["float32", "int64", "bool", "uint8", "int8"] as const)("SelectV2 of %s", async (dtype) => {
    const side = (seed: number, dims: readonly number[]) => whole(dtype, 0, dtype === "bool" ? 1 : 90, seed, dims);
    expect(await differences("SelectV2", [whole("bool", 0, 1, 24, [3, 1]), side(25, shape), side(26, [7])])).toEqual([]);
  });
});

it("Prelu and ClipByValue, bounds that are computed too", async () => {
  expect(await differences("Prelu", [floats(30), floats(31, [7])])).toEqual([]);
  const graph = graphOf((b) => {
    const x = b.input("x", { dtype: "float32", shape });
    const low = b.input("low", { dtype: "float32", shape: [] });
    const constant = b.op("ClipByValue", [x, b.scalar("float32", -0.5), b.scalar("float32", inf)]);
    return [constant, b.op("ClipByValue", [x, low, b.scalar("float32", 1)])];
  });
  expect(await ort.differences(graph, { x: floats(32), low: tensorOf("float32", [], [-0.2]) })).toEqual([]);
});

it("what onnxruntime has no kernel for is computed in a wider type", async () => {
  expect(await differences("AddV2", [whole("int8", -60, 60, 33), whole("int8", -60, 60, 34, [7])])).toEqual([]);
  expect(await differences("Maximum", [whole("int16", -60, 60, 35), whole("int16", -60, 60, 36, [7])])).toEqual([]);
  expect(await differences("Mul", [floats(37, shape, "float16"), floats(38, [7], "float16")], {}, { rtol: 1e-3 })).toEqual([]);
});

describe("numbers past 31 bits, of which onnxruntime compares the lower halves", () => {
  const [x, y] = [
    [2 ** 53, 7, 3e9, -5, 2 ** 32 - 1, 1, -(2 ** 53), 2 ** 35, 5],
    [5, 2 ** 32 - 6, 4, 3e9 + 1, 13, 2 ** 52, 3, 8, -6],
  ];
  const pair = (dtype: DType) =>
    [x, y].map((values) =>
      tensorOf(
        dtype,
        [9],
        values.map((value) => (dtype === "int64" ? value : Math.abs(value) % 2 ** 32)),
      ),
    );

  it.each(["int64", "uint32"] as const)("the greater and the lesser, %s", async (dtype) => {
    for (const op of ["Maximum", "Minimum"]) expect(await differences(op, pair(dtype)), op).toEqual([]);
    expect(await differences("Relu", pair(dtype).slice(0, 1))).toEqual([]);
  });

  it.each(["int64", "uint32"] as const)("within bounds, the greatest and the least, %s", async (dtype) => {
    const [fed] = pair(dtype);
    const graph = graphOf((b) => {
      const value = b.input("x", { dtype, shape: [9] });
      const bounds = [b.scalar(dtype, 6), b.scalar(dtype, 2 ** 31 + 5)];
      const clipped = b.op("ClipByValue", [value, ...bounds]);
      return [clipped, b.reduce("Max", value, [0], false), b.reduce("Min", value, [0], false)];
    });
    const numbers = Array.from(fed!.data, Number);
    const expected = [
      tensorOf(
        dtype,
        [9],
        numbers.map((value) => Math.min(Math.max(value, 6), 2 ** 31 + 5)),
      ),
      tensorOf(dtype, [], [Math.max(...numbers)]),
      tensorOf(dtype, [], [Math.min(...numbers)]),
    ];
    expect(await ort.differences(graph, { x: fed! }, { expected })).toEqual([]);
  });

  it("a shift by all bits and more leaves the sign, and one by fewer than none nothing at all", async () => {
    const graph = graphOf((b) =>
      b.op("RightShift", [b.input("x", { dtype: "int32", shape: [4] }), b.input("y", { dtype: "int32", shape: [4] })]),
    );
    const feeds = { x: tensorOf("int32", [4], [-9, 9, -9, 9]), y: tensorOf("int32", [4], [32, 99, 1, -3]) };
    expect(await ort.differences(graph, feeds, { expected: [tensorOf("int32", [4], [-1, 0, -5, 9])] })).toEqual([]);
  });
});
