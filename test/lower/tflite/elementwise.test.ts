import { afterAll, beforeAll, expect, test } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { random } from "../../build/random.ts";
import { constant, operator, type TensorSpec, value } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { InTfjs } from "./in-tfjs.ts";
import { bools, coded, codes, floats, ints, result } from "./values.ts";

let against: AgainstLiteRt;
let tfjs: InTfjs;
beforeAll(async () => {
  [against, tfjs] = await Promise.all([AgainstLiteRt.start(), InTfjs.start()]);
});
afterAll(() => Promise.all([against.close(), tfjs.close()]));

const shape = [2, 3, 5, 7];

const unary = (op: string, map?: (x: number) => number): [string, Trial] => [
  op,
  { op, fed: [floats(shape, 1, map)], results: [result("float32", shape)] },
];
const binary = (op: string, table?: string, dtype: DType = "float32", map?: (x: number) => number): [string, Trial] => [
  `${op} of broadcast operands`,
  {
    op,
    ...(table !== undefined && { table }),
    fed: [floats(shape, 1, map), floats([5, 1], 2, map)],
    results: [result(dtype, shape)],
  },
];
const positive = (x: number) => Math.abs(x) + 0.1;

test.each<[string, Trial]>([
  unary("ABS"),
  unary("NEG"),
  unary("SIGN"),
  unary("EXP"),
  unary("LOG", positive),
  unary("SIN"),
  unary("COS"),
  unary("SQRT", positive),
  unary("RSQRT", positive),
  unary("SQUARE"),
  unary("FLOOR"),
  unary("CEIL"),
  unary("ROUND", (x) => Math.round(x * 2) / 2),
  unary("ZEROS_LIKE"),
  binary("ADD", "AddOptions"),
  binary("SUB", "SubOptions"),
  binary("MUL", "MulOptions"),
  binary("DIV", "DivOptions"),
  binary("POW", undefined, "float32", positive),
  binary("MAXIMUM"),
  binary("MINIMUM"),
  binary("SQUARED_DIFFERENCE"),
  binary("FLOOR_DIV"),
  binary("FLOOR_MOD"),
  binary("EQUAL", undefined, "bool", Math.round),
  binary("NOT_EQUAL", undefined, "bool", Math.round),
  binary("LESS", undefined, "bool"),
  binary("LESS_EQUAL", undefined, "bool", Math.round),
  binary("GREATER", undefined, "bool"),
  binary("GREATER_EQUAL", undefined, "bool", Math.round),
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});

test("ATAN2", async () => {
  const trial: Trial = { op: "ATAN2", fed: [floats(shape, 1), floats(shape, 2)], results: [result("float32", shape)] };
  expect(await against.differences(trial)).toEqual([]);
});

test.each(["RELU", "RELU6", "RELU_N1_TO_1"])("an activation behind: %s", async (activation) => {
  for (const [op, table] of [
    ["ADD", "AddOptions"],
    ["SUB", "SubOptions"],
    ["MUL", "MulOptions"],
    ["DIV", "DivOptions"],
  ] as const) {
    const fed = [floats(shape, 1, (x) => 4 * x), floats(shape, 2, positive)];
    const options = { fused_activation_function: activation };
    expect(await against.differences({ op, table, options, fed, results: [result("float32", shape)] }), op).toEqual([]);
  }
});

