import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import type { Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { random, randomInts } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, opsOf, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const shape = [2, 3, 7];
const floats = (dims: readonly number[] = shape, seed = 1): Tensor => tensorOf("float32", dims, random(elementCount(dims), seed));
const whole = (dtype: DType, low: number, high: number): Tensor => tensorOf(dtype, shape, randomInts(42, low, high, 3));

const differences = (x: Tensor, make: (b: Builder, x: Value) => Value | readonly Value[], trial = {}): Promise<string[]> =>
  ort.differences(
    graphOf((b) => make(b, b.input("x", { dtype: x.dtype, shape: x.shape }))),
    { x },
    trial,
  );

describe("reductions", () => {
  it.each([13, 18])("of floats, opset %i", async (opset) => {
    for (const op of ["Sum", "Mean", "Prod", "Max", "Min"])
      for (const keep of [false, true])
        expect(await differences(floats(), (b, x) => b.reduce(op, x, [0, -1], keep), { opset }), `${op} ${keep}`).toEqual([]);
  });

  it.each(["int32", "int64", "int8", "uint8"] as const)("of %s", async (dtype) => {
    const x = whole(dtype, dtype === "uint8" ? 0 : -3, 3);
    for (const op of ["Sum", "Max", "Min"]) expect(await differences(x, (b, v) => b.reduce(op, v, [1], false)), op).toEqual([]);
  });

  it("the mean of integers is cut off", async () => {
    expect(await differences(whole("int32", -9, 9), (b, x) => b.reduce("Mean", x, [2], false))).toEqual([]);
  });

  it("of bools", async () => {
    for (const op of ["All", "Any"])
      expect(await differences(whole("bool", 0, 1), (b, x) => b.reduce(op, x, [0], false)), op).toEqual([]);
  });

  it("over no axes nothing happens, over no elements what TensorFlow gives", async () => {
    expect(await differences(floats(), (b, x) => b.reduce("Sum", x, [], false))).toEqual([]);
    const nothing = tensorOf("float32", [0, 3], []);
    const all = (b: Builder, x: Value) => ["Sum", "Mean", "Prod", "Max", "Min"].map((op) => b.reduce(op, x, [0], false));
    expect(await differences(nothing, all)).toEqual([]);
  });

  it("over axes that are computed, from the opset that has them", async () => {
    const make = (b: Builder) => [
      b.op("Max", [b.input("x", { dtype: "float32", shape }), b.input("axes", { dtype: "int32", shape: [2] })]),
    ];
    const feeds = { x: floats(), axes: tensorOf("int32", [2], [0, 2]) };
    const expected = [
      tensorOf(
        "float32",
        [3],
        [0, 1, 2].map((j) =>
          Math.max(
            ...[0, 1].flatMap((i) => Array.from((floats().data as Float32Array).subarray((i * 3 + j) * 7, (i * 3 + j + 1) * 7))),
          ),
        ),
      ),
    ];
    expect(await ort.differences(graphOf(make), feeds, { opset: 18, expected })).toEqual([]);
    expect(raised(graphOf(make), { opset: 17 }).problems).toMatchObject([{ severity: "error", hint: "convert with --opset 18" }]);
  });
});

describe("places and orders", () => {
  it.each(["ArgMax", "ArgMin"])("%s takes the first of equals", async (op) => {
    const x = tensorOf("float32", [2, 5], [1, 4, 4, -2, -2, 3, 3, 3, 3, 3]);
    const places = op === "ArgMax" ? [1, 0] : [3, 0];
    const make = (b: Builder, v: Value) => [
      b.op(op, [v, b.scalar("int32", -1)]),
      b.op(op, [v, b.scalar("int32", 1)], { output_type: "int32" }),
    ];
    const expected = [tensorOf("int64", [2], places), tensorOf("int32", [2], places)];
    expect(await differences(x, make, { expected })).toEqual([]);
  });

  it("TopKV2, by a number that is computed too", async () => {
    const x = tensorOf("float32", [2, 5], [1, 4, 4, -2, 7, 3, 3, 9, 3, -3]);
    const make = (b: Builder) =>
      b.ops("TopKV2", [b.input("x", { dtype: "float32", shape: [2, 5] }), b.input("k", { dtype: "int32", shape: [] })], {
        sorted: true,
      });
    const expected = [tensorOf("float32", [2, 3], [7, 4, 4, 9, 3, 3]), tensorOf("int32", [2, 3], [4, 1, 2, 2, 0, 1])];
    expect(await ort.differences(graphOf(make), { x, k: tensorOf("int32", [], [3]) }, { expected })).toEqual([]);
  });

  it("Cumsum and Cumprod in all directions", async () => {
    for (const op of ["Cumsum", "Cumprod"])
      for (const exclusive of [false, true])
        for (const reverse of [false, true])
          expect(
            await differences(floats(), (b, x) => b.op(op, [x, b.scalar("int32", 2)], { exclusive, reverse })),
            `${op} ${exclusive} ${reverse}`,
          ).toEqual([]);
  });

  it("Softmax and LogSoftmax", async () => {
    for (const op of ["Softmax", "LogSoftmax"]) expect(await differences(floats(), (b, x) => b.op(op, [x])), op).toEqual([]);
  });
});

describe("products", () => {
  const pair = (a: readonly number[], c: readonly number[], op: string, attrs = {}, dtype: DType = "float32") => {
    const make = (b: Builder) => b.op(op, [b.input("x", { dtype, shape: a }), b.input("y", { dtype, shape: c })], attrs);
    const tensor = (dims: readonly number[], seed: number) =>
      dtype === "float32" ? floats(dims, seed) : tensorOf(dtype, dims, randomInts(elementCount(dims), -9, 9, seed));
    return ort.differences(graphOf(make), { x: tensor(a, 3), y: tensor(c, 4) });
  };

  it("MatMul, each way round", async () => {
    expect(await pair([3, 5], [5, 7], "MatMul")).toEqual([]);
    expect(await pair([5, 3], [7, 5], "MatMul", { transpose_a: true, transpose_b: true })).toEqual([]);
    expect(await pair([5, 3], [7, 5], "MatMul", { transpose_a: true, transpose_b: true }, "int32")).toEqual([]);
  });

  it("BatchMatMulV2 over batches that broadcast", async () => {
    expect(await pair([2, 1, 3, 5], [7, 5, 4], "BatchMatMulV2")).toEqual([]);
    expect(await pair([2, 1, 5, 3], [7, 4, 5], "BatchMatMulV2", { adj_x: true, adj_y: true })).toEqual([]);
  });

  it("Einsum", async () => {
    expect(await pair([2, 3, 5], [5, 7], "Einsum", { equation: "abj,jk->kab" })).toEqual([]);
  });

  it("a bias makes a product a Gemm", async () => {
    const graph = graphOf((b) => {
      const w = b.constant(floats([5, 7], 8));
      const y = b.op("MatMul", [b.input("x", { dtype: "float32", shape: ["n", 5] }), w]);
      return b.op("AddV2", [y, b.constant(floats([7], 9))]);
    });
    expect(opsOf(raised(graph).model)).toEqual({ Gemm: 1 });
    expect(await ort.differences(graph, { x: floats([3, 5], 6) })).toEqual([]);
  });

  it("MatrixDeterminant and MatrixInverse", async () => {
    const x = tensorOf("float32", [2, 2, 2], [2, 1, 1, 3, -1, 4, 2, 5]);
    const expected = [
      tensorOf("float32", [2], [5, -13]),
      tensorOf("float32", [2, 2, 2], [0.6, -0.2, -0.2, 0.4, -5 / 13, 4 / 13, 2 / 13, 1 / 13]),
    ];
    expect(await differences(x, (b, v) => [b.op("MatrixDeterminant", [v]), b.op("MatrixInverse", [v])], { expected })).toEqual(
      [],
    );
  });
});
