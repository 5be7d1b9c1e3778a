import { afterAll, beforeAll, expect, test } from "vitest";
import { constant } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { bools, coded, codes, codeWeights, floats, ints, result, scalar, vector, weights } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const x = floats([4, 5, 7]);
const to = (...dims: number[]) => [result("float32", dims)];
const strided = (begin: number[], end: number[], strides: number[], options: Trial["options"], ...dims: number[]): Trial => ({
  op: "STRIDED_SLICE",
  table: "StridedSliceOptions",
  options,
  fed: [x],
  inputs: [0, vector("b", begin), vector("e", end), vector("s", strides)],
  results: to(...dims),
});

test.each<[string, Trial]>([
  ["SLICE", { op: "SLICE", fed: [x], inputs: [0, vector("b", [1, 0, 2]), vector("s", [2, -1, 3])], results: to(2, 5, 3) }],
  ["STRIDED_SLICE", strided([1, 4, 0], [4, 0, 7], [2, -2, 3], {}, 2, 2, 3)],
  [
    "STRIDED_SLICE with masks",
    strided([1, 1, 2], [3, 4, 5], [1, 1, 1], { begin_mask: 1, end_mask: 2, shrink_axis_mask: 4 }, 3, 4),
  ],
  ["STRIDED_SLICE from the end", strided([-3, -1, -4], [-1, -6, -1], [1, -1, 1], {}, 2, 5, 3)],
  [
    "SPLIT",
    {
      op: "SPLIT",
      table: "SplitOptions",
      options: { num_splits: 3 },
      fed: [floats([2, 6, 5])],
      inputs: [scalar("a", 1), 0],
      results: [result("float32", [2, 2, 5]), result("float32", [2, 2, 5]), result("float32", [2, 2, 5])],
    },
  ],
  [
    "SPLIT_V",
    {
      op: "SPLIT_V",
      table: "SplitVOptions",
      options: { num_splits: 3 },
      fed: [floats([2, 7, 5])],
      inputs: [0, vector("s", [3, -1, 1]), scalar("a", -2)],
      results: [result("float32", [2, 3, 5]), result("float32", [2, 3, 5]), result("float32", [2, 1, 5])],
    },
  ],
  [
    "GATHER",
    { op: "GATHER", table: "GatherOptions", options: { axis: 1 }, fed: [x, ints([2, 3], 0, 4)], results: to(4, 2, 3, 7) },
  ],
  [
    "GATHER batch by batch",
    {
      op: "GATHER",
      table: "GatherOptions",
      options: { axis: 1, batch_dims: 1 },
      fed: [x, ints([4, 3], 0, 4)],
      results: to(4, 3, 7),
    },
  ],
  [
    "EMBEDDING_LOOKUP",
    { op: "EMBEDDING_LOOKUP", fed: [ints([5], 0, 10)], inputs: [0, weights("t", [11, 3])], results: to(5, 3) },
  ],
  [
    "EMBEDDING_LOOKUP of codes",
    { op: "EMBEDDING_LOOKUP", fed: [ints([5], 0, 10)], inputs: [0, codeWeights("t", [11, 3], undefined)], results: to(5, 3) },
  ],
  ["GATHER_ND", { op: "GATHER_ND", fed: [x, ints([3, 2], 0, 3)], results: to(3, 7) }],
  [
    "SCATTER_ND",
    {
      op: "SCATTER_ND",
      fed: [floats([3, 2])],
      inputs: [constant("i", "int32", [3, 1], [4, 0, 4]), 0, vector("s", [6, 2])],
      results: to(6, 2),
    },
  ],
  ["DYNAMIC_UPDATE_SLICE", { op: "DYNAMIC_UPDATE_SLICE", fed: [x, floats([2, 3, 7], 2), ints([3], 1, 1)], results: to(4, 5, 7) }],
  [
    "DYNAMIC_UPDATE_SLICE beyond the end",
    { op: "DYNAMIC_UPDATE_SLICE", fed: [x, floats([2, 3, 7], 2), ints([3], 9, 9)], results: to(4, 5, 7) },
  ],
  ["REVERSE_V2", { op: "REVERSE_V2", fed: [x], inputs: [0, vector("a", [1])], results: to(4, 5, 7) }],
  [
    "REVERSE_SEQUENCE",
    {
      op: "REVERSE_SEQUENCE",
      table: "ReverseSequenceOptions",
      options: { seq_dim: 1, batch_dim: 0 },
      fed: [x, ints([4], 1, 5)],
      results: to(4, 5, 7),
    },
  ],
  [
    "ONE_HOT",
    {
      op: "ONE_HOT",
      table: "OneHotOptions",
      options: { axis: 1 },
      fed: [ints([2, 3], -1, 5)],
      inputs: [0, scalar("d", 5), scalar("on", 2.5, "float32"), scalar("off", -1, "float32")],
      results: to(2, 5, 3),
    },
  ],
  [
    "codes taken",
    {
      op: "GATHER",
      table: "GatherOptions",
      options: { axis: 0 },
      fed: [codes([4, 3], 0.02, 5), ints([2], 0, 3)],
      results: [coded([2, 3], 0.02, 5)],
    },
  ],
  ["SELECT_V2 of scalars", { op: "SELECT_V2", fed: [bools([3, 5]), floats([], 1), floats([], 2)], results: to(3, 5) }],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
