/** GroupQueryAttention of com.microsoft: what decoders run, a step at a time, over keys and values that grow. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, optionalFloat, required } from "../schema.ts";
import { domain, heads, hidden, scaleOf, thirds, widthOf } from "./contrib-attention.ts";
import { countTo, reshapeToSizes, type Size, sizeAt, sizeVector } from "./dims.ts";
import { rotate } from "./rotary.ts";
import { attend, biasWhere, joinHeads } from "./scores.ts";

interface GroupAttrs {
  readonly num_heads: number;
  readonly kv_num_heads: number;
  readonly scale: number | undefined;
  readonly softcap: number;
  readonly do_rotary: boolean;
  readonly rotary_interleaved: boolean;
  readonly local_window_size: number;
  readonly smooth_softmax: number;
}

/**
 * Every sequence of the batch continues at its own length: new keys are written behind the old ones of the same sequence, and query s
 * sees keys up to its own position. Lengths are values of the run, so positions are arithmetic of the graph.
 */
function groupQuery(b: Builder, inputs: readonly (Value | undefined)[], a: GroupAttrs, at: At): readonly (Value | undefined)[] {
  const [query, key, value, pastKey, pastValue, lengths, total, cos, sin, positionIds, added, sink] = inputs;
  if (!lengths || !total) throw at.invalid("seqlens_k or total_sequence_length is missing");
  const each = key ? 0 : widthOf(query!, at) / (a.num_heads + 2 * a.kv_num_heads);
  const parts = key
    ? [query!, key, value!]
    : thirds(b, query!, [a.num_heads * each, a.kv_num_heads * each, a.kv_num_heads * each]);
  const [q0, k0, v1] = parts.map((part, i) => heads(b, part, i === 0 ? a.num_heads : a.kv_num_heads, at)) as [
    Value,
    Value,
    Value,
  ];
  const queries = sizeAt(b, q0, 2);
  const all = b.reshape(b.cast(total, "int32"), [1]);
  const begins = startsOf(b, lengths, queries, all);
  const positions = b.op("AddV2", [b.reshape(begins, [-1, 1]), b.reshape(countTo(b, queries), [1, -1])]);
  const turn = (x: Value) => (a.do_rotary ? turned(b, x, cos, sin, positionIds ?? positions, a.rotary_interleaved, at) : x);
  const [q, k1] = [turn(q0), turn(k0)];
  const length = pastKey ? b.op("Maximum", [b.dim(pastKey, 2), all]) : sizeVector(b, queries);
  const [k, v] = [appended(b, pastKey, k1, begins, length), appended(b, pastValue, v1, begins, length)];
  const bias = b.op("AddV2", [visible(b, positions, length, a.local_window_size, q.dtype), added ?? b.scalar(q.dtype, 0)]);
  // A smooth softmax has a sink of 0.
  const beside = sink ? b.reshape(sink, [1, -1, 1, 1]) : a.smooth_softmax === 1 ? b.scalar(q.dtype, 0) : undefined;
  const { y } = attend(b, { q, k, v, scale: scaleOf(q, a.scale, at), bias, softcap: a.softcap, sink: beside });
  return [joinHeads(b, y), k, v];
}

/** How many positions of each sequence are past: none in the first prompt, where queries are all there is. */
function startsOf(b: Builder, lengths: Value, queries: Size, all: Value): Value {
  const past = b.op("Sub", [b.op("AddV2", [b.cast(lengths, "int32"), b.scalar("int32", 1)]), sizeVector(b, queries)]);
  const first = b.op("Equal", [all, sizeVector(b, queries)]);
  return b.op("SelectV2", [first, b.scalar("int32", 0), b.reshape(past, [-1])]);
}

function turned(
  b: Builder,
  x: Value,
  cos: Value | undefined,
  sin: Value | undefined,
  positions: Value,
  interleaved: boolean,
  at: At,
): Value {
  if (!cos || !sin) throw at.invalid("do_rotary without caches");
  const rows = (cache: Value) => b.op("ExpandDims", [b.gather(cache, positions, 0), b.scalar("int32", 1)]);
  return rotate(b, x, rows(cos), rows(sin), 2 * widthOf(cos, at), interleaved);
}

/** Old and new keys [B, H, P, D] and [B, H, S, D] as [B, H, length, D]: position t is an old one before the start of the new; behind them are zeroes. */
function appended(b: Builder, past: Value | undefined, fresh: Value, begins: Value, length: Value): Value {
  if (!past) return fresh;
  const both = b.transpose(b.concat([past, fresh], 2), [0, 2, 1, 3]);
  const t = b.reshape(countTo(b, length), [1, -1]);
  const start = b.reshape(begins, [-1, 1]);
  const moved = b.op("AddV2", [b.op("Sub", [t, start]), b.dim(past, 2)]);
  const last = b.op("Sub", [b.dim(both, 1), b.scalar("int32", 1)]);
  const index = b.op("Minimum", [b.op("SelectV2", [b.op("Less", [t, start]), t, moved]), last]);
  const rows = b.transpose(gatherRows(b, both, index), [0, 2, 1, 3]);
  const used = b.op("Less", [t, b.op("AddV2", [start, b.dim(fresh, 2)])]);
  const expanded = b.op("ExpandDims", [b.op("ExpandDims", [used, b.scalar("int32", 1)]), b.scalar("int32", 3)]);
  return b.op("SelectV2", [expanded, rows, b.scalar(rows.dtype, 0)]);
}

/** x [B, T, H, D] by index [B, L]: rows of all batches in one list. */
function gatherRows(b: Builder, x: Value, index: Value): Value {
  const [batch, rows] = [b.dim(x, 0), b.dim(x, 1)];
  const flat = reshapeToSizes(b, x, [b.op("Mul", [batch, rows]), sizeAt(b, x, 2), sizeAt(b, x, 3)]);
  const offsets = b.op("Mul", [b.op("Range", [b.scalar("int32", 0), b.reshape(batch, []), b.scalar("int32", 1)]), rows]);
  return b.gather(flat, b.op("AddV2", [index, b.reshape(offsets, [-1, 1])]), 0);
}

/** [B, 1, S, T]: keys up to the query's position, and not before its window. */
function visible(b: Builder, positions: Value, keys: Value, window: number, dtype: Value["dtype"]): Value {
  const rows = b.op("ExpandDims", [b.op("ExpandDims", [positions, b.scalar("int32", 1)]), b.scalar("int32", 3)]);
  const t = b.reshape(countTo(b, keys), [1, 1, 1, -1]);
  const before = b.op("LessEqual", [t, rows]);
  if (window <= 0) return biasWhere(b, before, dtype, hidden);
  const inside = b.op("Greater", [t, b.op("Sub", [rows, b.scalar("int32", window)])]);
  return biasWhere(b, b.op("LogicalAnd", [before, inside]), dtype, hidden);
}

export const groupQueries: readonly Rule[] = [
  rule(
    "GroupQueryAttention",
    {
      domain,
      since: 1,
      arity: [1, 12],
      attrs: {
        num_heads: required(int(0)),
        kv_num_heads: required(int(0)),
        scale: optionalFloat(),
        softcap: float(0),
        do_rotary: bool(false),
        rotary_interleaved: bool(false),
        local_window_size: int(-1),
        smooth_softmax: int(0),
      },
    },
    (b, inputs, a, at) => groupQuery(b, inputs, a, at),
  ),
];