test.each<[string, Trial]>([
  ["NEG of codes", { op: "NEG", fed: [codes(shape, 0.02, -3)], results: [coded(shape, 0.02, -3)] }],
  [
    "LESS of codes of 16 bits, as they are",
    {
      op: "LESS",
      fed: [codes(shape, 0.0001, 0, "int16"), codes(shape, 0.0003, 0, "int16", 2)],
      results: [result("bool", shape)],
    },
  ],
  [
    "ADD of integers",
    { op: "ADD", table: "AddOptions", fed: [ints(shape, -90, 90), ints([7], -90, 90, 2)], results: [result("int32", shape)] },
  ],
  [
    "SUB of integers",
    { op: "SUB", table: "SubOptions", fed: [ints(shape, -90, 90), ints([7], -90, 90, 2)], results: [result("int32", shape)] },
  ],
  [
    "MUL of integers",
    { op: "MUL", table: "MulOptions", fed: [ints(shape, -90, 90), ints([7], -90, 90, 2)], results: [result("int32", shape)] },
  ],
  [
    "FLOOR_DIV of integers",
    { op: "FLOOR_DIV", fed: [ints(shape, -90, 90), ints(shape, 1, 9, 2)], results: [result("int32", shape)] },
  ],
  [
    "FLOOR_MOD of integers",
    { op: "FLOOR_MOD", fed: [ints(shape, -90, 90), ints(shape, 1, 9, 2)], results: [result("int32", shape)] },
  ],
  [
    "MAXIMUM of integers",
    { op: "MAXIMUM", fed: [ints(shape, -90, 90), ints([7], -90, 90, 2)], results: [result("int32", shape)] },
  ],
  ["POW of integers", { op: "POW", fed: [ints(shape, -5, 5), ints(shape, 0, 4, 2)], results: [result("int32", shape)] }],
  [
    "DIV of integers truncates",
    { op: "DIV", table: "DivOptions", fed: [ints(shape, -90, 90), ints(shape, 2, 9, 2)], results: [result("int32", shape)] },
  ],
  ["LOGICAL_AND", { op: "LOGICAL_AND", fed: [bools(shape), bools([7], 2)], results: [result("bool", shape)] }],
  ["LOGICAL_OR", { op: "LOGICAL_OR", fed: [bools(shape), bools([7], 2)], results: [result("bool", shape)] }],
  ["LOGICAL_NOT", { op: "LOGICAL_NOT", fed: [bools(shape)], results: [result("bool", shape)] }],
  ["BITWISE_XOR", { op: "BITWISE_XOR", fed: [ints(shape, -90, 90), ints(shape, -90, 90, 2)], results: [result("int32", shape)] }],
  ["RIGHT_SHIFT", { op: "RIGHT_SHIFT", fed: [ints(shape, -900, 900), ints(shape, 0, 8, 2)], results: [result("int32", shape)] }],
  [
    "SELECT of rows",
    { op: "SELECT", fed: [bools([5]), floats([5, 3], 1), floats([5, 3], 2)], results: [result("float32", [5, 3])] },
  ],
  [
    "SELECT of elements",
    { op: "SELECT", fed: [bools([5, 3]), floats([5, 3], 1), floats([5, 3], 2)], results: [result("float32", [5, 3])] },
  ],
  [
    "SELECT_V2",
    { op: "SELECT_V2", fed: [bools([5, 1]), floats([5, 3], 1), floats([3], 2)], results: [result("float32", [5, 3])] },
  ],
  ["ADD_N", { op: "ADD_N", fed: [floats(shape, 1), floats(shape, 2), floats(shape, 3)], results: [result("float32", shape)] }],
  [
    "CAST to int32 truncates",
    {
      op: "CAST",
      table: "CastOptions",
      options: { in_data_type: "FLOAT32", out_data_type: "INT32" },
      fed: [floats(shape)],
      results: [result("int32", shape)],
    },
  ],
  [
    "CAST from int32",
    {
      op: "CAST",
      table: "CastOptions",
      options: { in_data_type: "INT32", out_data_type: "FLOAT32" },
      fed: [ints(shape, -90, 90)],
      results: [result("float32", shape)],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});

test.each<[string, Trial]>([
  [
    "ADD",
    {
      op: "ADD",
      table: "AddOptions",
      fed: [codes(shape, 0.02, 5), codes(shape, 0.031, -7, "int8", 2)],
      results: [coded(shape, 0.05, -9)],
    },
  ],
  [
    "ADD of uint8",
    {
      op: "ADD",
      table: "AddOptions",
      fed: [codes(shape, 0.02, 120, "uint8"), codes(shape, 0.031, 100, "uint8", 2)],
      results: [coded(shape, 0.05, 90, "uint8")],
    },
  ],
  [
    "SUB",
    {
      op: "SUB",
      table: "SubOptions",
      fed: [codes(shape, 0.02, 5), codes(shape, 0.031, -7, "int8", 2)],
      results: [coded(shape, 0.05, -9)],
    },
  ],
  [
    "MUL",
    {
      op: "MUL",
      table: "MulOptions",
      fed: [codes(shape, 0.02, 5), codes(shape, 0.031, -7, "int8", 2)],
      results: [coded(shape, 0.05, -9)],
    },
  ],
  [
    "MUL with RELU6",
    {
      op: "MUL",
      table: "MulOptions",
      options: { fused_activation_function: "RELU6" },
      fed: [codes(shape, 0.02, 5), codes(shape, 0.031, -7, "int8", 2)],
      results: [coded(shape, 0.03, -128)],
    },
  ],
  ["ABS", { op: "ABS", fed: [codes(shape, 0.02, 5)], results: [coded(shape, 0.02, -128)] }],
  [
    "MAXIMUM",
    { op: "MAXIMUM", fed: [codes(shape, 0.02, 5), codes(shape, 0.02, 5, "int8", 2)], results: [coded(shape, 0.02, 5)] },
  ],
  ["QUANTIZE to another scale", { op: "QUANTIZE", fed: [codes(shape, 0.02, 5)], results: [coded(shape, 0.033, -11)] }],
  ["QUANTIZE int8 to uint8", { op: "QUANTIZE", fed: [codes(shape, 0.02, 5)], results: [coded(shape, 0.02, 133, "uint8")] }],
])("codes: %s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});

test("DEQUANTIZE of codes and of halves; DENSIFY", async () => {
  expect(
    await against.differences({ op: "DEQUANTIZE", fed: [codes(shape, 0.02, 5)], results: [result("float32", shape)] }),
  ).toEqual([]);
  const half = constant("half", "float16", [7], random(7, 3));
  const sparse: TensorSpec = {
    ...constant("sparse", "float32", [7], random(2)),
    bytes: new Uint8Array(Float32Array.of(5, -6).buffer),
    more: {
      sparsity: {
        traversal_order: [0],
        dim_metadata: [
          {
            format: "SPARSE_CSR",
            array_segments: ["Int32Vector", { values: [0, 2] }],
            array_indices: ["Int32Vector", { values: [1, 4] }],
          },
        ],
      },
    },
  };
  const found = await tfjs.run(
    {
      tensors: [value("x", "float32", [7]), half, sparse, ...["h", "s", "a", "y"].map((name) => value(name, "float32", [7]))],
      inputs: ["x"],
      outputs: ["y"],
      operators: [
        operator("DEQUANTIZE", ["half"], ["h"]),
        operator("DENSIFY", ["sparse"], ["s"]),
        operator("ADD", ["x", "h"], ["a"], "AddOptions"),
        operator("ADD", ["a", "s"], ["y"], "AddOptions"),
      ],
    },
    { x: floats([7]) },
  );
  const dense = [0, 5, 0, 0, -6, 0, 0];
  for (const [i, number] of found["y"]!.data.entries()) {
    const wanted = floats([7]).data[i]! + random(7, 3)[i]! + dense[i]!;
    expect(Math.abs(number - wanted)).toBeLessThan(2e-3);
  }
});
