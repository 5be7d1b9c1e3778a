import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("data", "float32", [5, 7, 3], random(105));
const updates = (shape: readonly number[], seed = 7): TensorSpec =>
  tensor("updates", "float32", shape, random(elementCount(shape), seed));
const places = (shape: readonly number[], values: ArrayLike<number>): TensorSpec => tensor("indices", "int64", shape, values);

it("ScatterElements replaces, each place once", async () => {
  const shape = [5, 2, 3];
  const indices = places(
    shape,
    Array.from({ length: 30 }, (_, i) => [-7, 3, 1, -2, 5, 6][(i * 5) % 6]! % 7),
  );
  const distinct = places([5, 1, 3], randomInts(15, -7, 6));
  for (const fed of [1, 2, 3])
    expect(
      await ort.differences({ op: "ScatterElements", inputs: [x, distinct, updates([5, 1, 3])], attrs: { axis: 1 }, fed }),
    ).toEqual([]);
  for (const reduction of ["add", "mul", "max", "min"])
    expect(
      await ort.differences({
        op: "ScatterElements",
        inputs: [x, indices, updates(shape)],
        attrs: { axis: 1, reduction },
        fed: 3,
      }),
    ).toEqual([]);
});

it("ScatterND replaces and combines", async () => {
  const rows = places([3, 1], [4, -5, 2]);
  for (const fed of [1, 3])
    expect(await ort.differences({ op: "ScatterND", inputs: [x, rows, updates([3, 7, 3])], fed })).toEqual([]);
  const repeated = places([4, 2], [1, 2, -4, 2, 0, 6, 1, 2]);
  for (const reduction of ["add", "mul", "max", "min"])
    expect(
      await ort.differences({ op: "ScatterND", inputs: [x, repeated, updates([4, 3])], attrs: { reduction }, fed: 3 }),
    ).toEqual([]);
});

it("leaves the data as it was, run after run", async () => {
  const stored = { op: "ScatterND", inputs: [places([2, 1], [1, 3]), updates([2, 7, 3])] };
  const inputs = [x, ...stored.inputs];
  expect(await ort.differences({ op: "ScatterND", inputs, fed: 3, outputs: 1 })).toEqual([]);
  expect(await ort.differences({ op: "ScatterND", inputs, fed: 3, outputs: 1 })).toEqual([]);
});
