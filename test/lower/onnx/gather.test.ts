import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [5, 7, 3], random(105));
const indices = (shape: readonly number[], low: number, high: number, seed = 1): TensorSpec =>
  tensor("indices", "int64", shape, randomInts(elementCount(shape), low, high, seed));

it.each([
  [0, [2, 4]],
  [1, [3]],
  [-1, []],
  [1, [2, 1, 5]],
])("Gather on axis %i by indices of [%s]", async (axis, shape) => {
  const dim = [5, 7, 3].at(axis as number)!;
  for (const [fed, open] of [
    [1, false],
    [2, false],
    [2, true],
    [1, true],
  ] as const)
    expect(
      await ort.differences({
        op: "Gather",
        inputs: [x, indices(shape as number[], -dim, dim - 1)],
        attrs: { axis: axis as number },
        fed,
        open,
      }),
    ).toEqual([]);
});

it.each([
  [0, [4, 7, 3]],
  [1, [5, 2, 3]],
  [2, [3, 6, 5]],
  [-1, [1, 7, 2]],
])("GatherElements on axis %i by indices of [%s]", async (axis, shape) => {
  const dim = [5, 7, 3].at(axis as number)!;
  const inputs = [x, indices(shape as number[], -dim, dim - 1)];
  for (const [fed, open] of [
    [1, false],
    [2, false],
    [2, true],
  ] as const)
    expect(await ort.differences({ op: "GatherElements", inputs, attrs: { axis: axis as number }, fed, open })).toEqual([]);
});

it("GatherND, with shared leading axes too", async () => {
  for (const [fed, open] of [
    [1, false],
    [2, false],
    [2, true],
  ] as const) {
    expect(await ort.differences({ op: "GatherND", inputs: [x, indices([4, 2], -5, 4)], fed, open: false })).toEqual([]);
    expect(
      await ort.differences({
        op: "GatherND",
        inputs: [x, indices([5, 2, 1], -7, 6)],
        attrs: { batch_dims: 1 },
        fed,
        open: false,
      }),
    ).toEqual([]);
    expect(
      await ort.differences({
        op: "GatherND",
        inputs: [x, indices([5, 7, 4, 1], -3, 2)],
        attrs: { batch_dims: 2 },
        fed,
        open: false,
      }),
    ).toEqual([]);
    expect(open).toBe(open);
  }
});

it("Compress and NonZero", async () => {
  const some = tensor("some", "bool", [6], [0, 1, 1, 0, 1, 1]);
  for (const axis of [1, -2])
    for (const fed of [1, 2])
      expect(await ort.differences({ op: "Compress", inputs: [x, some], attrs: { axis }, fed })).toEqual([]);
  for (const fed of [1, 2]) expect(await ort.differences({ op: "Compress", inputs: [x, some], fed })).toEqual([]);
  const sparse = tensor("x", "float32", [3, 5, 2], randomInts(30, -1, 1));
  expect(await ort.differences({ op: "NonZero", inputs: [sparse] })).toEqual([]);
});

it("OneHot with indices from the end and out of range", async () => {
  const depth = tensor("depth", "int64", [], [5]);
  const values = tensor("values", "float32", [2], [-2, 3]);
  for (const axis of [-1, 0, 1])
    for (const fed of [1, 2, 3])
      expect(
        await ort.differences({ op: "OneHot", inputs: [indices([2, 3], -7, 7), depth, values], attrs: { axis }, fed }),
      ).toEqual([]);
});

it("ReverseSequence along either axis", async () => {
  const lengths = tensor("lengths", "int64", [5], [1, 7, 3, 2, 5]);
  expect(
    await ort.differences({ op: "ReverseSequence", inputs: [x, lengths], attrs: { batch_axis: 0, time_axis: 1 }, fed: 2 }),
  ).toEqual([]);
  const across = tensor("lengths", "int64", [7], [1, 5, 3, 2, 4, 0, 5]);
  expect(
    await ort.differences({ op: "ReverseSequence", inputs: [x, across], attrs: { batch_axis: 1, time_axis: 0 }, open: true }),
  ).toEqual([]);
});
