/** Attention over one axis of steps: of one head by products or sums (Attention, AdditiveAttention), of several heads, or with heads that share keys. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { LayerCall, LayerFn, Layers } from "./layer.ts";
import { maskOf, withMask } from "./masks.ts";

/** What Keras takes from scores that do not count; the softmax of any such sum is 0. */
const excluded = -1e9;

const expand = (b: Builder, x: Value, axis: number): Value => b.op("ExpandDims", [x, b.scalar("int32", axis)]);
const times = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);
const both = (b: Builder, x: Value | undefined, y: Value | undefined): Value | undefined =>
  x && y ? b.op("LogicalAnd", [x, y]) : (x ?? y);

interface Operands {
  readonly query: Value;
  readonly value: Value;
  readonly key: Value;
  readonly masks: { readonly query: Value | undefined; readonly value: Value | undefined; readonly key: Value | undefined };
  readonly causal: boolean;
  readonly scores: boolean;
}

/** `query, value` and perhaps `key`, which is else the value. */
function operands(call: LayerCall): Operands {
  const { inputs, named, config, at } = call;
  const of = (name: string, place: number) => inputs[place] ?? named.get(name)?.[0];
  const [query, value] = [of("query", 0), of("value", 1)];
  const given = of("key", 2);
  if (!query || !value || inputs.length > 3) throw at.invalid(`${inputs.length} inputs where it takes 2 or 3`);
  const listed = named.get("mask");
  // The first releases with this layer looked at no masks but the one passed.
  const silent = !config.flag("implicit_masks", true);
  const mask = (x: Value | undefined, name: string, place: number) =>
    listed?.[place] ?? named.get(name)?.[0] ?? (x && !silent ? maskOf(x, at) : undefined);
  return {
    query,
    value,
    key: given ?? value,
    masks: { query: mask(query, "query_mask", 0), value: mask(value, "value_mask", 1), key: mask(given, "key_mask", 2) },
    causal: config.flag("use_causal_mask", false) || config.flag("causal", false),
    scores: config.flag("return_attention_scores", false),
  };
}

/** Step s counts for step t where s ≤ t: [T, S], of sizes that may be known only when it runs. */
function causalMask(b: Builder, query: Value, value: Value): Value {
  const steps = (x: Value) => b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, 1), []), b.scalar("int32", 1)]);
  return b.op("GreaterEqual", [expand(b, steps(query), 1), expand(b, steps(value), 0)]);
}

/** Softmax over the last axis of those that count. */
function weighted(b: Builder, scores: Value, mask: Value | undefined): Value {
  return b.op("Softmax", [mask ? b.op("SelectV2", [mask, scores, b.scalar(scores.dtype, excluded)]) : scores]);
}

/** Σ w · tanh(scale · (q + k)) over the features: [N, T, S]. */
function sums(b: Builder, query: Value, key: Value, scale: Value | undefined, weight: Value | undefined): Value {
  const sum = b.op("AddV2", [expand(b, query, 2), expand(b, key, 1)]);
  const bent = b.op("Tanh", [scale ? times(b, sum, scale) : sum]);
  return b.reduce("Sum", weight ? times(b, bent, weight) : bent, [3], false);
}

const single =
  (additive: boolean): LayerFn =>
  (call) => {
    const { b, config, weights, at } = call;
    const { query, key, value, masks, causal, scores } = operands(call);
    const mode = config.string("score_mode", "dot");
    if (mode !== "dot" && mode !== "concat") throw at.invalid(`score_mode is ${mode}`);
    const concat = mode === "concat";
    const scaled = config.flag("use_scale", additive);
    const stored = weights.take(...(scaled ? ["scale"] : []), ...(concat ? ["concat_score_weight"] : []));
    const scale = scaled ? stored[0] : undefined;
    const plain = () => b.op("BatchMatMulV2", [query, key], { adj_y: true });
    const raw = additive
      ? sums(b, query, key, undefined, scale)
      : concat
        ? sums(b, query, key, scale, stored.at(-1))
        : scale
          ? times(b, plain(), scale)
          : plain();
    const counts = both(b, masks.value && expand(b, masks.value, 1), causal ? causalMask(b, query, value) : undefined);
    const shares = weighted(b, raw, counts);
    const y = b.op("BatchMatMulV2", [shares, value]);
    const kept = masks.query ? times(b, y, expand(b, b.cast(masks.query, y.dtype), 2)) : y;
    return [withMask(b, kept, masks.query), ...(scores ? [shares] : [])];
  };

