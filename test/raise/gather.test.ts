import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/base/dtype.ts";
import type { Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { random, randomInts } from "../build/random.ts";
import { graphOf } from "../optimize/run.ts";
import { AgainstOnnxruntime, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const floats = (dims: readonly number[], seed = 1): Tensor => tensorOf("float32", dims, random(elementCount(dims), seed));
const int32 = (dims: readonly number[], values: readonly number[]): Tensor => tensorOf("int32", dims, values);

/** The op over fed tensors, which are called x0, x1 … */
function differences(op: string, inputs: readonly Tensor[], attrs = {}, trial = {}): Promise<string[]> {
  const make = (b: Builder) =>
    b.ops(
      op,
      inputs.map(({ dtype, shape }, i) => b.input(`x${i}`, { dtype, shape })),
      attrs,
    );
  return ort.differences(graphOf(make), Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor])), trial);
}

const gathered = (x: Tensor, indices: Tensor, axis: number, batch: number, trial = {}) => {
  const make = (b: Builder) => {
    const [data, places] = [x, indices].map(({ dtype, shape }, i) => b.input(`x${i}`, { dtype, shape })) as [Value, Value];
    return b.op("GatherV2", [data, places, b.scalar("int32", axis)], { batch_dims: batch });
  };
  return ort.differences(graphOf(make), { x0: x, x1: indices }, trial);
};

describe("gathers", () => {
  it.each([0, 1, -1])("GatherV2 on axis %i", async (axis) => {
    expect(await gathered(floats([3, 4, 5]), int32([2, 3], [2, 0, 1, 1, 2, 0]), axis, 0)).toEqual([]);
  });

  it.each([1, 2])("GatherV2 of batches, axis %i", async (axis) => {
    const x = floats([2, 3, 5, 4]);
    const indices = int32([2, 3], [2, 0, 1, 1, 2, 0]);
    const data: number[] = [];
    const at = (n: number, i: number, j: number, c: number) => Number(x.data[((n * 3 + i) * 5 + j) * 4 + c]);
    const picks = Array.from(indices.data as Int32Array);
    for (let n = 0; n < 2; n++)
      for (let p = 0; p < 3; p++)
        for (let q = 0; q < (axis === 1 ? 5 : 3); q++)
          for (let c = 0; c < 4; c++) data.push(axis === 1 ? at(n, picks[n * 3 + p]!, q, c) : at(n, p, picks[n * 3 + q]!, c));
    const expected = [tensorOf("float32", axis === 1 ? [2, 3, 5, 4] : [2, 3, 3, 4], data)];
    expect(await gathered(x, indices, axis, 1, { expected })).toEqual([]);
  });

  it("GatherNd", async () => {
    expect(await differences("GatherNd", [floats([3, 4, 5]), int32([2, 2], [2, 3, 0, 1])])).toEqual([]);
  });

  it("OneHot turns nothing on for what is out of range", async () => {
    const make = (axis: number) => (b: Builder) =>
      b.op(
        "OneHot",
        [b.input("x", { dtype: "int32", shape: [2, 3] }), b.scalar("int32", 4), b.scalar("float32", 2), b.scalar("float32", -1)],
        { axis },
      );
    const x = int32([2, 3], [0, 3, -1, 4, 2, 1]);
    const hot = (places: readonly number[]) => places.flatMap((place) => [0, 1, 2, 3].map((k) => (k === place ? 2 : -1)));
    const last = [tensorOf("float32", [2, 3, 4], hot([0, 3, -1, 4, 2, 1]))];
    expect(await ort.differences(graphOf(make(-1)), { x }, { expected: last })).toEqual([]);
    const first = [0, 1, 2, 3].flatMap((k) => [0, 3, -1, 4, 2, 1].map((place) => (k === place ? 2 : -1)));
    expect(await ort.differences(graphOf(make(0)), { x }, { expected: [tensorOf("float32", [4, 2, 3], first)] })).toEqual([]);
  });

  it("Where, of floats and of bools", async () => {
    const x = tensorOf("float32", [2, 3], [0, 2, 0, -1, 0, 5]);
    const places = [0, 1, 1, 0, 1, 2];
    expect(await differences("Where", [x], {}, { expected: [tensorOf("int64", [3, 2], places)] })).toEqual([]);
    const bools = tensorOf("bool", [2, 3], [0, 1, 0, 1, 0, 1]);
    expect(await differences("Where", [bools], { out_type: "int32" }, { expected: [int32([3, 2], places)] })).toEqual([]);
  });

  it("Unique in the order of first places", async () => {
    const expected = [int32([4], [7, 2, 5, 1]), int32([6], [0, 1, 0, 2, 1, 3])];
    expect(await differences("Unique", [int32([6], [7, 2, 7, 5, 2, 1])], {}, { expected })).toEqual([]);
  });
});

