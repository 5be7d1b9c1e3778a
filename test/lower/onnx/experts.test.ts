/** Mixtures of experts, and attention over a cache that is longer than what it holds. */
import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const f = (name: string, shape: number[]) => tensor(name, "float32", shape, random(elementCount(shape), name.charCodeAt(0)));
const u8 = (name: string, shape: number[]) =>
  tensor(name, "uint8", shape, randomInts(elementCount(shape), 0, 255, name.charCodeAt(0)));
const small = (name: string, shape: number[]) =>
  tensor(
    name,
    "float32",
    shape,
    random(elementCount(shape), name.charCodeAt(0)).map((x) => 0.003 + Math.abs(x) / 100),
  );

type Row = [
  op: string,
  variant: string,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];

const swiglu = {
  activation_type: "swiglu",
  swiglu_fusion: 1,
  activation_alpha: float(1.7),
  activation_beta: float(1),
  swiglu_limit: float(1.5),
};
const cache = [f("c", [2, 3, 7, 4]), f("d", [2, 3, 7, 4])];
const length = tensor("l", "int32", [1], [5]);

it.each<Row>([
  ...["relu", "gelu", "silu", "identity"].map(
    (activation_type): Row => [
      "MoE",
      activation_type,
      [f("x", [2, 5, 3]), f("r", [10, 4]), f("w", [4, 7, 3]), f("a", [4, 7]), f("v", [4, 3, 7]), f("b", [4, 3])],
      { activation_type, k: 2 },
      { fed: 2 },
    ],
  ),
  [
    "MoE",
    "swiglu, shares of the chosen",
    [f("x", [5, 3]), f("r", [5, 4]), f("w", [4, 14, 3]), undefined, f("v", [4, 3, 7])],
    { ...swiglu, k: 3, normalize_routing_weights: 1 },
    { fed: 2 },
  ],
  [
    "QMoE",
    "of 4 bits",
    [
      f("x", [3, 32]),
      f("r", [3, 4]),
      u8("w", [4, 32, 16]),
      small("s", [4, 32]),
      f("a", [4, 32]),
      u8("v", [4, 32, 16]),
      small("t", [4, 32]),
    ],
    { activation_type: "silu", k: 2 },
    { fed: 2, rtol: 1e-3 },
  ],
  [
    "QMoE",
    "of 8 bits",
    [
      f("x", [3, 32]),
      f("r", [3, 4]),
      u8("w", [4, 64, 32]),
      small("s", [4, 64]),
      undefined,
      u8("v", [4, 32, 32]),
      small("t", [4, 32]),
      f("b", [4, 32]),
    ],
    { activation_type: "swiglu", swiglu_fusion: 1, k: 1, expert_weight_bits: 8 },
    { fed: 2, rtol: 1e-3 },
  ],
  [
    "DecoderMaskedMultiHeadAttention",
    "in a buffer",
    [f("q", [2, 1, 12]), f("k", [2, 1, 12]), f("v", [2, 1, 12]), undefined, undefined, ...cache, length],
    { num_heads: 3, past_present_share_buffer: 1 },
    { fed: 3, outputs: 3 },
  ],
  [
    "MatMulNBits",
    "columns that name their blocks",
    [f("x", [3, 40]), u8("w", [5, 3, 8]), small("s", [5, 3]), undefined, tensor("g", "int32", [40], randomInts(40, 0, 2, 9))],
    { K: 40, N: 5, bits: 4, block_size: 16 },
  ],
  [
    "MatMulNBits",
    "columns that name their blocks and zero points",
    [
      f("x", [3, 40]),
      u8("w", [5, 3, 8]),
      small("s", [5, 3]),
      f("z", [5, 3]),
      tensor("g", "int32", [40], randomInts(40, 0, 2, 9)),
    ],
    { K: 40, N: 5, bits: 4, block_size: 16 },
  ],
  ["FusedGemm", "Elu", [f("x", [3, 5]), f("y", [5, 7]), f("z", [7])], { activation: "Elu", activation_alpha: float(0.6) }],
  ["FusedGemm", "Softsign", [f("x", [3, 5]), f("y", [5, 7]), f("z", [7])], { activation: "Softsign" }],
])("%s, %s", async (op, _, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, domain: "com.microsoft", inputs, attrs, ...more })).toEqual([]);
});
