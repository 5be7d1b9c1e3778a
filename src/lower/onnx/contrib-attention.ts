/** Attention, QAttention and MultiHeadAttention of com.microsoft. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, ints, optionalFloat, required } from "../schema.ts";
import { appended, pastLength } from "./cache.ts";
import { countTo, type Size, shapeOf, sizeAt, sizeVector } from "./dims.ts";
import { matmul } from "./matmul.ts";
import { centred } from "./qlinear.ts";
import { attend, biasWhere, causal, joinHeads, splitHeads } from "./scores.ts";

export const domain = "com.microsoft";
/** Hides a key whatever else is added; finite, so that a row without any key gives even shares and not NaN. */
export const hidden = -3.4028234663852886e38;

export const widthOf = (x: Value, at: At): number => {
  const width = x.shape[x.rank - 1];
  if (typeof width !== "number") throw at.unsupported("an input of unknown width", "give the input's shape with --input");
  return width;
};

function columns(b: Builder, x: Value, begin: number, size: number): Value {
  const zeros = new Array<number>(x.rank - 1).fill(0);
  return b.slice(x, [...zeros, begin], [...zeros.map(() => -1), size]);
}

/** Columns cut into three of the given widths. */
export function thirds(b: Builder, x: Value, widths: readonly number[]): readonly [Value, Value, Value] {
  const [q, k, v] = widths as [number, number, number];
  return [columns(b, x, 0, q), columns(b, x, q, k), columns(b, x, q + k, v)];
}

export function heads(b: Builder, x: Value, count: number, at: At): Value {
  if (widthOf(x, at) % count !== 0) throw at.invalid(`${count} heads over a width of ${widthOf(x, at)}`);
  return splitHeads(b, x, count);
}

/** True where a key is seen, broadcasting to [B, H, S, T]; a mask of rank 1 holds lengths, or ends and then starts, by batch. */
function keptKeys(b: Builder, mask: Value, x: Value, queries: Size, keys: Size, past: Size, at: At): Value {
  if (mask.rank === 1) return keptByLength(b, mask, x, keys, at);
  const seen = b.op("NotEqual", [mask, b.scalar(mask.dtype, 0)]);
  if (mask.rank === 2) return b.op("ExpandDims", [b.op("ExpandDims", [seen, b.scalar("int32", 1)]), b.scalar("int32", 1)]);
  if (mask.rank === 3) return b.op("ExpandDims", [seen, b.scalar("int32", 1)]);
  if (mask.rank !== 4) throw at.invalid(`a mask of rank ${mask.rank}`);
  // [B, 1, M, M] over all positions: the rows of these queries.
  return b.op("Slice", [seen, shapeOf(b, [0, 0, past, 0]), shapeOf(b, [-1, -1, queries, keys])]);
}

function keptByLength(b: Builder, mask: Value, x: Value, keys: Size, at: At): Value {
  const [entries, batch] = [mask.shape[0], x.shape[0]];
  const position = b.reshape(countTo(b, keys), [1, 1, 1, -1]);
  if (entries !== undefined && entries === batch)
    return b.op("Less", [position, b.reshape(b.cast(mask, "int32"), [-1, 1, 1, 1])]);
  if (typeof entries !== "number" || typeof batch !== "number") throw at.unsupported("a mask of lengths over an unknown batch");
  if (entries !== 2 * batch) throw at.unsupported(`a mask of ${entries} entries for a batch of ${batch}`);
  const part = (i: number) => b.reshape(b.cast(b.slice(mask, [i * batch], [batch]), "int32"), [-1, 1, 1, 1]);
  return b.op("LogicalAnd", [b.op("Less", [position, part(0)]), b.op("GreaterEqual", [position, part(1)])]);
}

interface Masks {
  readonly mask: Value | undefined;
  readonly added: Value | undefined;
  readonly filter: number;
  readonly unidirectional: boolean;
}

function biasOf(
  b: Builder,
  x: Value,
  q: Value,
  k: Value,
  past: Size,
  { mask, added, filter, unidirectional }: Masks,
  at: At,
): Value | undefined {
  const [queries, keys] = [sizeAt(b, q, 2), sizeAt(b, k, 2)];
  const parts: Value[] = added ? [added] : [];
  if (mask) parts.push(biasWhere(b, keptKeys(b, mask, x, queries, keys, past, at), q.dtype, filter));
  if (unidirectional)
    parts.push(biasWhere(b, causal(b, queries, keys, past === 0 ? undefined : sizeVector(b, past)), q.dtype, hidden));
  return parts.length === 0 ? undefined : parts.reduce((sum, part) => b.op("AddV2", [sum, part]));
}

interface AttentionAttrs {
  readonly num_heads: number;
  readonly scale: number | undefined;
  readonly mask_filter_value: number;
  readonly unidirectional: boolean;
}

export const scaleOf = (q: Value, scale: number | undefined, at: At): number =>
  scale !== undefined && scale !== 0 ? scale : 1 / Math.sqrt(widthOf(q, at));

/** From projected inputs on; the past holds keys and values in one tensor [2, B, H, P, D]. */
function selfAttention(
  b: Builder,
  x: Value,
  projected: Value,
  widths: readonly number[],
  { past, length }: { past: Value | undefined; length?: Value | undefined },
  masks: Omit<Masks, "filter" | "unidirectional">,
  a: AttentionAttrs,
  at: At,
) {
  const [q, k1, v1] = thirds(b, projected, widths).map((part) => heads(b, part, a.num_heads, at)) as [Value, Value, Value];
  const [oldKeys, oldValues] = past ? b.ops("Unpack", [past], { num: 2, axis: 0 }) : [];
  const [{ all: k, present: keys }, { all: v, present: values }] = [
    appended(b, oldKeys, k1, length),
    appended(b, oldValues, v1, length),
  ];
  const bias = biasOf(
    b,
    x,
    q,
    k,
    pastLength(b, oldKeys, length),
    { ...masks, filter: a.mask_filter_value, unidirectional: a.unidirectional },
    at,
  );
  const { y } = attend(b, { q, k, v, scale: scaleOf(q, a.scale, at), bias });
  return [joinHeads(b, y), at.used(1) ? b.op("Pack", [keys, values], { axis: 0, N: 2 }) : undefined];
}

