/** Attention over one axis of steps: of one head (Attention, AdditiveAttention is not there) or of several (MultiHeadAttention). */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { LayerCall, LayerFn, Layers } from "./layer.ts";

/** softmax(q · kᵀ · scale) · v over the last two axes. */
function attend(b: Builder, q: Value, k: Value, v: Value, scale: number): Value {
  const scores = b.op("BatchMatMulV2", [q, k], { adj_y: true });
  const scaled = scale === 1 ? scores : b.op("Mul", [scores, b.scalar(scores.dtype, scale)]);
  return b.op("BatchMatMulV2", [b.op("Softmax", [scaled]), v]);
}

/** `query, value` and perhaps `key`, which is else the value. */
function operands({ inputs, config, at }: LayerCall): readonly [Value, Value, Value] {
  const named = at.node.attrs["keywords"];
  const names = named?.kind === "strings" ? named.value : [];
  const first = inputs.length - names.length;
  const of = (name: string, place: number) => (place < first ? inputs[place] : inputs[first + names.indexOf(name)]);
  const [query, value] = [of("query", 0), names.includes("value") || first > 1 ? of("value", 1) : undefined];
  const key = names.includes("key") || first > 2 ? of("key", 2) : value;
  if (!query || !value || !key || inputs.length > 3) throw at.invalid(`${inputs.length} inputs where it takes 2 or 3`);
  for (const flag of ["use_causal_mask", "return_attention_scores", "causal"])
    if (config.flag(flag, false)) throw at.unsupported(flag);
  return [query, key, value];
}

const attention: LayerFn = (call) => {
  const { b, config, weights, at } = call;
  const [query, key, value] = operands(call);
  if (config.string("score_mode", "dot") !== "dot") throw at.unsupported("scores that are no products");
  const y = attend(b, query, key, value, 1);
  if (!config.flag("use_scale", false)) return [y];
  const [scale] = weights.take("scale");
  const scores = b.op("Mul", [b.op("BatchMatMulV2", [query, key], { adj_y: true }), scale!]);
  return [b.op("BatchMatMulV2", [b.op("Softmax", [scores]), value])];
};

/** Inputs [N, T, D]; kernels [D, H, K], the last one [H, K, D]. */
const multiHead: LayerFn = (call) => {
  const { b, config, weights, at } = call;
  const [query, key, value] = operands(call);
  if ([query, key, value].some((x) => x.rank !== 3)) throw at.unsupported("attention over several axes");
  const biased = config.flag("use_bias", true);
  const size = biased ? 2 : 1;
  if (weights.list.length !== 4 * size) throw at.invalid(`${weights.list.length} weights where it takes ${4 * size}`);
  const stored = (i: number): readonly [Value, Value | undefined] => [
    weights.list[i * size]!.value,
    biased ? weights.list[i * size + 1]!.value : undefined,
  ];
  const plus = (x: Value, bias: Value | undefined): Value => (bias ? b.op("BiasAdd", [x, bias]) : x);
  /** [N, T, D] → [N, H, T, K] */
  const heads = (x: Value, i: number): Value => {
    const [kernel, bias] = stored(i);
    const [inputs, count, width] = kernel.staticShape as readonly [number, number, number];
    const flat = b.op("BatchMatMulV2", [x, b.reshape(kernel, [inputs, count * width])]);
    const y = plus(flat, bias && b.reshape(bias, [count * width]));
    const apart = b.reshapeTo(
      y,
      [x.shape[0], x.shape[1], count, width],
      [
        [x, 0],
        [x, 1],
      ],
    );
    return b.transpose(apart, [0, 2, 1, 3]);
  };
  const [q, k, v] = [heads(query, 0), heads(key, 1), heads(value, 2)];
  const width = q.shape[3] as number;
  const mixed = b.transpose(attend(b, q, k, v, 1 / Math.sqrt(width)), [0, 2, 1, 3]);
  const [kernel, bias] = stored(3);
  const [count, each, outputs, ...more] = kernel.staticShape as readonly number[];
  if (more.length > 0) throw at.unsupported("an output of several axes");
  const joined = b.reshapeTo(
    mixed,
    [query.shape[0], query.shape[1], count! * each!],
    [
      [query, 0],
      [query, 1],
    ],
  );
  return [plus(b.op("BatchMatMulV2", [joined, b.reshape(kernel, [count! * each!, outputs!])]), bias)];
};

export const attentionLayers: Layers = { Attention: attention, MultiHeadAttention: multiHead };
