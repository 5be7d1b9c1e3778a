/** Corners that random single nodes found: sizes that only the run knows, indices of one place, strings, numbers of other types. */
import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const f = (name: string, shape: number[]) => tensor(name, "float32", shape, random(elementCount(shape), name.charCodeAt(0)));
const i32 = (name: string, shape: number[], values: number[]) => tensor(name, "int32", shape, values);
const i64 = (name: string, shape: number[], values: (number | bigint)[]) => tensor(name, "int64", shape, values);
const u8 = (name: string, shape: number[]) =>
  tensor(name, "uint8", shape, randomInts(elementCount(shape), 0, 255, name.charCodeAt(0)));
const words = (name: string, shape: number[]) =>
  tensor(
    name,
    "string",
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => `${name}${i}`),
  );
const f64 = (name: string, value: number) => tensor(name, "float64", [], [value]);

const boxes = tensor("b", "float32", [2, 3, 4], [0, 0, 1, 1, 0.1, 0, 1.1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 5, 5, 6, 6, 0, 0.2, 1, 1.2]);
const scores = tensor("s", "float32", [2, 2, 3], [0.9, 0.8, 0.7, 0.2, 0.6, 0.4, 0.5, 0.3, 0.1, 0.35, 0.45, 0.95]);
const most = 9223372036854775807n;

type Row = [
  op: string,
  variant: string,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];

it.each<Row>([
  [
    "GatherND",
    "negative, of a depth that only the run knows",
    [f("x", [3, 5, 2]), i64("i", [2, 2], [1, -2, -3, 4])],
    {},
    { fed: 2, open: true },
  ],
  ["ScatterND", "of one place", [f("x", [3, 2, 5]), i64("i", [2], [-2, -1]), f("u", [5])], {}, { fed: 3 }],
  ["ScatterND", "of one element", [i64("x", [3, 1], [5, 7, 9]), i64("i", [2], [-1, -1]), i64("u", [], [26])], {}, { fed: 1 }],
  [
    "ScatterND",
    "of one place, the greater",
    [f("x", [3, 5]), i64("i", [1], [-2]), f("u", [5])],
    { reduction: "max" },
    { opset: 18 },
  ],
  [
    "ScatterElements",
    "of bytes that wrap",
    [u8("x", [5]), i64("i", [3], [1, -4, 1]), u8("u", [3])],
    { reduction: "add" },
    { opset: 18 },
  ],
  ["ScatterElements", "of strings", [words("x", [3, 5]), i64("i", [2, 3], [0, 1, 2, 2, 0, 1]), words("u", [2, 3])], {}],
  ["ScatterND", "of strings", [words("x", [5, 2]), i64("i", [2, 1], [3, -5]), words("u", [2, 2])], {}],
  ["Transpose", "of strings", [words("x", [3, 2, 5])], { perm: [2, 0, 1] }],
  ["Split", "of strings", [words("x", [3, 7])], { axis: 1, num_outputs: 3 }, { outputs: 3 }],
  ["Tile", "of strings", [words("x", [2, 3]), i64("r", [2], [2, 3])]],
  ["Expand", "of strings", [words("x", [3, 1]), i64("r", [3], [2, 1, 5])]],
  ["Where", "of strings", [tensor("c", "bool", [3, 1], [1, 0, 1]), words("x", [3, 5]), words("y", [5])], {}, { fed: 3 }],
  ["OneHot", "of strings", [i64("i", [3], [1, -1, 0]), i64("d", [], [3]), words("v", [2])]],
  ["ReverseSequence", "of strings", [words("x", [5, 3]), i64("l", [3], [2, 5, 1])]],
  ["GatherND", "of strings", [words("x", [3, 5]), i64("i", [2, 2], [1, -2, -3, 4])]],
  [
    "Slice",
    "of strings backwards",
    [words("x", [3, 5]), i64("s", [1], [-1]), i64("e", [1], [-9]), i64("a", [1], [1]), i64("p", [1], [-2])],
  ],
  ["NonZero", "of a number", [u8("x", [])]],
  ["Range", "away from the limit", [i32("a", [], [5]), i32("b", [], [2]), i32("c", [], [1])], {}, { fed: 3 }],
  ["Range", "backwards, away from the limit", [i32("a", [], [2]), i32("b", [], [5]), i32("c", [], [-1])], {}, { fed: 3 }],
  ["Range", "of floats", [f64("a", -2.5), f64("b", 3), f64("c", 0.3)], {}, { fed: 3 }],
  ["Range", "of floats, away from the limit", [f64("a", 4.1), f64("b", -4.4), f64("c", 0.3)], {}, { fed: 3 }],
  ["Dropout", "a mask that is not filled", [f("x", [3, 5])], {}, { opset: 10, outputs: 2 }],
  ["Shrink", "of whole numbers", [i64("x", [5], [68, -3, 0, -70, 2])], { bias: float(1.93), lambd: float(1.5) }],
  ["Shrink", "of bytes", [u8("x", [7])], { bias: float(0.88), lambd: float(1.76) }],
  ["Flatten", "of no elements", [f("x", [3, 0, 5])], { axis: 2 }, { open: true }],
  ["DepthToSpace", "blocks of one", [f("x", [1, 3, 2, 5])], { blocksize: 1 }],
  [
    "Einsum",
    "sizes of one that broadcast",
    [f("x", [1, 2, 3, 5]), f("y", [7, 2, 5]), f("z", [1, 2, 5])],
    { equation: "...kj,...j,...i->...ki" },
    { opset: 12 },
  ],
  [
    "Slice",
    "bounds from both ends that cross",
    [f("x", [2, 5])],
    { starts: [-1], ends: [0], axes: [0] },
    { opset: 9, open: true },
  ],
  ["Slice", "a start behind the end", [f("x", [3, 5])], { starts: [4], ends: [2147483647], axes: [0] }, { opset: 9, open: true }],
  [
    "Slice",
    "backwards and forwards",
    [f("x", [3, 7]), i64("s", [2], [-1, 6]), i64("e", [2], [-9, -6]), i64("a", [2], [0, 1]), i64("p", [2], [-2, 1])],
    {},
    { open: true },
  ],
  [
    "Slice",
    "backwards as far as it goes",
    [f("x", [3, 5]), i64("s", [1], [-2]), i64("e", [1], [most]), i64("a", [1], [1]), i64("p", [1], [-1])],
  ],
  [
    "RegexFullMatch",
    "flags in front",
    [tensor("x", "string", [3], ["ABC", "abd", "aBcd"])],
    { pattern: "(?i)ab[c-d]" },
    { opset: 20 },
  ],
  [
    "NonMaxSuppression",
    "of batches that only the run counts",
    [boxes, scores, i64("m", [1], [2]), tensor("o", "float32", [1], [0.5]), tensor("t", "float32", [1], [0.15])],
    {},
    { fed: 2, open: true, opset: 11 },
  ],
  [
    "NonMaxSuppression",
    "by their middles",
    [boxes, scores, i64("m", [1], [3]), tensor("o", "float32", [1], [0.4])],
    { center_point_box: 1 },
    { fed: 2, open: true, opset: 11 },
  ],
])("%s, %s", async (op, _, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, inputs, attrs, ...more })).toEqual([]);
});