interface Projection {
  readonly kernel: Value;
  readonly bias: Value | undefined;
}

const plus = (b: Builder, x: Value, bias: Value | undefined): Value => (bias ? b.op("BiasAdd", [x, bias]) : x);

/** [N, T, D] → [N, H, T, K]; kernel [D, H, K] */
function heads(b: Builder, x: Value, { kernel, bias }: Projection): Value {
  const [inputs, count, width] = kernel.staticShape as readonly [number, number, number];
  const flat = b.op("BatchMatMulV2", [x, b.reshape(kernel, [inputs, count * width])]);
  const y = plus(b, flat, bias && b.reshape(bias, [count * width]));
  return b.transpose(b.reshapeTo(y, [x.shape[0], x.shape[1], count, width], like(x)), [0, 2, 1, 3]);
}

const like = (x: Value) => [[x, 0] as const, [x, 1] as const];

/** Keys and values of `count` heads, each for several heads of the query in a row. */
function shared(b: Builder, x: Value, count: number): Value {
  const own = x.shape[1] as number;
  return own === count ? x : b.gather(x, b.ints(Array.from({ length: count }, (_, i) => Math.floor((i * own) / count))), 1);
}

/** Inputs [N, T, D]; kernels [D, H, K], the last one [H, K, D]. */
const multiHead: LayerFn = (call) => {
  const { b, config, weights, at, named } = call;
  const { query, key, value, masks, causal, scores } = operands(call);
  if ([query, key, value].some((x) => x.rank !== 3)) throw at.unsupported("attention over several axes");
  const biased = config.flag("use_bias", true);
  const size = biased ? 2 : 1;
  if (weights.list.length !== 4 * size) throw at.invalid(`${weights.list.length} weights where it takes ${4 * size}`);
  const stored = (i: number): Projection => ({
    kernel: weights.list[i * size]!.value,
    bias: biased ? weights.list[i * size + 1]!.value : undefined,
  });
  const q = heads(b, query, stored(0));
  const count = q.shape[1] as number;
  const [k, v] = [heads(b, key, stored(1)), heads(b, value, stored(2))].map((x) => shared(b, x, count)) as [Value, Value];
  const step = (mask: Value | undefined, axis: number) => mask && expand(b, mask, axis);
  const implied = both(b, both(b, step(masks.query, 2), step(masks.value, 1)), step(masks.key, 1));
  const [given] = named.get("attention_mask") ?? [];
  const all = both(
    b,
    both(b, implied, causal ? expand(b, causalMask(b, query, value), 0) : undefined),
    given && asBool(b, given),
  );
  const products = b.op("BatchMatMulV2", [q, k], { adj_y: true });
  const shares = weighted(
    b,
    times(b, products, b.scalar(products.dtype, 1 / Math.sqrt(q.shape[3] as number))),
    // A mask of four axes has the heads already.
    all && (all.rank === 4 ? all : expand(b, all, all.rank === 3 ? 1 : 0)),
  );
  const mixed = b.transpose(b.op("BatchMatMulV2", [shares, v]), [0, 2, 1, 3]);
  const { kernel, bias } = stored(3);
  const [own, each, outputs, ...more] = kernel.staticShape as readonly number[];
  if (more.length > 0) throw at.unsupported("an output of several axes");
  const dims: Dim[] = [query.shape[0], query.shape[1], own! * each!];
  const joined = b.reshapeTo(mixed, dims, like(query));
  const y = plus(b, b.op("BatchMatMulV2", [joined, b.reshape(kernel, [own! * each!, outputs!])]), bias);
  return [withMask(b, y, masks.query), ...(scores ? [shares] : [])];
};

const asBool = (b: Builder, x: Value): Value =>
  x.dtype === "bool" ? x : b.op("Greater", [b.cast(x, "float32"), b.scalar("float32", 0.5)]);

export const attentionLayers: Layers = {
  Attention: single(false),
  AdditiveAttention: single(true),
  MultiHeadAttention: multiHead,
  GroupedQueryAttention: multiHead,
  // The first name of the same.
  GroupQueryAttention: multiHead,
};