const attentionAttrs = {
  num_heads: required(int(0)),
  scale: optionalFloat(),
  mask_filter_value: float(-10000),
  unidirectional: bool(false),
  do_rotary: bool(false),
  qkv_hidden_sizes: ints(),
  past_present_share_buffer: bool(false),
};

function widthsOf(weights: Value, sizes: readonly number[] | undefined, at: At): readonly number[] {
  const all = widthOf(weights, at);
  if (sizes && sizes.length === 3) return sizes;
  if (all % 3 !== 0) throw at.invalid(`weights of a width of ${all}`);
  return [all / 3, all / 3, all / 3];
}

function refuse(a: { do_rotary: boolean }, at: At): void {
  if (a.do_rotary) throw at.unsupported("rotary positions within Attention (do_rotary)", "export RotaryEmbedding apart");
}

/** The query, key and value of MultiHeadAttention with their heads, packed or apart. */
function threeInputs(b: Builder, inputs: readonly (Value | undefined)[], count: number, at: At): readonly [Value, Value, Value] {
  const [query, key, value, bias] = inputs;
  if (query!.rank === 5 || key?.rank === 5) {
    if (bias) throw at.unsupported("a bias on packed inputs");
    const unpack = (x: Value, num: number) =>
      b.ops("Unpack", [x], { num, axis: 3 }).map((part) => b.transpose(part, [0, 2, 1, 3]));
    if (query!.rank === 5) return unpack(query!, 3) as unknown as [Value, Value, Value];
    const [k, v] = unpack(key!, 2);
    return [heads(b, query!, count, at), k!, v!];
  }
  if (!key || !value) throw at.invalid("key or value is missing");
  const width = (x: Value): number => (x.rank === 4 ? (x.shape[1] as number) * (x.shape[3] as number) : widthOf(x, at));
  const biases = bias ? thirds(b, bias, [width(query!), width(key), width(value)]) : undefined;
  const one = (x: Value, i: number): Value => {
    if (x.rank === 4) return x; // keys and values of an encoder: heads and bias are done
    return heads(b, biases ? b.op("AddV2", [x, biases[i]!]) : x, count, at);
  };
  return [one(query!, 0), one(key, 1), one(value, 2)];
}

function multiHead(
  b: Builder,
  inputs: readonly (Value | undefined)[],
  a: AttentionAttrs,
  at: At,
): readonly (Value | undefined)[] {
  const [query, , , , mask, added, pastKey, pastValue, length, beams] = inputs;
  if (beams) throw at.unsupported("a cache shared by the beams of a search (cache_indirection)", "export the step without it");
  const [q, k1, v1] = threeInputs(b, inputs, a.num_heads, at);
  const [{ all: k, present: keys }, { all: v, present: values }] = [
    appended(b, pastKey, k1, length),
    appended(b, pastValue, v1, length),
  ];
  const bias = biasOf(
    b,
    query!,
    q,
    k,
    pastLength(b, pastKey, length),
    { mask, added, filter: a.mask_filter_value, unidirectional: a.unidirectional },
    at,
  );
  const { y, stages } = attend(b, { q, k, v, scale: scaleOf(q, a.scale, at), bias });
  return [joinHeads(b, y), keys, values, stages[0]];
}

const headAttrs = {
  num_heads: required(int(0)),
  scale: optionalFloat(),
  mask_filter_value: float(-10000),
  unidirectional: bool(false),
};

export const contribAttentions: readonly Rule[] = [
  rule(
    "Attention",
    { domain, since: 1, arity: [2, 7], attrs: attentionAttrs },
    (b, [x, w, bias, mask, past, added, length], a, at) => {
      refuse(a, at);
      const product = matmul(b, x, w, at);
      const projected = bias ? b.op("AddV2", [product, bias]) : product;
      return selfAttention(b, x, projected, widthsOf(w, a.qkv_hidden_sizes, at), { past, length }, { mask, added }, a, at);
    },
  ),
  rule(
    "QAttention",
    { domain, since: 1, arity: [5, 9], attrs: attentionAttrs },
    (b, [x, w, bias, scaleX, scaleW, mask, zeroX, zeroW, past], a, at) => {
      refuse(a, at);
      const sums = matmul(b, centred(b, x, zeroX), centred(b, w, zeroW), at);
      const projected = b.op("AddV2", [b.op("Mul", [sums, b.op("Mul", [scaleX, scaleW])]), bias]);
      return selfAttention(b, x, projected, widthsOf(w, a.qkv_hidden_sizes, at), { past }, { mask, added: undefined }, a, at);
    },
  ),
  rule(
    "MultiHeadAttention",
    {
      domain,
      since: 1,
      arity: [1, 10],
      attrs: headAttrs,
    },
    (b, inputs, a, at) => multiHead(b, inputs, a, at),
  ),
  // One step of a decoder: the same, its inputs in another order.
  rule(
    "DecoderMaskedMultiHeadAttention",
    { domain, since: 1, arity: [1, 11], attrs: headAttrs },
    (b, [q, k, v, mask, added, pastKey, pastValue, length, , beams, bias], a, at) =>
      multiHead(b, [q, k, v, bias, mask, added, pastKey, pastValue, length, beams], a, at),
  ),
];