describe("scatters", () => {
  const indices = int32([3, 1], [3, 0, 3]);

  it.each(["float32", "int32", "int8"] as const)("ScatterNd adds up %s", async (dtype: DType) => {
    const updates = tensorOf(dtype, [3, 2], randomInts(6, -9, 9));
    const make = (b: Builder) => {
      const [places, values] = [b.input("x0", { dtype: "int32", shape: [3, 1] }), b.input("x1", { dtype, shape: [3, 2] })];
      return b.op("ScatterNd", [places, values, b.ints([5, 2])]);
    };
    expect(await ort.differences(graphOf(make), { x0: indices, x1: updates })).toEqual([]);
  });

  it.each([
    ["TensorScatterUpdate", 17, (_: number, y: number) => y],
    ["TensorScatterAdd", 17, (x: number, y: number) => x + y],
    ["TensorScatterMul", 17, (x: number, y: number) => x * y],
    ["TensorScatterMin", 18, Math.min],
    ["TensorScatterMax", 18, Math.max],
  ] as const)("%s", async (op, opset, combine) => {
    const [x, updates] = [floats([5, 2]), floats([2, 2], 4)];
    const places = [3, 0];
    const data = Array.from(x.data as Float32Array);
    places.forEach((row, i) => {
      for (let c = 0; c < 2; c++) data[row * 2 + c] = combine(data[row * 2 + c]!, Number(updates.data[i * 2 + c]));
    });
    const expected = [tensorOf("float32", [5, 2], data)];
    expect(await differences(op, [x, int32([2, 1], places), updates], {}, { opset, expected })).toEqual([]);
  });

  it("what the opset lacks is refused with the way out", () => {
    const make = (b: Builder) =>
      b.op("TensorScatterMax", [
        b.input("x", { dtype: "float32", shape: [5] }),
        b.ints([1]),
        b.input("y", { dtype: "float32", shape: [1] }),
      ]);
    expect(raised(graphOf(make)).problems).toMatchObject([{ code: "unsupported", hint: "convert with --opset 18" }]);
  });
});

describe("boxes", () => {
  const boxes = tensorOf("float32", [4, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3, 0, 2.4, 1, 3.4]);
  const scores = tensorOf("float32", [4], [0.6, 0.9, 0.3, 0.8]);
  const operands = (b: Builder) => [
    b.input("boxes", { dtype: "float32", shape: ["n", 4] }),
    b.input("scores", { dtype: "float32", shape: ["n"] }),
    b.scalar("int32", 3),
    b.scalar("float32", 0.5),
    b.scalar("float32", 0.2),
  ];

  it("NonMaxSuppression, plain and padded", async () => {
    const plain = graphOf((b) => b.op("NonMaxSuppressionV3", operands(b)));
    expect(await ort.differences(plain, { boxes, scores }, { expected: [int32([3], [1, 3, 2])] })).toEqual([]);
    const strict = graphOf((b) =>
      b.ops("NonMaxSuppressionV4", [...operands(b).slice(0, 3), b.scalar("float32", 0.3), b.scalar("float32", 0.2)], {
        pad_to_max_output_size: true,
      }),
    );
    expect(await ort.differences(strict, { boxes, scores }, { expected: [int32([3], [1, 3, 0]), int32([], [2])] })).toEqual([]);
  });

  it("of several images and classes", async () => {
    const make = (b: Builder) =>
      b.op("SuppressEach", [
        b.input("boxes", { dtype: "float32", shape: ["b", "n", 4] }),
        b.input("scores", { dtype: "float32", shape: ["b", "c", "n"] }),
        ...operands(b).slice(2),
      ]);
    const feeds = {
      boxes: { ...boxes, shape: [1, 4, 4] },
      scores: tensorOf("float32", [1, 2, 4], [0.6, 0.9, 0.3, 0.8, 0.7, 0.1, 0.2, 0.25]),
    };
    const expected = [int32([5, 3], [0, 0, 1, 0, 0, 3, 0, 0, 2, 0, 1, 0, 0, 1, 3])];
    expect(await ort.differences(graphOf(make), feeds, { expected })).toEqual([]);
  });

  it("V5 gives scores; boxes that are only made less likely are refused", async () => {
    const make = (sigma: number) => (b: Builder) => b.ops("NonMaxSuppressionV5", [...operands(b), b.scalar("float32", sigma)]);
    const expected = [int32([3], [1, 3, 2]), tensorOf("float32", [3], [0.9, 0.8, 0.3]), int32([], [3])];
    expect(await ort.differences(graphOf(make(0)), { boxes, scores }, { expected })).toEqual([]);
    expect(raised(graphOf(make(0.5))).problems).toMatchObject([{ severity: "error" }]);
  });
});

describe("tables", () => {
  it.each<[DType, readonly (number | string)[]]>([
    ["string", ["a", "b", "c"]],
    ["int64", [7, -2, 40]],
  ])("LookUp by keys of %s", async (dtype, keys) => {
    const tensor = (values: readonly (number | string)[]): Tensor =>
      dtype === "string"
        ? { dtype, shape: [values.length], data: values as string[] }
        : tensorOf(dtype, [values.length], values as number[]);
    const make = (b: Builder) =>
      b.op("LookUp", [
        b.input("x", { dtype, shape: [4] }),
        b.constant(tensor(keys)),
        b.constant(tensorOf("int64", [3], [10, 20, 30])),
        b.scalar("int64", -1),
      ]);
    const x = tensor([keys[2]!, keys[0]!, dtype === "string" ? "z" : 8, keys[1]!]);
    expect(await ort.differences(graphOf(make), { x }, { expected: [tensorOf("int64", [4], [30, 10, -1, 20])] })).toEqual([]);
  });
});
