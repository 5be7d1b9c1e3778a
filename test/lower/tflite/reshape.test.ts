import { afterAll, beforeAll, expect, test } from "vitest";
import { constant } from "../../build/tflite.ts";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { coded, codes, floats, ints, result, scalar, vector } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const x = floats([2, 3, 5, 7]);
const to = (...dims: number[]) => [result("float32", dims)];
test.each<[string, Trial]>([
  [
    "RESHAPE",
    {
      op: "RESHAPE",
      table: "ReshapeOptions",
      options: { new_shape: [6, -1] },
      fed: [x],
      inputs: [0, vector("s", [6, -1])],
      results: to(6, 35),
    },
  ],
  [
    "SQUEEZE",
    {
      op: "SQUEEZE",
      table: "SqueezeOptions",
      options: { squeeze_dims: [1, -1] },
      fed: [floats([2, 1, 5, 1])],
      results: to(2, 5),
    },
  ],
  ["EXPAND_DIMS", { op: "EXPAND_DIMS", fed: [floats([2, 3])], inputs: [0, scalar("a", -2)], results: to(2, 1, 3) }],
  ["TRANSPOSE", { op: "TRANSPOSE", fed: [x], inputs: [0, vector("p", [2, 0, 3, 1])], results: to(5, 2, 7, 3) }],
  [
    "CONCATENATION",
    {
      op: "CONCATENATION",
      table: "ConcatenationOptions",
      options: { axis: -2 },
      fed: [x, floats([2, 3, 2, 7], 2), floats([2, 3, 1, 7], 3)],
      results: to(2, 3, 8, 7),
    },
  ],
  [
    "PACK",
    {
      op: "PACK",
      table: "PackOptions",
      options: { axis: 1, values_count: 2 },
      fed: [floats([2, 3]), floats([2, 3], 2)],
      results: to(2, 2, 3),
    },
  ],
  [
    "UNPACK",
    {
      op: "UNPACK",
      table: "UnpackOptions",
      options: { axis: 1, num: 3 },
      fed: [floats([2, 3, 5])],
      results: [result("float32", [2, 5]), result("float32", [2, 5]), result("float32", [2, 5])],
    },
  ],
  ["TILE", { op: "TILE", fed: [floats([2, 3])], inputs: [0, vector("m", [3, 2])], results: to(6, 6) }],
  ["BROADCAST_TO", { op: "BROADCAST_TO", fed: [floats([3, 1])], inputs: [0, vector("s", [2, 3, 5])], results: to(2, 3, 5) }],
  ["BROADCAST_ARGS", { op: "BROADCAST_ARGS", fed: [ints([3], 1, 1), ints([2], 4, 4, 2)], results: [result("int32", [3])] }],
  [
    "PAD",
    { op: "PAD", fed: [x], inputs: [0, constant("p", "int32", [4, 2], [0, 0, 1, 2, 0, 3, 2, 1])], results: to(2, 6, 8, 10) },
  ],
  [
    "PADV2",
    {
      op: "PADV2",
      fed: [x],
      inputs: [0, constant("p", "int32", [4, 2], [0, 0, 1, 2, 0, 3, 0, 0]), scalar("v", -2.5, "float32")],
      results: to(2, 6, 8, 7),
    },
  ],
  [
    "MIRROR_PAD REFLECT",
    {
      op: "MIRROR_PAD",
      table: "MirrorPadOptions",
      options: { mode: "REFLECT" },
      fed: [floats([3, 5])],
      inputs: [0, constant("p", "int32", [2, 2], [1, 2, 3, 1])],
      results: to(6, 9),
    },
  ],
  [
    "MIRROR_PAD SYMMETRIC",
    {
      op: "MIRROR_PAD",
      table: "MirrorPadOptions",
      options: { mode: "SYMMETRIC" },
      fed: [floats([3, 5])],
      inputs: [0, constant("p", "int32", [2, 2], [1, 2, 3, 1])],
      results: to(6, 9),
    },
  ],
  [
    "DEPTH_TO_SPACE",
    {
      op: "DEPTH_TO_SPACE",
      table: "DepthToSpaceOptions",
      options: { block_size: 2 },
      fed: [floats([2, 3, 5, 12])],
      results: to(2, 6, 10, 3),
    },
  ],
  [
    "SPACE_TO_DEPTH",
    {
      op: "SPACE_TO_DEPTH",
      table: "SpaceToDepthOptions",
      options: { block_size: 2 },
      fed: [floats([2, 6, 10, 3])],
      results: to(2, 3, 5, 12),
    },
  ],
  [
    "SPACE_TO_BATCH_ND",
    {
      op: "SPACE_TO_BATCH_ND",
      fed: [floats([2, 5, 4, 3])],
      inputs: [0, vector("b", [2, 3]), constant("p", "int32", [2, 2], [1, 0, 0, 2])],
      results: to(12, 3, 2, 3),
    },
  ],
  [
    "BATCH_TO_SPACE_ND",
    {
      op: "BATCH_TO_SPACE_ND",
      fed: [floats([12, 3, 2, 3])],
      inputs: [0, vector("b", [2, 3]), constant("c", "int32", [2, 2], [1, 0, 0, 2])],
      results: to(2, 5, 4, 3),
    },
  ],
  [
    "SHAPE",
    {
      op: "SHAPE",
      settled: true,
      table: "ShapeOptions",
      options: { out_type: "INT32" },
      fed: [x],
      results: [result("int32", [4])],
    },
  ],
  ["RANK", { op: "RANK", settled: true, fed: [x], results: [result("int32", [])] }],
  ["FILL", { op: "FILL", fed: [floats([])], inputs: [vector("d", [3, 4]), 0], results: to(3, 4) }],
  [
    "RANGE",
    {
      op: "RANGE",
      settled: true,
      fed: [ints([], 2, 2)],
      inputs: [0, scalar("l", 17), scalar("d", 4)],
      results: [result("int32", [4])],
    },
  ],
  [
    "codes of another scale joined",
    {
      op: "CONCATENATION",
      table: "ConcatenationOptions",
      options: { axis: 1 },
      fed: [codes([2, 3], 0.02, 120, "uint8"), codes([2, 4], 0.031, 100, "uint8", 2)],
      results: [coded([2, 7], 0.04, 99, "uint8")],
    },
  ],
  [
    "codes of 16 bits joined as they are, of whatever scales",
    {
      op: "CONCATENATION",
      table: "ConcatenationOptions",
      options: { axis: 1 },
      fed: [codes([2, 3], 0.0001, 0, "int16"), codes([2, 5], 0.0003, 0, "int16", 2)],
      results: [coded([2, 8], 0.0002, 0, "int16")],
    },
  ],
  ...["RELU", "TANH", "SIGN_BIT"].map((activation): [string, Trial] => [
    `CONCATENATION without its ${activation}`,
    {
      op: "CONCATENATION",
      table: "ConcatenationOptions",
      options: { axis: 0, fused_activation_function: activation },
      fed: [floats([3, 5]), floats([2, 5], 2)],
      results: to(5, 5),
    },
  ]),
  [
    "codes padded",
    {
      op: "PAD",
      fed: [codes([2, 3], 0.02, 5)],
      inputs: [0, constant("p", "int32", [2, 2], [1, 2, 0, 3])],
      results: [coded([5, 6], 0.02, 5)],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
