import { afterAll, beforeAll, expect, test } from "vitest";
import { constant } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { floats, ints, result, scalar, vector } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

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
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
