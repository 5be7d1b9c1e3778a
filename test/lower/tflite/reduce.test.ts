import { afterAll, beforeAll, expect, test } from "vitest";
import type { DType } from "../../../src/base/dtype.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { bools, coded, codes, floats, ints, result, scalar, vector } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const x = floats([2, 3, 5, 7]);
const reduce = (op: string, keep: boolean): [string, Trial] => [
  `${op}${keep ? ", dims kept" : ""}`,
  {
    op,
    table: "ReducerOptions",
    options: { keep_dims: keep },
    fed: [op === "REDUCE_ANY" || op === "REDUCE_ALL" ? bools([2, 3, 5, 7]) : x],
    inputs: [0, vector("a", [1, -1])],
    results: [result(op === "REDUCE_ANY" || op === "REDUCE_ALL" ? "bool" : "float32", keep ? [2, 1, 5, 1] : [2, 5])],
  },
];
/** A product of codes, which the kernel rounds at every factor. */
const products = (
  dtype: DType,
  axes: readonly number[],
  dims: readonly number[],
  ...scales: [number, number]
): [string, Trial] => [
  `REDUCE_PROD of codes of ${dtype} over ${axes}`,
  {
    op: "REDUCE_PROD",
    table: "ReducerOptions",
    options: { keep_dims: dims.length === 4 },
    fed: [codes([2, 3, 5, 7], scales[0], dtype === "int8" ? -7 : 0, dtype)],
    inputs: [0, vector("a", axes)],
    results: [coded(dims, scales[1], dtype === "int8" ? 3 : 0, dtype)],
    rtol: 0,
    atol: 0,
  },
];
const ops = ["MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"];

test.each<[string, Trial]>([
  ...ops.flatMap((op) => [reduce(op, true), reduce(op, false)]),
  [
    "SUM of integers",
    {
      op: "SUM",
      table: "ReducerOptions",
      fed: [ints([3, 5], -9, 9)],
      inputs: [0, vector("a", [1])],
      results: [result("int32", [3])],
    },
  ],
  ...(["int32", "int64"] as const).map((dtype): [string, Trial] => [
    `MEAN of ${dtype}, which truncates`,
    {
      op: "MEAN",
      table: "ReducerOptions",
      options: { keep_dims: dtype === "int64" },
      fed: [ints([3, 5, 7], -9, 7, 4, dtype)],
      inputs: [0, vector("a", [1, -1])],
      results: [result(dtype, dtype === "int64" ? [3, 1, 1] : [3])],
    },
  ]),
  [
    "MEAN of codes",
    {
      op: "MEAN",
      table: "ReducerOptions",
      options: { keep_dims: true },
      fed: [codes([2, 3, 5, 7], 0.02, 5)],
      inputs: [0, vector("a", [1, 2])],
      results: [coded([2, 1, 1, 7], 0.012, -3)],
    },
  ],
  products("int8", [1], [2, 5, 7], 0.02, 0.01),
  products("int8", [2], [2, 3, 7], 0.02, 0.0001),
  products("int8", [1, -1], [2, 1, 5, 1], 0.02, 0.00001),
  products("int8", [0, 3, 1], [5], 0.011, 0.3),
  products("int8", [1, 2, 0, 3], [], 0.011, 0.3),
  products("int16", [2], [2, 3, 7], 0.0001, 0.00001),
  products("int16", [3, 0, 1], [5], 0.0001, 0.1),
  [
    "ARG_MAX",
    {
      op: "ARG_MAX",
      table: "ArgMaxOptions",
      options: { output_type: "INT32" },
      fed: [x],
      inputs: [0, scalar("a", -2)],
      results: [result("int32", [2, 3, 7])],
    },
  ],
  [
    "ARG_MIN",
    {
      op: "ARG_MIN",
      table: "ArgMinOptions",
      options: { output_type: "INT32" },
      fed: [x],
      inputs: [0, scalar("a", 1)],
      results: [result("int32", [2, 5, 7])],
    },
  ],
  [
    "TOPK_V2",
    {
      op: "TOPK_V2",
      fed: [floats([3, 11])],
      inputs: [0, scalar("k", 4)],
      results: [result("float32", [3, 4]), result("int32", [3, 4])],
    },
  ],
  [
    "CUMSUM",
    {
      op: "CUMSUM",
      table: "CumsumOptions",
      options: {},
      fed: [x],
      inputs: [0, scalar("a", 2)],
      results: [result("float32", [2, 3, 5, 7])],
    },
  ],
  [
    "CUMSUM backwards, without its own",
    {
      op: "CUMSUM",
      table: "CumsumOptions",
      options: { exclusive: true, reverse: true },
      fed: [x],
      inputs: [0, scalar("a", -1)],
      results: [result("float32", [2, 3, 5, 7])],
    },
  ],
  ["L2_NORMALIZATION", { op: "L2_NORMALIZATION", table: "L2NormOptions", fed: [x], results: [result("float32", [2, 3, 5, 7])] }],
  [
    "LOCAL_RESPONSE_NORMALIZATION",
    {
      op: "LOCAL_RESPONSE_NORMALIZATION",
      table: "LocalResponseNormalizationOptions",
      options: { radius: 2, bias: 1.5, alpha: 0.3, beta: 0.75 },
      fed: [x],
      results: [result("float32", [2, 3, 5, 7])],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
