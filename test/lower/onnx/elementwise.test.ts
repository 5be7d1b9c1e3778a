import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { float, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const x = tensor("x", "float32", [2, 3, 5], random(30));
const y = tensor("y", "float32", [3, 1], [1.5, -0.7, 2.2]);
const ints = (name: string, shape: number[], low: number, high: number, seed: number) =>
  tensor(name, "int32", shape, randomInts(elementCount(shape), low, high, seed));

it.each([
  "Abs",
  "Neg",
  "Exp",
  "Floor",
  "Ceil",
  "Round",
  "Sign",
  "Erf",
  "Sin",
  "Cos",
  "Tan",
  "Atan",
  "Sinh",
  "Cosh",
  "Tanh",
  "Asinh",
  "Reciprocal",
])("%s", async (op) => {
  expect(await ort.differences({ op, inputs: [x] })).toEqual([]);
});

it.each(["Log", "Sqrt", "Acosh"])("%s of positive numbers", async (op) => {
  const positive = tensor(
    "x",
    "float32",
    [2, 3, 5],
    random(30).map((value) => Math.abs(value) + 1.1),
  );
  expect(await ort.differences({ op, inputs: [positive] })).toEqual([]);
});

it.each(["Asin", "Acos", "Atanh"])("%s between −1 and 1", async (op) => {
  expect(
    await ort.differences({
      op,
      inputs: [
        tensor(
          "x",
          "float32",
          [2, 3, 5],
          random(30).map((value) => value / 2.5),
        ),
      ],
    }),
  ).toEqual([]);
});

it.each(["Add", "Sub", "Mul", "Div", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Max", "Min", "Mean", "Sum"])(
  "%s, broadcast",
  async (op) => {
    for (const fed of [1, 2]) expect(await ort.differences({ op, inputs: [x, y], fed })).toEqual([]);
    expect(await ort.differences({ op, inputs: [y, x], fed: 2 })).toEqual([]);
  },
);

it("Div and Mod of integers truncate, or take the sign of the divisor", async () => {
  const inputs = [ints("x", [4, 7], -40, 40, 1), ints("y", [7], 1, 9, 2)];
  const negative = [ints("x", [4, 7], -40, 40, 1), ints("y", [7], -9, -1, 2)];
  for (const pair of [inputs, negative]) {
    expect(await ort.differences({ op: "Div", inputs: pair, fed: 2 })).toEqual([]);
    for (const fmod of [0, 1]) expect(await ort.differences({ op: "Mod", inputs: pair, attrs: { fmod }, fed: 2 })).toEqual([]);
  }
  expect(
    await ort.differences({
      op: "Mod",
      inputs: [x, tensor("y", "float32", [5], [1.5, -0.4, 2, -3, 0.7])],
      attrs: { fmod: 1 },
      fed: 2,
    }),
  ).toEqual([]);
});

it("Pow of mixed types", async () => {
  const positive = tensor("x", "float32", [2, 3], random(6).map(Math.abs));
  expect(await ort.differences({ op: "Pow", inputs: [positive, tensor("y", "int64", [3], [2, 3, -1])], fed: 2 })).toEqual([]);
  expect(await ort.differences({ op: "Pow", inputs: [x, tensor("y", "float32", [], [2])] })).toEqual([]);
});

it("Clip, by attributes and inputs, of floats and integers, crossed bounds", async () => {
  const bound = (name: string, value: number) => tensor(name, "float32", [], [value]);
  expect(await ort.differences({ op: "Clip", opset: 10, inputs: [x], attrs: { min: float(-0.5), max: float(0.8) } })).toEqual([]);
  for (const inputs of [
    [x, bound("low", -0.5), bound("high", 0.8)],
    [x, undefined, bound("high", 0.3)],
    [x, bound("low", 0.2)],
    [x, bound("low", 1), bound("high", -1)],
  ])
    for (const fed of [1, inputs.length]) expect(await ort.differences({ op: "Clip", inputs, fed })).toEqual([]);
  const whole = tensor("x", "int64", [7], [-9, -2, 0, 3, 5, 8, 12]);
  expect(
    await ort.differences({ op: "Clip", inputs: [whole, tensor("low", "int64", [], [-3]), tensor("high", "int64", [], [6])] }),
  ).toEqual([]);
});

it("Where, and logic", async () => {
  const test = tensor("test", "bool", [3, 1], [1, 0, 1]);
  expect(await ort.differences({ op: "Where", inputs: [test, x, y], fed: 3 })).toEqual([]);
  const [p, q] = [tensor("p", "bool", [4], [1, 1, 0, 0]), tensor("q", "bool", [2, 4], [1, 0, 1, 0, 0, 1, 0, 1])];
  for (const op of ["And", "Or", "Xor", "Equal"]) expect(await ort.differences({ op, inputs: [p, q], fed: 2 })).toEqual([]);
  expect(await ort.differences({ op: "Not", inputs: [p] })).toEqual([]);
});

it("IsNaN and IsInf", async () => {
  const odd = tensor("x", "float32", [5], [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
  expect(await ort.differences({ op: "IsNaN", inputs: [odd] })).toEqual([]);
  for (const detect_negative of [0, 1])
    for (const detect_positive of [0, 1])
      expect(await ort.differences({ op: "IsInf", inputs: [odd], attrs: { detect_negative, detect_positive } })).toEqual([]);
});

it.each<[string, number, number[]]>([
  ["float32", 6, [-2.9, -0.5, 0.5, 2.9]],
  ["float32", 9, [-2.5, 0, 0.25, Number.NaN]],
  ["float32", 7, [-3.7, 8e8, 0, 2.2]],
  ["int32", 3, [-129, 128, 300, -5]],
  ["int32", 2, [-1, 256, 300, 5]],
  ["int64", 1, [-7, 16777216, 3, 0]],
  ["bool", 1, [1, 0, 1, 1]],
  ["int32", 9, [-7, 0, 3, 256]],
])("Cast from %s to type %i", async (dtype, to, values) => {
  expect(await ort.differences({ op: "Cast", inputs: [tensor("x", dtype as "float32", [4], values)], attrs: { to } })).toEqual(
    [],
  );
});

it("shifts and bitwise logic", async () => {
  const [p, q] = [tensor("p", "uint8", [5], [200, 3, 255, 17, 64]), tensor("q", "uint8", [5], [1, 7, 4, 0, 2])];
  for (const direction of ["LEFT", "RIGHT"])
    for (const fed of [1, 2])
      expect(await ort.differences({ op: "BitShift", inputs: [p, q], attrs: { direction }, fed })).toEqual([]);
  const pair = [ints("p", [3, 5], -1000, 1000, 3), ints("q", [5], -1000, 1000, 4)];
  for (const op of ["BitwiseAnd", "BitwiseOr", "BitwiseXor"])
    expect(await ort.differences({ op, inputs: pair, fed: 2 })).toEqual([]);
  expect(await ort.differences({ op: "BitwiseNot", inputs: [pair[0]!] })).toEqual([]);
});

it("keeps large integers exact", async () => {
  const big = tensor("x", "int32", [9], [2147483647, -2147483647, 16777217, -16777219, 123456789, -987654321, 1073741823, 7, -8]);
  const small = tensor("y", "int32", [9], [3, 7, -5, 11, 16777217, 2, 1073741824, 2147483646, -2147483647]);
  for (const op of ["Div", "Mod", "Sub", "Max"]) expect(await ort.differences({ op, inputs: [big, small], fed: 2 })).toEqual([]);
  for (const op of ["Abs", "Neg"]) expect(await ort.differences({ op, inputs: [big] })).toEqual([]);
  const bounds = [tensor("low", "int32", [], [-16777219]), tensor("high", "int32", [], [123456789])];
  expect(await ort.differences({ op: "Clip", inputs: [big, ...bounds] })).toEqual([]);
  const shift = tensor("y", "uint32", [5], [1, 7, 30, 0, 2]);
  const x = tensor("x", "uint32", [5], [2147483647, 16777217, 1073741825, 17, 1234567891]);
  expect(await ort.differences({ op: "BitShift", inputs: [x, shift], attrs: { direction: "RIGHT" }, fed: 2 })).toEqual([]);
});
