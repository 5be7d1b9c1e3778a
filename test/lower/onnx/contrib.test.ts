import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, floats, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const f = (name: string, shape: number[], seed = name.charCodeAt(0)) =>
  tensor(name, "float32", shape, random(elementCount(shape), seed));
const u8 = (name: string, shape: number[]) =>
  tensor(name, "uint8", shape, randomInts(elementCount(shape), 0, 255, name.charCodeAt(0)));
const i32 = (name: string, shape: number[], values: number[]) => tensor(name, "int32", shape, values);

type Row = [
  op: string,
  variant: string,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];

// Batch 2, 3 queries, 2 heads of 4 features.
const [batch, queries, heads, width] = [2, 3, 2, 4];
const hidden = heads * width;
const x = f("x", [batch, queries, 5]);
const weights = f("w", [5, 3 * hidden]);
const bias = f("b", [3 * hidden]);
const q = f("q", [batch, queries, hidden]);
const k = f("k", [batch, 5, hidden]);
const v = f("v", [batch, 5, hidden]);
const n = { num_heads: heads };

it.each<Row>([
  ["FusedConv", "Relu", [f("x", [1, 3, 5, 4]), f("w", [2, 3, 3, 2]), f("b", [2])], { activation: "Relu", pads: [1, 0, 1, 1] }],
  [
    "FusedConv",
    "Clip and residual",
    [f("x", [1, 3, 5, 4]), f("w", [2, 3, 3, 2]), f("b", [2]), f("z", [1, 2, 3, 3])],
    { activation: "HardSigmoid", activation_params: floats([0.3, 0.4]) },
  ],
  [
    "FusedGemm",
    "LeakyRelu",
    [f("x", [2, 3]), f("w", [5, 3]), f("c", [5])],
    { transB: 1, alpha: float(0.3), activation: "LeakyRelu", activation_alpha: float(0.2) },
  ],
  ["FusedMatMul", "transposed", [f("x", [2, 3, 5]), f("y", [2, 7, 3])], { transA: 1, transB: 1, alpha: float(0.3) }, { fed: 2 }],
  ["FusedMatMul", "batches behind", [f("x", [3, 2, 5]), f("y", [5, 2, 7])], { transBatchA: 1, transBatchB: 1 }, { fed: 2 }],
  ["Gelu", "", [x]],
  ["BiasGelu", "", [x, f("b", [5])]],
  ["FastGelu", "", [x, f("b", [5])]],
  ["QuickGelu", "", [x], { alpha: float(1.3) }],
  [
    "SkipLayerNormalization",
    "all",
    [x, f("s", [batch, queries, 5]), f("g", [5]), f("h", [5]), f("b", [5])],
    { epsilon: float(0.01) },
  ],
  ["SkipSimplifiedLayerNormalization", "", [x, f("s", [batch, queries, 5]), f("g", [5])]],
  [
    "EmbedLayerNormalization",
    "",
    [
      i32("i", [2, 3], [1, 4, 0, 2, 2, 3]),
      i32("s", [2, 3], [0, 1, 1, 0, 0, 1]),
      f("w", [5, 7]),
      f("p", [4, 7]),
      f("t", [2, 7]),
      f("g", [7]),
      f("h", [7]),
      i32("m", [2, 3], [1, 1, 0, 1, 1, 1]),
    ],
    {},
    { outputs: 2, fed: 2 },
  ],
  ["Attention", "plain", [x, weights, bias], n],
  ["Attention", "lengths", [x, weights, bias, i32("m", [batch], [3, 2])], n],
  [
    "Attention",
    "raw mask, causal",
    [x, weights, bias, i32("m", [batch, queries], [1, 1, 0, 1, 1, 1])],
    { ...n, unidirectional: 1 },
  ],
  [
    "Attention",
    "past",
    [x, weights, bias, undefined, f("p", [2, batch, heads, 5, width])],
    { ...n, unidirectional: 1 },
    { outputs: 2 },
  ],
  [
    "Attention",
    "added bias and sizes",
    [x, f("w", [5, 2 * hidden + 6]), f("b", [2 * hidden + 6]), undefined, undefined, f("a", [1, heads, queries, queries])],
    { ...n, qkv_hidden_sizes: [hidden, hidden, 6] },
  ],
  ["MultiHeadAttention", "plain", [q, k, v], n, { fed: 3 }],
  [
    "MultiHeadAttention",
    "bias, mask, added",
    [q, k, v, bias, i32("m", [batch, 5], [1, 1, 0, 1, 1, 1, 1, 1, 1, 0]), f("a", [1, heads, queries, 5])],
    n,
    { fed: 3 },
  ],
  [
    "MultiHeadAttention",
    "past",
    [q, k, v, undefined, undefined, undefined, f("p", [batch, heads, 7, width]), f("r", [batch, heads, 7, width])],
    n,
    { fed: 3, outputs: 3 },
  ],
  [
    "RotaryEmbedding",
    "3-D",
    [q, tensor("i", "int64", [batch, queries], [3, 0, 5, 1, 2, 6]), f("c", [7, width / 2]), f("s", [7, width / 2])],
    {},
  ],
  [
    "RotaryEmbedding",
    "from an offset, interleaved",
    [f("x", [batch, heads, queries, width]), tensor("i", "int64", [1], [2]), f("c", [7, width / 2]), f("s", [7, width / 2])],
    { interleaved: 1 },
  ],
  [
    "GroupQueryAttention",
    "prompt",
    [f("q", [1, 3, 32]), f("k", [1, 3, 16]), f("v", [1, 3, 16]), undefined, undefined, i32("l", [1], [2]), i32("t", [], [3])],
    { num_heads: 4, kv_num_heads: 2 },
    { outputs: 3 },
  ],
  [
    "GroupQueryAttention",
    "continued at different lengths, rotary",
    [
      f("q", [2, 1, 64]),
      f("k", [2, 1, 32]),
      f("v", [2, 1, 32]),
      f("p", [2, 2, 5, 16]),
      f("r", [2, 2, 5, 16]),
      i32("l", [2], [5, 3]),
      i32("t", [], [6]),
      f("c", [9, 8]),
      f("s", [9, 8]),
    ],
    { num_heads: 4, kv_num_heads: 2, do_rotary: 1 },
    // Without these onnxruntime reads memory that nobody wrote.
    { outputs: 3 },
  ],
  ...[{ smooth_softmax: 1 }, {}].map(
    (smooth): Row => [
      "GroupQueryAttention",
      smooth.smooth_softmax ? "smooth softmax" : "a sink for each head",
      [
        f("q", [1, 3, 32]),
        f("k", [1, 3, 16]),
        f("v", [1, 3, 16]),
        ...[undefined, undefined],
        i32("l", [1], [2]),
        i32("t", [], [3]),
        ...[undefined, undefined, undefined, undefined],
        ...(smooth.smooth_softmax ? [] : [f("h", [4])]),
      ],
      { num_heads: 4, kv_num_heads: 2, ...smooth },
      { outputs: 3 },
    ],
  ),
  [
    "QAttention",
    "",
    [
      tensor("x", "uint8", [batch, queries, 5], randomInts(30, 0, 255, 3)),
      tensor("w", "int8", [5, 3 * hidden], randomInts(15 * hidden, -128, 127, 4)),
      bias,
      f("s", []),
      f("t", []),
      undefined,
      tensor("z", "uint8", [], [120]),
      tensor("y", "int8", [], [0]),
    ],
    n,
    { rtol: 1e-3 },
  ],
  [
    "MatMulNBits",
    "4 bits, packed zero points",
    [f("x", [2, 3, 40]), u8("w", [5, 3, 8]), f("s", [15]), u8("z", [10])],
    { K: 40, N: 5, bits: 4, block_size: 16 },
  ],
  ["MatMulNBits", "8 bits", [f("x", [3, 32]), u8("w", [5, 2, 16]), f("s", [10])], { K: 32, N: 5, bits: 8, block_size: 16 }],
  [
    "GatherBlockQuantized",
    "bytes",
    [u8("w", [4, 16]), tensor("i", "int64", [2, 2], [3, 0, 1, 2]), f("s", [4, 2])],
    { block_size: 16 },
    { fed: 0 },
  ],
  ["CDist", "", [f("x", [3, 5]), f("y", [4, 5])], { metric: "euclidean" }, { fed: 2 }],
])("%s %s", async (op, _, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, domain: "com.microsoft", inputs, attrs, ...more })).toEqual([]);
});
