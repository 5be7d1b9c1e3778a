import { afterAll, beforeAll, expect, test } from "vitest";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { codeBias, coded, codes, codeWeights, floats, result, vector, weights } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const conv = (options: Trial["options"] = {}): Pick<Trial, "op" | "table" | "options"> => ({
  op: "CONV_2D",
  table: "Conv2DOptions",
  options: { padding: "SAME", stride_w: 1, stride_h: 1, ...options },
});
const depthwise = (options: Trial["options"] = {}): Pick<Trial, "op" | "table" | "options"> => ({
  op: "DEPTHWISE_CONV_2D",
  table: "DepthwiseConv2DOptions",
  options: { padding: "SAME", stride_w: 1, stride_h: 1, ...options },
});

test.each<[string, Trial]>([
  [
    "SAME",
    {
      ...conv(),
      fed: [floats([2, 7, 5, 3])],
      inputs: [0, weights("w", [4, 3, 2, 3]), weights("b", [4], 4)],
      results: [result("float32", [2, 7, 5, 4])],
    },
  ],
  [
    "VALID, strides, RELU",
    {
      ...conv({ padding: "VALID", stride_h: 2, stride_w: 3, fused_activation_function: "RELU" }),
      fed: [floats([1, 11, 13, 3])],
      inputs: [0, weights("w", [5, 3, 2, 3]), weights("b", [5], 4)],
      results: [result("float32", [1, 5, 4, 5])],
    },
  ],
  [
    "dilation",
    {
      ...conv({ dilation_h_factor: 2, dilation_w_factor: 3 }),
      fed: [floats([1, 11, 13, 2])],
      inputs: [0, weights("w", [3, 3, 3, 2]), weights("b", [3], 4)],
      results: [result("float32", [1, 11, 13, 3])],
    },
  ],
  [
    "groups",
    {
      ...conv(),
      fed: [floats([1, 7, 5, 6])],
      inputs: [0, weights("w", [4, 3, 3, 3]), weights("b", [4], 4)],
      results: [result("float32", [1, 7, 5, 4])],
    },
  ],
  [
    "depthwise",
    {
      ...depthwise({ depth_multiplier: 1 }),
      fed: [floats([2, 7, 5, 3])],
      inputs: [0, weights("w", [1, 3, 2, 3]), weights("b", [3], 4)],
      results: [result("float32", [2, 7, 5, 3])],
    },
  ],
  [
    "depthwise with a multiplier, strides, RELU6",
    {
      ...depthwise({ depth_multiplier: 2, stride_h: 2, stride_w: 2, padding: "VALID", fused_activation_function: "RELU6" }),
      fed: [floats([1, 9, 7, 3])],
      inputs: [0, weights("w", [1, 3, 3, 6]), weights("b", [6], 4)],
      results: [result("float32", [1, 4, 3, 6])],
    },
  ],
  [
    "transposed",
    {
      op: "TRANSPOSE_CONV",
      table: "TransposeConvOptions",
      options: { padding: "SAME", stride_w: 2, stride_h: 3 },
      fed: [floats([1, 4, 3, 5])],
      inputs: [vector("s", [1, 12, 6, 2]), weights("w", [2, 3, 4, 5]), 0],
      results: [result("float32", [1, 12, 6, 2])],
    },
  ],
  [
    "transposed, VALID, with a bias",
    {
      op: "TRANSPOSE_CONV",
      table: "TransposeConvOptions",
      options: { padding: "VALID", stride_w: 2, stride_h: 2 },
      fed: [floats([2, 4, 3, 5])],
      inputs: [vector("s", [2, 9, 8, 2]), weights("w", [2, 3, 4, 5]), 0, weights("b", [2], 4)],
      results: [result("float32", [2, 9, 8, 2])],
    },
  ],
  [
    "3-D",
    {
      op: "CONV_3D",
      table: "Conv3DOptions",
      options: { padding: "SAME", stride_d: 1, stride_h: 2, stride_w: 1 },
      fed: [floats([1, 5, 7, 3, 2])],
      inputs: [0, weights("w", [2, 3, 2, 2, 4]), weights("b", [4], 4)],
      results: [result("float32", [1, 5, 4, 3, 4])],
    },
  ],
  [
    "3-D transposed",
    {
      op: "CONV_3D_TRANSPOSE",
      table: "Conv3DOptions",
      options: { padding: "SAME", stride_d: 1, stride_h: 2, stride_w: 2 },
      fed: [floats([1, 3, 4, 3, 2])],
      inputs: [vector("s", [1, 3, 8, 6, 3]), weights("w", [2, 3, 2, 3, 2]), 0],
      results: [result("float32", [1, 3, 8, 6, 3])],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});

const perChannel = codeWeights("w", [4, 3, 2, 3], 0);
const perTensor = codeWeights("w", [4, 3, 2, 3], undefined, 5, "uint8");
const depthwiseCodes = codeWeights("w", [1, 3, 3, 6], 3);
test.each([
  ["a scale a channel", 0],
  ["one scale", undefined],
] as const)("8-bit weights, %s, float input", async (_, axis) => {
  const inputs = [0, codeWeights("w", [4, 3, 2, 3], axis), weights("b", [4], 4)];
  const trial: Trial = { ...conv(), fed: [floats([2, 7, 5, 3])], inputs, results: [result("float32", [2, 7, 5, 4])] };
  expect(await against.differences(trial)).toEqual([]);
  const back: Trial = {
    op: "TRANSPOSE_CONV",
    table: "TransposeConvOptions",
    options: { padding: "SAME", stride_w: 2, stride_h: 1 },
    fed: [floats([2, 4, 5, 3])],
    inputs: [vector("s", [2, 4, 10, 4]), codeWeights("w", [4, 3, 2, 3], axis), 0, weights("b", [4], 4)],
    results: [result("float32", [2, 4, 10, 4])],
  };
  expect(await against.differences(back)).toEqual([]);
});

test.each<[string, Trial]>([
  [
    "int8, a scale a channel",
    {
      ...conv(),
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      inputs: [0, perChannel, codeBias("b", 0.02, perChannel, 4)],
      results: [coded([1, 7, 5, 4], 0.09, -3)],
    },
  ],
  [
    "int8 with RELU6",
    {
      ...conv({ fused_activation_function: "RELU6" }),
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      inputs: [0, perChannel, codeBias("b", 0.02, perChannel, 4)],
      results: [coded([1, 7, 5, 4], 0.023529412, -128)],
    },
  ],
  [
    "uint8, one scale",
    {
      ...conv(),
      fed: [codes([1, 7, 5, 3], 0.02, 120, "uint8")],
      inputs: [0, perTensor, codeBias("b", 0.02, perTensor, 4)],
      results: [coded([1, 7, 5, 4], 0.12, 128, "uint8")],
    },
  ],
  [
    "depthwise int8",
    {
      ...depthwise({ depth_multiplier: 2 }),
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      inputs: [0, depthwiseCodes, codeBias("b", 0.02, depthwiseCodes, 6)],
      results: [coded([1, 7, 5, 6], 0.07, 1)],
    },
  ],
])("codes: %s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
  // Without rounding, of the input neither, the result is nearer to what was meant and some steps from what was rounded.
  const atol = 4 * trial.results[0]!.codes!.scale[0]!;
  expect(await against.differences({ ...trial, quantized: "float", atol })).toEqual([]);
});
