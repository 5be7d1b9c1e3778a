import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const filled = (name: string, shape: readonly number[], seed: number) =>
  tensor(name, "float32", shape, random(elementCount(shape), seed));

type Row = [name: string, x: number[], w: number[], attrs: Record<string, AttrValue>, bias?: boolean];

const trial = (op: string, [, x, w, attrs, bias = false]: Row, open = false): Trial => {
  const outputs = op === "Conv" ? w[0]! : w[1]! * Number(attrs["group"] ?? 1);
  return {
    op,
    opset: 17,
    inputs: [filled("x", x, 1), filled("w", w, 2), bias ? filled("b", [outputs], 3) : undefined],
    attrs,
    open,
  };
};

const convolutions: Row[] = [
  ["1-D with bias", [2, 3, 11], [5, 3, 3], {}, true],
  ["1-D strided, dilated, padded", [2, 3, 17], [5, 3, 3], { strides: [2], dilations: [3], pads: [1, 4] }],
  ["1-D depthwise", [2, 3, 11], [6, 1, 5], { group: 3, pads: [2, 2] }, true],
  ["2-D with bias", [2, 3, 7, 5], [4, 3, 3, 2], {}, true],
  ["uneven pads", [2, 3, 7, 5], [4, 3, 3, 2], { pads: [1, 0, 2, 3] }],
  ["SAME_UPPER with an even kernel", [2, 3, 8, 5], [4, 3, 4, 2], { auto_pad: "SAME_UPPER", strides: [3, 2] }],
  ["SAME_LOWER with an even kernel", [2, 3, 8, 5], [4, 3, 4, 2], { auto_pad: "SAME_LOWER", strides: [3, 2] }],
  ["VALID", [2, 3, 8, 5], [4, 3, 3, 2], { auto_pad: "VALID", strides: [1, 2] }],
  ["dilation", [1, 3, 11, 9], [4, 3, 3, 2], { dilations: [3, 2], pads: [2, 1, 2, 1] }],
  ["dilation and stride", [1, 3, 11, 9], [4, 3, 3, 2], { dilations: [3, 2], strides: [2, 3], pads: [2, 1, 1, 0] }],
  ["groups", [2, 6, 7, 5], [9, 2, 3, 2], { group: 3, pads: [1, 1, 1, 1] }, true],
  ["depthwise with a multiplier", [2, 3, 7, 5], [6, 1, 3, 2], { group: 3, strides: [2, 1] }, true],
  [
    "depthwise, dilated and strided",
    [2, 3, 9, 7],
    [3, 1, 3, 3],
    { group: 3, strides: [2, 2], dilations: [2, 2], pads: [2, 2, 2, 2] },
  ],
  ["3-D", [2, 3, 5, 7, 4], [4, 3, 2, 3, 2], { pads: [1, 0, 1, 0, 2, 0], strides: [1, 2, 1] }, true],
  ["3-D groups", [1, 4, 5, 4, 3], [6, 2, 2, 3, 2], { group: 2, dilations: [2, 1, 1] }],
];

const transposed: Row[] = [
  ["1-D", [2, 3, 7], [3, 5, 4], { strides: [2], pads: [1, 1] }, true],
  ["2-D with bias", [2, 3, 4, 5], [3, 2, 3, 2], { strides: [2, 3] }, true],
  ["pads and output_padding", [2, 3, 4, 5], [3, 2, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }],
  ["output_padding beyond the pads", [2, 3, 4, 5], [3, 2, 3, 3], { strides: [3, 2], output_padding: [2, 1] }, true],
  ["output_shape", [1, 3, 4, 5], [3, 2, 3, 3], { strides: [2, 3], output_shape: [10, 14] }],
  ["output_shape, smaller", [1, 3, 4, 5], [3, 2, 4, 3], { strides: [2, 2], output_shape: [7, 8] }],
  ["SAME_UPPER", [1, 3, 4, 5], [3, 2, 4, 3], { strides: [3, 2], auto_pad: "SAME_UPPER" }],
  ["SAME_LOWER", [1, 3, 4, 5], [3, 2, 4, 3], { strides: [3, 2], auto_pad: "SAME_LOWER" }],
  ["groups", [2, 6, 4, 5], [6, 2, 3, 2], { group: 3, strides: [2, 1] }, true],
  ["dilation", [1, 3, 4, 5], [3, 2, 3, 2], { dilations: [2, 3], strides: [2, 1] }],
  ["3-D", [1, 2, 3, 4, 5], [2, 3, 2, 3, 2], { strides: [2, 1, 3], pads: [0, 1, 0, 1, 1, 0] }, true],
  [
    "3-D groups with output_padding",
    [1, 4, 3, 2, 3],
    [4, 2, 3, 2, 2],
    { group: 2, strides: [2, 2, 1], output_padding: [1, 1, 0] },
  ],
];

describe("Conv", () => {
  it.each(convolutions)("%s", async (...row) => expect(await ort.differences(trial("Conv", row))).toEqual([]));

  const open = convolutions.filter(([, , , attrs]) => attrs["auto_pad"] !== "SAME_LOWER");
  it.each(open)("%s, of open sizes", async (...row) => expect(await ort.differences(trial("Conv", row, true))).toEqual([]));

  it("refuses channels that do not fit the groups", async () => {
    const row: Row = ["", [1, 6, 5, 5], [4, 3, 3, 3], { group: 2 }];
    const wrong = { ...trial("Conv", row), inputs: [filled("x", [1, 5, 5, 5], 1), filled("w", [4, 3, 3, 3], 2)] };
    await expect(ort.differences(wrong)).rejects.toThrow();
  });
});

describe("ConvTranspose", () => {
  it.each(transposed)("%s", async (...row) => expect(await ort.differences(trial("ConvTranspose", row))).toEqual([]));

  const open = transposed.filter(
    ([, x, , attrs]) =>
      x.length < 5 && attrs["auto_pad"] === undefined && attrs["output_shape"] === undefined && attrs["group"] === undefined,
  );
  it.each(open)("%s, of open sizes", async (...row) =>
    expect(await ort.differences(trial("ConvTranspose", row, true))).toEqual([]),
  );
});
