/** Operators that few exporters write: onnxruntime's own of one row each, and experimental ones that old files still hold. */
import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, node, onnxModel, type TensorSpec, tensor, untyped, value } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const f = (name: string, shape: number[]) => tensor(name, "float32", shape, random(elementCount(shape), name.charCodeAt(0)));
const u8 = (name: string, shape: number[]) =>
  tensor(name, "uint8", shape, randomInts(elementCount(shape), 0, 255, name.charCodeAt(0)));
const scale = (name: string, of: number) => tensor(name, "float32", [], [of]);
const zero = (name: string, at: number) => tensor(name, "uint8", [], [at]);
const words = tensor("x", "string", [2, 2], ["to be, or", "not", "to be", ""]);
const i32 = (name: string, shape: number[], values: number[]) => tensor(name, "int32", shape, values);

const boxes = tensor("b", "float32", [3, 4], [0.1, 0.2, 0.9, 0.7, 0, 0, 1, 1, -0.2, 0.3, 1.1, 0.8]);

type Row = [
  op: string,
  variant: string,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];

it.each<Row>([
  ["ExpandDims", "", [f("x", [3, 5]), i32("a", [], [1])]],
  ["ExpandDims", "from the end", [f("x", [3, 5]), i32("a", [], [-1])]],
  ["Inverse", "", [f("x", [2, 3, 3])], {}, { rtol: 1e-3 }],
  ["TransposeMatMul", "", [f("x", [2, 5, 3]), f("y", [2, 5, 7])], { transA: 1, alpha: float(0.7) }, { fed: 2 }],
  ["NhwcMaxPool", "", [u8("x", [1, 7, 5, 3])], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }],
  ["Unique", "", [tensor("x", "float32", [7], [3, 1, 1, -2, 3, 3, 5])], {}, { outputs: 3 }],
  ["UnfoldTensor", "", [f("x", [2, 9, 3])], { dim: 1, size: 4, step: 2 }],
  ["UnfoldTensor", "of an open size", [f("x", [2, 3, 9])], { size: 4, step: 3 }, { open: true }],
  [
    "CropAndResize",
    "",
    [f("x", [2, 3, 7, 5]), boxes, i32("i", [3], [1, 0, 1]), i32("s", [2], [4, 3])],
    { extrapolation_value: float(0.5) },
  ],
  [
    "CropAndResize",
    "nearest",
    [f("x", [2, 3, 7, 5]), boxes, i32("i", [3], [1, 0, 1]), i32("s", [2], [4, 3])],
    { mode: "nearest" },
  ],
  ...["int32", "int64", "uint64", "float32"].flatMap((dtype): Row[] => [
    [
      "MurmurHash3",
      dtype,
      [tensor("x", dtype as "int32", [3, 2], dtype === "float32" ? random(6, 3) : [5, 0, 77, 123456, 2147483647, 9])],
      { positive: 0, seed: 7 },
    ],
  ]),
  ["MurmurHash3", "text", [tensor("x", "string", [5], ["", "a", "to be", "Ünder", "or not to be"])], { positive: 0, seed: 42 }],
  ...[0, 1].map(
    (quant_type): Row => [
      "MatMulBnb4",
      `type ${quant_type}`,
      [f("x", [3, 20]), u8("w", [70]), tensor("m", "float32", [9], Array.from(random(9, 4), Math.abs))],
      { K: 20, N: 7, block_size: 16, quant_type },
    ],
  ),
  [
    "CausalConvWithState",
    "",
    [f("x", [2, 3, 7]), f("w", [3, 1, 4]), f("b", [3]), f("p", [2, 3, 3])],
    { activation: "silu" },
    { outputs: 2 },
  ],
  ["CausalConvWithState", "bare", [f("x", [2, 3, 7]), f("w", [3, 1, 2])], {}, { outputs: 2 }],
  ...["linear", "gated", "delta", "gated_delta"].map(
    (update_rule): Row => [
      "LinearAttention",
      update_rule,
      [
        f("q", [2, 5, 12]),
        f("k", [2, 5, 12]),
        f("v", [2, 5, 9]),
        f("s", [2, 3, 4, 3]),
        ...(update_rule.startsWith("gated")
          ? [
              tensor(
                "d",
                "float32",
                [2, 5, 3],
                Array.from(random(30, 6), (v) => -Math.abs(v)),
              ),
            ]
          : [undefined]),
        ...(update_rule.endsWith("delta") ? [f("b", [2, 5, 3])] : []),
      ],
      { q_num_heads: 3, kv_num_heads: 3, update_rule },
      { outputs: 2 },
    ],
  ),
  [
    "ConvTransposeWithDynamicPads",
    "",
    [f("x", [1, 2, 4, 5]), f("w", [2, 3, 3, 2]), tensor("p", "int64", [4], [1, 0, 1, 1]), f("b", [3])],
    { strides: [2, 1] },
  ],
  [
    "NGramRepeatBlock",
    "",
    [tensor("x", "int64", [2, 7], [1, 2, 3, 1, 2, 4, 1, 5, 5, 5, 0, 5, 5, 5]), f("s", [2, 6])],
    { ngram_size: 2 },
    { fed: 2 },
  ],
  ["NGramRepeatBlock", "of one", [tensor("x", "int64", [1, 3], [1, 2, 4]), f("s", [1, 6])], { ngram_size: 1 }, { fed: 2 }],
  ["DynamicTimeWarping", "", [f("x", [1, 7, 5])]],
  [
    "QEmbedLayerNormalization",
    "",
    [
      i32("i", [2, 3], [4, 0, 6, 1, 1, 5]),
      i32("s", [2, 3], [0, 1, 1, 0, 0, 1]),
      ...[u8("w", [7, 8]), u8("p", [5, 8]), u8("q", [2, 8]), u8("g", [8]), u8("b", [8])],
      i32("m", [2, 3], [1, 1, 0, 1, 1, 1]),
      ...[scale("c", 0.01), scale("d", 0.02), scale("e", 0.005), scale("f", 0.01), scale("h", 0.02)],
      ...[zero("j", 120), zero("k", 100), zero("l", 130), zero("n", 90), zero("o", 128)],
    ],
    {},
    { outputs: 2, fed: 2 },
  ],
  ["GatherND", "", [f("x", [3, 4, 5]), tensor("i", "int64", [2, 2], [2, 0, 1, 3])]],
  [
    "GridSample",
    "",
    [f("x", [2, 3, 5, 4]), f("g", [2, 3, 2, 2])],
    { align_corners: 1, mode: "bilinear", padding_mode: "border" },
    { fed: 2 },
  ],
  ["Pad", "", [f("x", [3, 5]), tensor("p", "int64", [4], [1, 0, 2, 3]), f("v", [1])], { mode: "constant" }],
  ["Range", "", [0, 11, 3].map((at, i) => tensor(`r${i}`, "float32", [], [at])), {}, { fed: 3 }],
  ["Trilu", "", [f("x", [2, 4, 5]), tensor("k", "int64", [], [-1])], { upper: 0 }],
  [
    "QLinearConv",
    "",
    [
      ...[u8("x", [1, 3, 6, 5]), scale("s", 0.02), zero("z", 120), u8("w", [4, 3, 3, 2]), scale("t", 0.01), zero("u", 110)],
      ...[scale("o", 0.3), zero("v", 128)],
    ],
    { strides: [2, 1] },
    { steps: 1 },
  ],
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
  ["ScaledTanh", "", [f("x", [3, 5])], { alpha: float(0.7), beta: float(1.3) }],
  ["ParametricSoftplus", "", [f("x", [3, 5])], { alpha: float(0.7), beta: float(1.3) }],
  ["SimplifiedLayerNormalization", "", [f("x", [3, 5, 7]), f("s", [7])], { axis: -1, epsilon: float(0.01) }],
])("%s %s", async (op, _, inputs, attrs = {}, more = {}) => {
  // onnxruntime forgets them where a model asks for opset 10 or later.
  expect(await ort.differences({ op, opset: 9, inputs, attrs, ...more })).toEqual([]);
});

