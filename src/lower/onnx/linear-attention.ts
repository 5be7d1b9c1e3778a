/** LinearAttention, CausalConvWithState and FlexAttention: the newest members of the attention family. */
import type { Value } from "../../graph/graph.ts";
import { dtypeOfCode } from "../../graph/onnx-types.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, oneOf, optionalFloat, optionalInt, raw, required } from "../schema.ts";
import { swish } from "./activation.ts";
import { convolve } from "./conv.ts";
import { reshapeToSizes, type Size, sizeAt } from "./dims.ts";
import { attend } from "./scores.ts";

/** Steps that are written out. */
const maxSteps = 512;

interface LinearAttrs {
  readonly q_num_heads: number;
  readonly kv_num_heads: number;
  readonly scale: number;
  readonly update_rule: "gated_delta" | "linear" | "gated" | "delta";
}

const expand = (b: Builder, x: Value, axis: number): Value => b.op("ExpandDims", [x, b.scalar("int32", axis)]);

/** [B, T, H·D] as T values [B, H, D]. */
function steps(b: Builder, x: Value, heads: number, count: number, at: At): readonly Value[] {
  const width = x.shape[2];
  if (typeof width !== "number" || width % heads !== 0) throw at.invalid(`${heads} heads over a width of ${width ?? "?"}`);
  const split = reshapeToSizes(b, x, [sizeAt(b, x, 0), count, heads, width / heads]);
  return b.ops("Unpack", [split], { num: count, axis: 1 });
}

/** A state [B, H, Dk, Dv] that decays, takes in what each step adds, and is read by its query. */
function linearAttention(b: Builder, inputs: readonly (Value | undefined)[], a: LinearAttrs, at: At): readonly Value[] {
  const [query, key, value, past, decay, beta] = inputs as readonly [
    Value,
    Value,
    Value,
    Value | undefined,
    Value | undefined,
    Value | undefined,
  ];
  const count = query.shape[1];
  if (typeof count !== "number")
    throw at.unsupported("a sequence of a length that is not known", "give the input's shape with --input");
  if (count > maxSteps) throw at.unsupported(`a sequence of more than ${maxSteps} steps: ${count}`);
  const gated = a.update_rule.startsWith("gated");
  const delta = a.update_rule.endsWith("delta");
  if ((gated && !decay) || (delta && !beta)) throw at.invalid(`update_rule ${a.update_rule} without its gate`);
  const heads = a.kv_num_heads;
  const queries = steps(b, query, a.q_num_heads, count, at);
  const [keys, values] = [steps(b, key, heads, count, at), steps(b, value, heads, count, at)];
  const decays = gated ? steps(b, b.op("Exp", [decay!]), heads, count, at) : undefined;
  const betas = delta ? steps(b, beta!, heads, count, at) : undefined;
  const batch = sizeAt(b, query, 0);
  const [dk, dv] = [keys[0]!.shape[2] as number, values[0]!.shape[2] as number];
  const scale = b.scalar(query.dtype, a.scale === 0 ? 1 / Math.sqrt(dk) : a.scale);
  let state = past ?? b.op("Fill", [b.shapeVector([query.shape[0], heads, dk, dv], [[query, 0]]), b.scalar(query.dtype, 0)]);
  const outputs = queries.map((q, t) => {
    const decayed = decays ? b.op("Mul", [state, expand(b, decays[t]!, -1)]) : state;
    const column = expand(b, keys[t]!, -1);
    const written = betas ? b.op("Mul", [betas[t]!, b.op("Sub", [values[t]!, recalled(b, decayed, column)])]) : values[t]!;
    state = b.op("AddV2", [decayed, b.op("Mul", [column, expand(b, written, 2)])]);
    return b.op("Mul", [read(b, state, q, batch, a), scale]);
  });
  const stacked = b.op("Pack", outputs, { axis: 1, N: count });
  return [reshapeToSizes(b, stacked, [batch, count, a.q_num_heads * dv]), state];
}

/** What the state holds under a key: [B, H, Dv]. */
const recalled = (b: Builder, state: Value, column: Value): Value => b.reduce("Sum", b.op("Mul", [state, column]), [2], false);

/** The state read by queries [B, Hq, Dk], several of which may share a head of the state. */
function read(b: Builder, state: Value, q: Value, batch: Size, { q_num_heads, kv_num_heads }: LinearAttrs): Value {
  const [dk, dv] = [state.shape[2] as number, state.shape[3] as number];
  const rows = reshapeToSizes(b, q, [batch, kv_num_heads, q_num_heads / kv_num_heads, dk]);
  return reshapeToSizes(b, b.op("BatchMatMulV2", [rows, state]), [batch, q_num_heads, dv]);
}

