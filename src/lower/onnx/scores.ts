/** Scaled dot-product attention over [B, H, S, D]: what every attention operator comes down to. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { countTo, product, reshapeToSizes, type Size, sizeAt } from "./dims.ts";

const lowest = Number.NEGATIVE_INFINITY;

/** [B, S, H·D] → [B, H, S, D] */
export function splitHeads(b: Builder, x: Value, heads: number): Value {
  const width = x.shape[2];
  const each = typeof width === "number" ? width / heads : -1;
  const split = typeof each === "number" && each > 0 ? [sizeAt(b, x, 0), sizeAt(b, x, 1), heads, each] : undefined;
  if (!split) throw new Error("the lowering must check the width of heads");
  return b.transpose(reshapeToSizes(b, x, split), [0, 2, 1, 3]);
}

/** [B, H, S, D] → [B, S, H·D] */
export function joinHeads(b: Builder, x: Value): Value {
  const y = b.transpose(x, [0, 2, 1, 3]);
  return reshapeToSizes(b, y, [sizeAt(b, y, 0), sizeAt(b, y, 1), product(b, sizeAt(b, y, 2), sizeAt(b, y, 3))]);
}

/** 0 where `keep` is true, −∞ (or `masked`) elsewhere. */
export const biasWhere = (b: Builder, keep: Value, dtype: DType, masked = lowest): Value =>
  b.op("SelectV2", [keep, b.scalar(dtype, 0), b.scalar(dtype, masked)]);

/** [S, T], or [B, 1, S, T] where the offset is [B, 1, 1, 1]: may query `i` see key `j`? j ≤ i + offset. */
export function causal(b: Builder, queries: Size, keys: Size, offset: Value | undefined): Value {
  const rows = b.reshape(countTo(b, queries), [-1, 1]);
  const columns = b.reshape(countTo(b, keys), [1, -1]);
  return b.op("GreaterEqual", [offset ? b.op("AddV2", [rows, offset]) : rows, columns]);
}

/** [B, 1, 1, T]: is key `j` before the end of its sequence? */
export function beforeEnd(b: Builder, lengths: Value, keys: Size): Value {
  const ends = b.reshape(b.cast(lengths, "int32"), [-1, 1, 1, 1]);
  return b.op("Less", [b.reshape(countTo(b, keys), [1, 1, 1, -1]), ends]);
}

export interface Attention {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** Multiplies q·kᵀ. */
  readonly scale: number;
  /** Added to the scores; broadcasts to [B, H, S, T]. */
  readonly bias?: Value | undefined;
  /** May a row of the bias be −∞ throughout? Then its probabilities are 0, not NaN. */
  readonly maybeEmpty?: boolean;
  readonly softcap?: number;
  /** Scores [1, H, 1, 1] of a key that has no value: it takes its share of each row and gives nothing. */
  readonly sink?: Value | undefined;
  /** The type in which the softmax is computed. */
  readonly softmaxType?: DType;
  /** What a model's own functions make of scores and probabilities. */
  readonly onScores?: ((scores: Value) => Value) | undefined;
  readonly onShares?: ((shares: Value) => Value) | undefined;
}

export interface Attended {
  /** q·kᵀ·scale, then after the softcap, with the bias, as probabilities. */
  readonly stages: readonly [Value, Value, Value, Value];
  /** [B, H, S, Dv] */
  readonly y: Value;
}

/** Fewer heads of keys and values than of queries: each serves several queries, which stand side by side in the rows of `x`. */
function grouped(b: Builder, x: Value, q: Value, k: Value): Value {
  const [heads, kv] = [q.shape[1], k.shape[1]];
  if (heads === kv || typeof heads !== "number" || typeof kv !== "number") return x;
  const rows = product(b, heads / kv, sizeAt(b, x, 2));
  return reshapeToSizes(b, x, [sizeAt(b, x, 0), kv, rows, sizeAt(b, x, 3)]);
}

const ungrouped = (b: Builder, x: Value, q: Value): Value =>
  x.shape[1] === q.shape[1] ? x : reshapeToSizes(b, x, [sizeAt(b, q, 0), sizeAt(b, q, 1), sizeAt(b, q, 2), sizeAt(b, x, 3)]);

export function attend(b: Builder, a: Attention): Attended {
  const { q, k, v, bias, softcap = 0 } = a;
  const scaled = a.scale === 1 ? q : b.op("Mul", [q, b.scalar(q.dtype, a.scale)]);
  const raw = ungrouped(b, b.op("BatchMatMulV2", [grouped(b, scaled, q, k), k], { adj_x: false, adj_y: true }), q);
  const cap = b.scalar(q.dtype, softcap);
  const capped = softcap === 0 ? raw : b.op("Mul", [b.op("Tanh", [b.op("RealDiv", [raw, cap])]), cap]);
  const biased = bias ? b.op("AddV2", [capped, b.cast(bias, capped.dtype)]) : capped;
  const type = a.softmaxType ?? q.dtype;
  const wide = b.cast(biased, type);
  const scores = a.onScores ? a.onScores(wide) : wide;
  const softmax = a.sink ? softmaxBeside(b, scores, b.cast(a.sink, type)) : b.op("Softmax", [scores]);
  const probable = b.cast(a.onShares ? a.onShares(softmax) : softmax, q.dtype);
  const shares = bias && a.maybeEmpty ? b.op("SelectV2", [emptyRows(b, bias), b.scalar(q.dtype, 0), probable]) : probable;
  const y = ungrouped(b, b.op("BatchMatMulV2", [grouped(b, shares, q, k), v], { adj_x: false, adj_y: false }), q);
  return { stages: [raw, capped, biased, shares], y };
}

/** The softmax over the last axis and one more score, less that one. */
function softmaxBeside(b: Builder, scores: Value, sink: Value): Value {
  const last = [scores.rank - 1];
  const greatest = b.op("Maximum", [b.reduce("Max", scores, last, true), sink]);
  const powers = b.op("Exp", [b.op("Sub", [scores, greatest])]);
  const all = b.op("AddV2", [b.reduce("Sum", powers, last, true), b.op("Exp", [b.op("Sub", [sink, greatest])])]);
  return b.op("RealDiv", [powers, all]);
}

/** Not by their greatest: the one that WebGL looks for is never below −10²⁰. */
const emptyRows = (b: Builder, bias: Value): Value =>
  b.reduce("All", b.op("Equal", [bias, b.scalar(bias.dtype, lowest)]), [bias.rank - 1], true);