it("what is kept of a hash without a sign", async () => {
  const x = tensor("x", "string", [5], ["", "a", "to be", "Ünder", "or not to be"]);
  const u64 = (name: string, at: number) => tensor(name, "uint64", [], [at]);
  const bytes = onnxModel({
    ir: 8,
    opsets: { "": 18, "com.microsoft": 1 },
    graph: {
      inputs: [value("x", "string", [5])],
      outputs: ["shifted", "left", "masked"].map(untyped),
      initializers: [u64("by", 44), tensor("n", "uint32", [], [1000]), tensor("mask", "uint32", [1], [1023])],
      nodes: [
        node("MurmurHash3", ["x"], ["h"], { seed: 3 }, "hash", { domain: "com.microsoft" }),
        node("Cast", ["h"], ["wide"], { to: 13 }),
        node("BitShift", ["wide", "by"], ["l"], { direction: "LEFT" }),
        node("BitShift", ["l", "by"], ["r"], { direction: "RIGHT" }),
        node("Cast", ["r"], ["shifted"], { to: 7 }),
        node("Mod", ["h", "n"], ["m"]),
        node("Cast", ["m"], ["left"], { to: 7 }),
        node("BitwiseAnd", ["h", "mask"], ["a"]),
        node("Cast", ["a"], ["masked"], { to: 7 }),
      ],
    },
  });
  expect(await ort.modelDifferences(bytes, [x], ["shifted", "left", "masked"])).toEqual([]);
});
