/**
 * MoE and QMoE of com.microsoft: a router's best experts, each two layers, share a token. Every expert computes every token, and those
 * that were not chosen get a share of 0: products of whole batches, where picking weights token by token would move more than it saves.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, oneOf, optionalFloat } from "../schema.ts";
import { swish, tanhGelu } from "./activation.ts";
import { reshapeToSizes, sizeAt } from "./dims.ts";
import { weightsOf } from "./nbits.ts";

const domain = "com.microsoft";

const attrs = {
  activation_type: oneOf("relu", "gelu", "silu", "swiglu", "identity"),
  k: int(1),
  normalize_routing_weights: bool(false),
  use_sparse_mixer: bool(false),
  swiglu_fusion: int(0),
  swiglu_limit: optionalFloat(),
  activation_alpha: float(1),
  activation_beta: float(0),
};

interface Attrs {
  readonly activation_type: "relu" | "gelu" | "silu" | "swiglu" | "identity";
  readonly k: number;
  readonly normalize_routing_weights: boolean;
  readonly use_sparse_mixer: boolean;
  readonly swiglu_fusion: number;
  readonly swiglu_limit: number | undefined;
  readonly activation_alpha: number;
  readonly activation_beta: number;
}

/** Weights [E, out, in], bias [E, out]. */
interface Layer {
  readonly weights: Value;
  readonly bias: Value | undefined;
}

/** [E, N, 1]: the share that each expert has of each token. */
function shares(b: Builder, logits: Value, a: Attrs, at: At): Value {
  const experts = logits.shape[1];
  if (typeof experts !== "number") throw at.unsupported("an unknown number of experts");
  const [values, chosen] = b.ops("TopKV2", [b.op("Softmax", [logits]), b.scalar("int32", a.k)], { sorted: true }) as [
    Value,
    Value,
  ];
  const taken = a.normalize_routing_weights ? b.op("RealDiv", [values, b.reduce("Sum", values, [1], true)]) : values;
  const hot = b.op("OneHot", [chosen, b.scalar("int32", experts), b.scalar(logits.dtype, 1), b.scalar(logits.dtype, 0)], {
    axis: -1,
  });
  const all = b.reduce("Sum", b.op("Mul", [hot, b.op("ExpandDims", [taken, b.scalar("int32", 2)])]), [1], false);
  return b.op("ExpandDims", [b.transpose(all, [1, 0]), b.scalar("int32", 2)]);
}

/** x [E or 1, N, in] → [E, N, out] */
function layer(b: Builder, x: Value, { weights, bias }: Layer): Value {
  const y = b.op("BatchMatMulV2", [x, b.transpose(weights, [0, 2, 1])], { adj_x: false, adj_y: false });
  return bias ? b.op("AddV2", [y, b.op("ExpandDims", [bias, b.scalar("int32", 1)])]) : y;
}

/** Gate and value stand side by side in pairs (1) or in halves (2). */
function swiglu(b: Builder, x: Value, a: Attrs, at: At): Value {
  const width = x.shape[2];
  if (typeof width !== "number" || width % 2 !== 0) throw at.invalid(`swiglu over a width of ${width ?? "?"}`);
  if (a.swiglu_fusion !== 1 && a.swiglu_fusion !== 2) throw at.unsupported(`swiglu_fusion ${a.swiglu_fusion}`);
  const pairs = a.swiglu_fusion === 1 ? [width / 2, 2] : [2, width / 2];
  const split = reshapeToSizes(b, x, [sizeAt(b, x, 0), sizeAt(b, x, 1), ...pairs]);
  const [gate, value] = b.ops("Unpack", [split], { num: 2, axis: a.swiglu_fusion === 1 ? 3 : 2 }) as [Value, Value];
  const limit = a.swiglu_limit;
  const bound = (sign: number) => b.scalar(x.dtype, sign * (limit ?? 0));
  const g = limit === undefined ? gate : b.op("Minimum", [gate, bound(1)]);
  const v = limit === undefined ? value : b.op("Minimum", [b.op("Maximum", [value, bound(-1)]), bound(1)]);
  return b.op("Mul", [swish(b, g, a.activation_alpha), b.op("AddV2", [v, b.scalar(x.dtype, a.activation_beta)])]);
}

function activated(b: Builder, x: Value, a: Attrs, at: At): Value {
  switch (a.activation_type) {
    case "relu":
      return b.op("Relu", [x]);
    case "gelu":
      return tanhGelu(b, x);
    case "silu":
      return swish(b, x, 1);
    case "swiglu":
      return swiglu(b, x, a, at);
    case "identity":
      return x;
  }
}

function mixture(
  b: Builder,
  x: Value,
  router: Value,
  layers: readonly [Layer, Layer, Layer | undefined],
  a: Attrs,
  at: At,
): Value {
  if (a.use_sparse_mixer) throw at.unsupported("a router of SparseMixer (use_sparse_mixer)");
  const width = x.shape[x.rank - 1];
  if (typeof width !== "number") throw at.unsupported("tokens of unknown width");
  const [first, second, third] = layers;
  const tokens = b.op("ExpandDims", [b.reshape(x, [-1, width]), b.scalar("int32", 0)]);
  const inner = activated(b, layer(b, tokens, first), a, at);
  const y = layer(b, third ? b.op("Mul", [inner, layer(b, tokens, third)]) : inner, second);
  const sum = b.reduce("Sum", b.op("Mul", [y, shares(b, router, a, at)]), [0], false);
  return reshapeToSizes(
    b,
    sum,
    x.shape.map((_, i) => sizeAt(b, x, i)),
  );
}

/** Codes [E, out, in·bits/8] as [E, out, in]: each row has one scale, or one for each block. */
function real(b: Builder, codes: Value, scales: Value, zeros: Value | undefined, bits: number, block: number, at: At): Value {
  const shape = codes.staticShape;
  if (shape?.length !== 3) throw at.unsupported("weights of unknown shape");
  const [experts, rows, bytes] = shape as [number, number, number];
  const K = (bytes * 8) / bits;
  const whole = weightsOf(b, codes, scales, zeros, { K, N: experts * rows, bits, block_size: block > 0 ? block : K }, at);
  return b.reshape(whole, [experts, rows, K]);
}

export const experts: readonly Rule[] = [
  rule("MoE", { domain, since: 1, arity: [3, 8], attrs }, (b, [x, router, w1, b1, w2, b2, w3, b3], a, at) => {
    if (!w2) throw at.invalid("an expert without weights");
    const third = w3 && { weights: w3, bias: b3 };
    return [mixture(b, x, router, [{ weights: w1, bias: b1 }, { weights: w2, bias: b2 }, third], a, at)];
  }),
  rule(
    "QMoE",
    { domain, since: 1, arity: [3, 15], attrs: { ...attrs, expert_weight_bits: int(4), block_size: int(0) } },
    (b, inputs, a, at) => {
      const [x, router] = inputs as readonly Value[];
      const one = (i: number, zeros: Value | undefined): Layer | undefined => {
        const [codes, scales, bias] = inputs.slice(i, i + 3);
        return codes && scales && { weights: real(b, codes, scales, zeros, a.expert_weight_bits, a.block_size, at), bias };
      };
      const [first, second, third] = [one(2, inputs[11]), one(5, inputs[12]), one(8, inputs[13])];
      if (!first || !second) throw at.invalid("an expert without weights");
      // Here onnxruntime always shares out between the chosen alone.
      return [mixture(b, x!, router!, [first, second, third], { ...a, normalize_routing_weights: true }, at)];
    },
  ),
];
