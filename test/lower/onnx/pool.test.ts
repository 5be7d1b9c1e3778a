import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

type Row = [name: string, op: string, x: number[], attrs: Record<string, AttrValue>, opset?: number];

const trial = ([, op, x, attrs, opset = 22]: Row, more: Partial<Trial> = {}): Trial => ({
  op,
  opset,
  inputs: [tensor("x", "float32", x, random(elementCount(x), 5))],
  attrs,
  ...more,
});

const both = (name: string, x: number[], attrs: Record<string, AttrValue>): Row[] => [
  [`max, ${name}`, "MaxPool", x, attrs],
  [`average, ${name}`, "AveragePool", x, attrs],
  [`average with pads, ${name}`, "AveragePool", x, { ...attrs, count_include_pad: 1 }],
  [`Lp, ${name}`, "LpPool", x, { ...attrs, p: 3 }],
];

const rows: Row[] = [
  ...both("1-D", [2, 3, 11], { kernel_shape: [3], strides: [2], pads: [1, 2] }),
  ...both("2-D", [2, 3, 7, 5], { kernel_shape: [3, 2], strides: [2, 1] }),
  ...both("uneven pads", [2, 3, 8, 7], { kernel_shape: [3, 4], strides: [2, 3], pads: [1, 2, 2, 1] }),
  ...both("SAME_UPPER", [2, 3, 8, 7], { kernel_shape: [3, 4], strides: [2, 3], auto_pad: "SAME_UPPER" }),
  ...both("SAME_LOWER", [2, 3, 8, 7], { kernel_shape: [3, 4], strides: [2, 3], auto_pad: "SAME_LOWER" }),
  ...both("ceil", [2, 3, 8, 7], { kernel_shape: [3, 2], strides: [2, 3], ceil_mode: 1 }),
  ...both("ceil with pads", [1, 3, 9, 8], { kernel_shape: [3, 3], strides: [4, 3], pads: [1, 1, 1, 0], ceil_mode: 1 }),
  ...both("dilated", [1, 3, 11, 9], { kernel_shape: [3, 2], strides: [2, 1], dilations: [2, 3], pads: [1, 0, 2, 1] }),
  ...both("3-D", [1, 2, 7, 5, 6], { kernel_shape: [3, 2, 2], strides: [2, 1, 3], pads: [1, 0, 1, 0, 1, 0] }),
];

/** What the reference itself gets wrong or does not do, with the reason. */
const excluded = new Map([
  ["Lp, ceil with pads", "onnxruntime's LpPool ignores ceil_mode where a window hangs over the padding"],
]);

describe("pools", () => {
  const known = rows.filter(([name]) => !excluded.has(name));
  it.each(known)("%s", async (...row) => expect(await ort.differences(trial(row))).toEqual([]));

  const open = known.filter(
    ([, op, , attrs]) => attrs["auto_pad"] === undefined || (op === "MaxPool" && attrs["auto_pad"] === "SAME_UPPER"),
  );
  const fits = open.filter(([, , , attrs]) => attrs["ceil_mode"] === undefined);
  it.each(fits)("%s, of open sizes", async (...row) => expect(await ort.differences(trial(row, { open: true }))).toEqual([]));

  it.each<Row>([
    ["2-D", "MaxPool", [2, 3, 7, 5], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }],
    ["dilated, column-major", "MaxPool", [2, 3, 9, 7], { kernel_shape: [3, 2], dilations: [2, 1], storage_order: 1 }],
    ["1-D, ceil", "MaxPool", [2, 3, 10], { kernel_shape: [3], strides: [2], ceil_mode: 1 }],
    ["3-D", "MaxPool", [1, 2, 5, 4, 6], { kernel_shape: [2, 2, 3], strides: [2, 1, 2] }],
  ])("indices, %s", async (...row) => expect(await ort.differences(trial(row, { outputs: 2 }))).toEqual([]));

  it("max of int8, padded below zero", async () => {
    const x = tensor("x", "int8", [1, 2, 5, 4], randomInts(40, -128, -3, 9));
    const attrs = { kernel_shape: [3, 2], pads: [1, 1, 1, 0], strides: [2, 2] };
    expect(await ort.differences({ op: "MaxPool", opset: 12, inputs: [x], attrs })).toEqual([]);
  });

  it.each<Row>([
    ["global average", "GlobalAveragePool", [2, 3, 5, 7], {}],
    ["global max", "GlobalMaxPool", [2, 3, 5, 7], {}],
    ["global Lp", "GlobalLpPool", [2, 3, 5, 7, 2], { p: 3 }, 17],
    ["global average 1-D", "GlobalAveragePool", [2, 3, 5], {}],
  ])("%s", async (...row) => expect(await ort.differences(trial(row, { open: true }))).toEqual([]));
});
