import { afterAll, beforeAll, expect, test } from "vitest";
import { constant, type ModelSpec, operator, value } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { InTfjs } from "./in-tfjs.ts";
import { floats, ints, result, scalar, vector } from "./values.ts";

let against: AgainstLiteRt;
let tfjs: InTfjs;
beforeAll(async () => {
  [against, tfjs] = await Promise.all([AgainstLiteRt.start(), InTfjs.start()]);
});
afterAll(() => Promise.all([against.close(), tfjs.close()]));

const segment = (op: string): [string, Trial] => [
  op,
  { op, fed: [floats([5, 3])], inputs: [0, vector("i", [2, 0, 2, 1, 0]), scalar("n", 4)], results: [result("float32", [4, 3])] },
];

test.each<[string, Trial]>([
  ["MATRIX_DIAG", { op: "MATRIX_DIAG", fed: [floats([2, 5])], results: [result("float32", [2, 5, 5])] }],
  [
    "MATRIX_SET_DIAG",
    { op: "MATRIX_SET_DIAG", fed: [floats([2, 5, 3]), floats([2, 3], 2)], results: [result("float32", [2, 5, 3])] },
  ],
  segment("UNSORTED_SEGMENT_SUM"),
  segment("UNSORTED_SEGMENT_PROD"),
  segment("UNSORTED_SEGMENT_MAX"),
  segment("UNSORTED_SEGMENT_MIN"),
  [
    "SPARSE_TO_DENSE",
    {
      op: "SPARSE_TO_DENSE",
      fed: [floats([3])],
      inputs: [constant("i", "int32", [3, 2], [0, 1, 2, 0, 3, 4]), vector("s", [4, 5]), 0, scalar("d", -1.5, "float32")],
      results: [result("float32", [4, 5])],
    },
  ],
  [
    "BUCKETIZE",
    {
      op: "BUCKETIZE",
      table: "BucketizeOptions",
      options: { boundaries: [-1, 0.25, 1.5] },
      fed: [floats([3, 7])],
      results: [result("int32", [3, 7])],
    },
  ],
  [
    "ONE axis of many: CUMSUM of integers",
    {
      op: "CUMSUM",
      table: "CumsumOptions",
      options: {},
      fed: [ints([3, 5], -9, 9)],
      inputs: [0, scalar("a", 1)],
      results: [result("int32", [3, 5])],
    },
  ],
  [
    "FAKE_QUANT",
    {
      op: "FAKE_QUANT",
      table: "FakeQuantOptions",
      options: { min: -1.3, max: 1.9, num_bits: 8, narrow_range: false },
      fed: [floats([3, 7])],
      results: [result("float32", [3, 7])],
      atol: 0.0127,
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});

const one = (
  op: string,
  spec: Partial<ModelSpec> & Pick<ModelSpec, "tensors">,
  inputs: string[],
  outputs: string[],
): ModelSpec => ({
  inputs: ["x"],
  outputs,
  operators: [operator(op, inputs, outputs)],
  ...spec,
});

test("SEGMENT_SUM", async () => {
  const x = floats([5, 3]);
  const spec = one(
    "SEGMENT_SUM",
    { tensors: [value("x", "float32", [5, 3]), vector("i", [0, 0, 2, 2, 2]), value("y", "float32", [3, 3])] },
    ["x", "i"],
    ["y"],
  );
  const sums = [0, 1, 2].flatMap((group) =>
    [0, 1, 2].map((c) => [0, 0, 2, 2, 2].reduce((sum, each, row) => (each === group ? sum + x.data[3 * row + c]! : sum), 0)),
  );
  const found = (await tfjs.run(spec, { x }))["y"]!.data;
  for (const [i, number] of found.entries()) expect(Math.abs(number - sums[i]!)).toBeLessThan(1e-5);
  expect(found).toHaveLength(9);
});

test("UNIQUE and WHERE, of as many results as there are", async () => {
  const x = { dtype: "int32" as const, shape: [7], data: [4, 2, 4, -1, 2, 9, 4] };
  const unique = one(
    "UNIQUE",
    { tensors: [value("x", "int32", [7]), value("y", "int32", [4]), value("places", "int32", [7])] },
    ["x"],
    ["y", "places"],
  );
  const found = await tfjs.run(unique, { x });
  expect(found["y"]!.data).toEqual([4, 2, -1, 9]);
  expect(found["places"]!.data).toEqual([0, 1, 0, 2, 1, 3, 0]);
  const where = one("WHERE", { tensors: [value("x", "bool", [2, 3]), value("y", "int64", [3, 2])] }, ["x"], ["y"]);
  const places = await tfjs.run(where, { x: { dtype: "bool", shape: [2, 3], data: [0, 1, 0, 1, 0, 1] } });
  expect(places["y"]).toEqual({ shape: [3, 2], data: [0, 1, 1, 0, 1, 2] });
});

test("BITCAST: the same bits", async () => {
  const x = floats([5]);
  const spec = one("BITCAST", { tensors: [value("x", "float32", [5]), value("y", "int32", [5])] }, ["x"], ["y"]);
  expect((await tfjs.run(spec, { x }))["y"]!.data).toEqual(Array.from(new Int32Array(Float32Array.from(x.data).buffer)));
});

test("RFFT2D, its parts and its size", async () => {
  const [rows, columns] = [3, 4];
  const x = floats([rows, columns]);
  const kept = columns / 2 + 1;
  const found = await tfjs.run(
    {
      tensors: [
        value("x", "float32", [rows, columns]),
        vector("n", [rows, columns]),
        value("f", "complex64", [rows, kept]),
        value("re", "float32", [rows, kept]),
        value("im", "float32", [rows, kept]),
        value("size", "float32", [rows, kept]),
      ],
      inputs: ["x"],
      outputs: ["re", "im", "size"],
      operators: [
        operator("RFFT2D", ["x", "n"], ["f"]),
        operator("REAL", ["f"], ["re"]),
        operator("IMAG", ["f"], ["im"]),
        operator("COMPLEX_ABS", ["f"], ["size"]),
      ],
    },
    { x },
  );
  for (let u = 0; u < rows; u++)
    for (let v = 0; v < kept; v++) {
      let [re, im] = [0, 0];
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          const angle = -2 * Math.PI * ((u * r) / rows + (v * c) / columns);
          re += x.data[r * columns + c]! * Math.cos(angle);
          im += x.data[r * columns + c]! * Math.sin(angle);
        }
      const at = u * kept + v;
      expect(Math.abs(found["re"]!.data[at]! - re)).toBeLessThan(1e-4);
      expect(Math.abs(found["im"]!.data[at]! - im)).toBeLessThan(1e-4);
      expect(Math.abs(found["size"]!.data[at]! - Math.hypot(re, im))).toBeLessThan(1e-4);
    }
});

test.each(["RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL"])("%s: as many numbers as asked for, no two alike", async (op) => {
  const spec = one(op, { tensors: [value("x", "int32", [2]), value("y", "float32", [7, 11])] }, ["x"], ["y"]);
  const { shape, data } = (await tfjs.run(spec, { x: { dtype: "int32", shape: [2], data: [7, 11] } }))["y"]!;
  expect(shape).toEqual([7, 11]);
  expect(new Set(data).size).toBeGreaterThan(70);
});

test("MULTINOMIAL draws only what has a chance", async () => {
  const spec = one(
    "MULTINOMIAL",
    { tensors: [value("x", "float32", [2, 3]), scalar("n", 20), value("y", "int64", [2, 20])] },
    ["x", "n"],
    ["y"],
  );
  const x = { dtype: "float32" as const, shape: [2, 3], data: [-90, 0, -90, 0, -90, 0] };
  const { data } = (await tfjs.run(spec, { x }))["y"]!;
  expect(data.slice(0, 20)).toEqual(new Array(20).fill(1));
  expect(new Set(data.slice(20))).toEqual(new Set([0, 2]));
});
