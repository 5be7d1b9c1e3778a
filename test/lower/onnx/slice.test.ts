import { expect, it } from "vitest";
import { type TensorSpec, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [5, 7, 3], random(105));
const ints = (name: string, values: readonly number[]): TensorSpec => tensor(name, "int64", [values.length], values);
const far = 2 ** 53;

it.each<[number[], number[], number[], number[]]>([
  [[1], [4], [0], [1]],
  [
    [0, 2],
    [5, far],
    [0, 1],
    [1, 1],
  ],
  [[-3], [-1], [1], [1]],
  [
    [1, 0],
    [far, far],
    [1, 2],
    [2, 1],
  ],
  [[-1], [-far], [1], [-1]],
  [[5], [0], [1], [-2]],
  [[far], [-far], [-1], [-1]],
  [[-9], [3], [-2], [1]],
  [[3], [2], [0], [1]],
  [[-9], [-8], [0], [-1]],
  [
    [6, 4],
    [2, 0],
    [1, 0],
    [-3, -1],
  ],
])("Slice from [%s] to [%s] on axes [%s] by [%s]", async (starts, ends, axes, steps) => {
  const inputs = [x, ints("starts", starts), ints("ends", ends), ints("axes", axes), ints("steps", steps)];
  for (const [fed, open] of [
    [1, false],
    [1, true],
  ] as const)
    expect(await ort.differences({ op: "Slice", inputs, fed, open })).toEqual([]);
  const near = (values: number[]) => values.map((value) => Math.min(Math.max(value, -99), 99));
  const computed = [x, ints("starts", near(starts)), ints("ends", near(ends)), ints("axes", axes), ints("steps", steps)];
  // TF.js itself refuses an empty slice whose steps are computed.
  const feeds = steps[0]! > 0 && starts[0]! > ends[0]! && ends[0]! >= 0 ? [3] : [3, 5];
  for (const fed of feeds) expect(await ort.differences({ op: "Slice", inputs: computed, fed })).toEqual([]);
});

it("Slice by attributes", async () => {
  expect(
    await ort.differences({ op: "Slice", opset: 9, inputs: [x], attrs: { starts: [1, -2], ends: [4, far], axes: [0, 2] } }),
  ).toEqual([]);
  expect(await ort.differences({ op: "Slice", opset: 9, inputs: [x], attrs: { starts: [2], ends: [-1] } })).toEqual([]);
});

it("Split into equal, given and uneven parts", async () => {
  expect(await ort.differences({ op: "Split", opset: 11, inputs: [x], attrs: { axis: 2 }, outputs: 3, open: true })).toEqual([]);
  expect(
    await ort.differences({ op: "Split", opset: 11, inputs: [x], attrs: { axis: 1, split: [2, 4, 1] }, outputs: 3 }),
  ).toEqual([]);
  for (const fed of [1, 2])
    expect(
      await ort.differences({ op: "Split", inputs: [x, ints("split", [1, 4])], attrs: { axis: 0 }, outputs: 2, fed }),
    ).toEqual([]);
  expect(await ort.differences({ op: "Split", inputs: [x], attrs: { axis: -2, num_outputs: 3 }, outputs: 3 })).toEqual([]);
});

it("Concat of parts, one of them empty", async () => {
  const part = (name: string, rows: number, seed: number) => tensor(name, "float32", [2, rows, 3], random(6 * rows, seed));
  const inputs = [part("a", 3, 1), part("b", 1, 2), part("c", 5, 3)];
  for (const fed of [1, 2, 3]) expect(await ort.differences({ op: "Concat", inputs, attrs: { axis: 1 }, fed })).toEqual([]);
  expect(await ort.differences({ op: "Concat", inputs, attrs: { axis: -2 }, fed: 3, open: true })).toEqual([]);
  expect(await ort.differences({ op: "Concat", inputs: [part("a", 3, 1), part("b", 0, 2)], attrs: { axis: 1 }, fed: 2 })).toEqual(
    [],
  );
});

it.each(["int32", "int64", "bool"] as const)("Slice of %s by steps other than 1", async (dtype) => {
  const values = Array.from(random(105), (v) => (dtype === "bool" ? Number(v > 0) : Math.round(v * 9e8)));
  const whole = tensor("x", dtype, [5, 7, 3], values);
  const bounds = [ints("starts", [4, 1]), ints("ends", [0, 6]), ints("axes", [0, 1]), ints("steps", [-2, 3])];
  for (const open of [false, true]) expect(await ort.differences({ op: "Slice", inputs: [whole, ...bounds], open })).toEqual([]);
  expect(await ort.differences({ op: "Slice", inputs: [whole, ...bounds], fed: 5 })).toEqual([]);
});

it("Concat of nothing to nothing keeps count", async () => {
  const inputs = [tensor("x", "float32", [0, 2], []), tensor("z", "float32", [0, 4], [])];
  expect(await ort.differences({ op: "Concat", inputs, attrs: { axis: 1 }, fed: 2 })).toEqual([]);
});
