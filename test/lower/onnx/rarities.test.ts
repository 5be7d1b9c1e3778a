/** Operators that few exporters write: onnxruntime's own of one row each, and experimental ones that old files still hold. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AttrValue, float, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { AgainstOrt, type Trial } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const size = (shape: readonly number[]) => shape.reduce((n, dim) => n * dim, 1);
const f = (name: string, shape: number[]) => tensor(name, "float32", shape, random(size(shape), name.charCodeAt(0)));
const u8 = (name: string, shape: number[]) => tensor(name, "uint8", shape, randomInts(size(shape), 0, 255, name.charCodeAt(0)));
const scale = (name: string, of: number) => tensor(name, "float32", [], [of]);
const zero = (name: string, at: number) => tensor(name, "uint8", [], [at]);
const words = tensor("x", "string", [2, 2], ["to be, or", "not", "to be", ""]);
const i32 = (name: string, shape: number[], values: number[]) => tensor(name, "int32", shape, values);

type Row = [op: string, variant: string, inputs: TensorSpec[], attrs?: Record<string, AttrValue>, more?: Partial<Trial>];

it.each<Row>([
  ["ExpandDims", "", [f("x", [3, 5]), i32("a", [], [1])]],
  ["ExpandDims", "from the end", [f("x", [3, 5]), i32("a", [], [-1])]],
  ["Inverse", "", [f("x", [2, 3, 3])], {}, { rtol: 1e-3 }],
  ["TransposeMatMul", "", [f("x", [2, 5, 3]), f("y", [2, 5, 7])], { transA: 1, alpha: float(0.7) }, { fed: 2 }],
  ["NhwcMaxPool", "", [u8("x", [1, 7, 5, 3])], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }],
  ["Tokenizer", "separators", [words], { mark: 1, mincharnum: 1, pad_value: "#", separators: [" ", ","] }],
  ["Tokenizer", "characters", [words], { mark: 0, mincharnum: 1, pad_value: "#", separators: [""] }],
  ["Tokenizer", "expression", [words], { mark: 0, mincharnum: 2, pad_value: "#", tokenexp: "[a-z]+" }],
  [
    "QLinearSoftmax",
    "",
    [u8("x", [3, 7]), scale("s", 0.05), zero("z", 120), scale("t", 1 / 256), zero("o", 0)],
    { axis: -1, opset: 13 },
    { steps: 1 },
  ],
  [
    "QLinearWhere",
    "",
    [
      tensor("c", "bool", [3, 5], randomInts(15, 0, 1, 7)),
      u8("x", [3, 5]),
      scale("s", 0.05),
      zero("z", 120),
      u8("y", [5]),
      scale("t", 0.03),
      zero("u", 90),
      scale("v", 0.07),
      zero("w", 100),
    ],
    {},
    { steps: 1 },
  ],
])("com.microsoft %s %s", async (op, _, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, domain: "com.microsoft", inputs, attrs, ...more })).toEqual([]);
});

it.each<Row>([
  ["Scale", "", [f("x", [3, 5])], { scale: float(1.7) }],
  ["ParametricSoftplus", "", [f("x", [3, 5])], { alpha: float(0.7), beta: float(1.3) }],
  ["SimplifiedLayerNormalization", "", [f("x", [3, 5, 7]), f("s", [7])], { axis: -1, epsilon: float(0.01) }],
])("%s %s", async (op, _, inputs, attrs = {}, more = {}) => {
  // onnxruntime forgets them where a model asks for opset 10 or later.
  expect(await ort.differences({ op, opset: 9, inputs, attrs, ...more })).toEqual([]);
});
