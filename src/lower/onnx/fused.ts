/** What onnxruntime's optimiser makes of several ops: convolutions and products with an activation, the Gelu family. All of com.microsoft. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, floats, int, optionalFloat, optionalString } from "../schema.ts";
import { elu, erfGelu, hardSigmoid, swish, tanhGelu } from "./activation.ts";
import { convAttrs, convolve } from "./conv.ts";
import { gemm, matmul, scaled } from "./matmul.ts";

const domain = "com.microsoft";

/** The activation at the end, with its parameters in the order of the ONNX operator's attributes. */
function activate(b: Builder, x: Value, name: string | undefined, parameters: readonly (number | undefined)[], at: At): Value {
  const [p, q] = parameters;
  switch (name) {
    case undefined:
    case "":
      return x;
    case "Relu":
    case "Sigmoid":
    case "Tanh":
    case "Softplus":
      return b.op(name, [x]);
    case "Softsign":
      return b.op("RealDiv", [x, b.op("AddV2", [b.op("Abs", [x]), b.scalar(x.dtype, 1)])]);
    case "ThresholdedRelu":
      return b.op("SelectV2", [b.op("Greater", [x, b.scalar(x.dtype, p ?? 1)]), x, b.scalar(x.dtype, 0)]);
    case "LeakyRelu":
      return b.op("LeakyRelu", [x], { alpha: p ?? 0.01 });
    case "Elu":
      return elu(b, x, p ?? 1);
    case "HardSigmoid":
      return hardSigmoid(b, x, p ?? 0.2, q ?? 0.5);
    case "Clip":
      return b.op("ClipByValue", [
        x,
        b.scalar(x.dtype, p ?? -3.4028234663852886e38),
        b.scalar(x.dtype, q ?? 3.4028234663852886e38),
      ]);
  }
  throw at.unsupported(`activation ${name}`);
}

/** Moves axes so that the matrix axes come last: transBatch means that the batch axes follow the first matrix axis. */
function batchFirst(b: Builder, x: Value, swapped: boolean): Value {
  if (!swapped || x.rank < 3) return x;
  const batch = Array.from({ length: x.rank - 2 }, (_, i) => i + 1);
  return b.transpose(x, [...batch, 0, x.rank - 1]);
}

const swap = (b: Builder, x: Value, transposed: boolean): Value =>
  transposed && x.rank >= 2 ? b.transpose(x, [...x.shape.map((_, i) => i).slice(0, -2), x.rank - 1, x.rank - 2]) : x;

interface Product {
  readonly alpha: number;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly transBatchA: boolean;
  readonly transBatchB: boolean;
}

function fusedMatMul(b: Builder, x: Value, y: Value, a: Product, at: At): Value {
  const left = swap(b, batchFirst(b, x, a.transBatchA), a.transA);
  const right = swap(b, batchFirst(b, y, a.transBatchB), a.transB);
  return right.node.constant ? matmul(b, left, scaled(b, right, a.alpha), at) : scaled(b, matmul(b, left, right, at), a.alpha);
}

const productAttrs = {
  alpha: float(1),
  transA: bool(false),
  transB: bool(false),
  transBatchA: bool(false),
  transBatchB: bool(false),
};

const plus = (b: Builder, x: Value, y: Value | undefined): Value => (y ? b.op("AddV2", [x, y]) : x);

const fusedConv: Rule = rule(
  "FusedConv",
  { domain, since: 1, arity: [2, 4], attrs: { ...convAttrs, activation: optionalString(), activation_params: floats() } },
  (b, [x, w, bias, residual], a, at) => {
    const y = plus(b, convolve(b, x, w, bias, a, at), residual);
    return [activate(b, y, a.activation, a.activation_params ?? [], at)];
  },
);

const fusedGemm: Rule = rule(
  "FusedGemm",
  {
    domain,
    since: 1,
    arity: [2, 3],
    attrs: {
      alpha: float(1),
      beta: float(1),
      transA: bool(false),
      transB: bool(false),
      activation: optionalString(),
      activation_alpha: optionalFloat(),
      activation_beta: optionalFloat(),
      activation_gamma: optionalFloat(),
    },
  },
  (b, [x, y, c], a, at) => [activate(b, gemm(b, x, y, c, a), a.activation, [a.activation_alpha, a.activation_beta], at)],
);

export const fused: readonly Rule[] = [
  fusedConv,
  fusedGemm,
  rule("FusedMatMul", { domain, since: 1, arity: [2, 2], attrs: productAttrs }, (b, [x, y], a, at) => [
    fusedMatMul(b, x, y, a, at),
  ]),
  rule("TransposeMatMul", { domain, since: 1, arity: [2, 2], attrs: productAttrs }, (b, [x, y], a, at) => [
    fusedMatMul(b, x, y, a, at),
  ]),
  rule(
    "FusedMatMulActivation",
    {
      domain,
      since: 1,
      arity: [2, 2],
      attrs: {
        ...productAttrs,
        activation: optionalString(),
        activation_alpha: optionalFloat(),
        activation_beta: optionalFloat(),
        activation_gamma: optionalFloat(),
        activation_axis: int(0),
      },
    },
    (b, [x, y], a, at) => {
      const product = fusedMatMul(b, x, y, a, at);
      if (a.activation !== "Softmax") return [activate(b, product, a.activation, [a.activation_alpha, a.activation_beta], at)];
      if (a.activation_axis !== -1 && a.activation_axis !== product.rank - 1)
        throw at.unsupported(`activation Softmax over axis ${a.activation_axis}`);
      return [b.op("Softmax", [product])];
    },
  ),
  rule("Gelu", { domain, since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => [erfGelu(b, x)]),
  rule("BiasGelu", { domain, since: 1, arity: [2, 2], attrs: {} }, (b, [x, bias]) => [erfGelu(b, plus(b, x, bias))]),
  rule("FastGelu", { domain, since: 1, arity: [1, 2], attrs: {} }, (b, [x, bias]) => [tanhGelu(b, plus(b, x, bias))]),
  rule("QuickGelu", { domain, since: 1, arity: [1, 1], attrs: { alpha: float(1.702) } }, (b, [x], a) => [swish(b, x, a.alpha)]),
  rule("BiasAdd", { domain, since: 1, arity: [3, 3], attrs: {} }, (b, [x, bias, skip]) => [plus(b, plus(b, x, bias), skip)]),
  rule("GemmFastGelu", { domain, since: 1, arity: [2, 3], attrs: {} }, (b, [x, y, bias], _, at) => [
    tanhGelu(b, plus(b, matmul(b, x, y, at), bias)),
  ]),
  rule("BiasSplitGelu", { domain, since: 1, arity: [2, 2], attrs: {} }, (b, [x, bias], _, at) => {
    const sum = plus(b, x, bias);
    const width = sum.shape[sum.rank - 1];
    if (typeof width !== "number") throw at.unsupported("a split of unknown width");
    const [value, gate] = b.ops("Split", [b.scalar("int32", sum.rank - 1), sum], { num_split: 2 });
    return [b.op("Mul", [value!, erfGelu(b, gate!)])];
  }),
];