/** A depthwise convolution that sees the past only; its last inputs are the state. */
function causalConv(
  b: Builder,
  [x, w, bias, past]: readonly (Value | undefined)[],
  activation: string,
  at: At,
): readonly Value[] {
  const [channels, , kernel] = w!.shape;
  if (typeof channels !== "number" || typeof kernel !== "number") throw at.unsupported("weights of unknown size");
  const zeros = () => b.op("Fill", [b.shapeVector([x!.shape[0], channels, kernel - 1], [[x!, 0]]), b.scalar(x!.dtype, 0)]);
  const all = kernel === 1 ? x! : b.concat([past ?? zeros(), x!], 2);
  const attrs = {
    auto_pad: "NOTSET" as const,
    strides: undefined,
    dilations: undefined,
    pads: undefined,
    kernel_shape: undefined,
    group: channels,
  };
  const y = convolve(b, all, w!, bias, attrs, at);
  const start = b.op("Sub", [b.dim(all, 2), b.ints([kernel - 1])]);
  const state = b.op("Slice", [all, b.concat([b.ints([0, 0]), start], 0), b.ints([-1, -1, kernel - 1])]);
  return [activation === "none" ? y : swish(b, y, 1), state];
}

/** The function that an optional graph attribute holds. */
function modifier(attr: SourceAttr | undefined, at: At): ((x: Value) => Value) | undefined {
  if (attr === undefined) return undefined;
  if (attr.kind !== "graph") throw at.invalid(`a function that is of type ${attr.kind}`);
  return (x) => {
    const [y] = at.inline(attr.value, [x]);
    if (!y) throw at.invalid("a function without a result");
    return y;
  };
}

function flexAttention(b: Builder, q: Value, k: Value, v: Value, a: FlexAttrs, at: At): Value {
  const width = q.shape[3];
  if (a.scale === undefined && typeof width !== "number") throw at.unsupported("heads of unknown width");
  const softmaxType =
    (a.softmax_precision && dtypeOfCode(a.softmax_precision)) || (q.dtype === "float64" ? "float64" : "float32");
  const scale = a.scale ?? 1 / Math.sqrt(width as number);
  return attend(b, { q, k, v, scale, softmaxType, onScores: modifier(a.score_mod, at), onShares: modifier(a.prob_mod, at) }).y;
}

interface FlexAttrs {
  readonly scale: number | undefined;
  readonly softmax_precision: number | undefined;
  readonly score_mod: SourceAttr | undefined;
  readonly prob_mod: SourceAttr | undefined;
}

const linearAttrs = {
  q_num_heads: required(int(0)),
  kv_num_heads: required(int(0)),
  scale: float(0),
  update_rule: oneOf("gated_delta", "linear", "gated", "delta"),
  chunk_size: int(64),
};

export const linearAttentions: readonly Rule[] = [
  rule("LinearAttention", { domain: "com.microsoft", since: 1, arity: [3, 6], attrs: linearAttrs }, (b, inputs, a, at) =>
    linearAttention(b, inputs, a, at),
  ),
  rule(
    "CausalConvWithState",
    {
      domain: "com.microsoft",
      since: 1,
      arity: [2, 4],
      attrs: {
        activation: oneOf("none", "silu", "swish"),
        ndim: int(1),
        dilation: int(1),
        channels_last: bool(false),
        state_window: int(0),
      },
    },
    (b, inputs, a, at) => {
      if (a.ndim !== 1 || a.dilation !== 1 || a.channels_last || a.state_window !== 0)
        throw at.unsupported("a causal convolution that is dilated, of several axes, channels last, or with a window of states");
      return causalConv(b, inputs, a.activation, at);
    },
  ),
  rule("LinearAttention", { since: 27, arity: [3, 6], attrs: linearAttrs }, (b, inputs, a, at) =>
    linearAttention(b, inputs, a, at),
  ),
  rule(
    "CausalConvWithState",
    { since: 27, arity: [2, 4], attrs: { activation: oneOf("none", "silu", "swish") } },
    (b, inputs, a, at) => causalConv(b, inputs, a.activation, at),
  ),
  rule(
    "FlexAttention",
    {
      domain: "ai.onnx.preview",
      since: 1,
      arity: [3, 3],
      attrs: { scale: optionalFloat(), softmax_precision: optionalInt(), score_mod: raw(), prob_mod: raw() },
    },
    (b, [q, k, v], a, at) => [flexAttention(b, q, k, v, a, at)],
  ),
];
