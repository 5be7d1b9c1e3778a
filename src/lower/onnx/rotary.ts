/** RotaryEmbedding of ai.onnx and com.microsoft: pairs of features turned by an angle that depends on the position. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int } from "../schema.ts";
import { countTo, reshapeToSizes, type Size, sizeAt } from "./dims.ts";

/** Features [begin, begin + size) of the last axis. */
function features(b: Builder, x: Value, begin: number, size: number): Value {
  if (begin === 0 && size === x.shape[x.rank - 1]) return x;
  const zeros = new Array<number>(x.rank - 1).fill(0);
  return b.slice(x, [...zeros, begin], [...zeros.map(() => -1), size]);
}

/** The two members of each pair: neighbours where interleaved, else from the two halves. */
function pairs(b: Builder, x: Value, interleaved: boolean): readonly [Value, Value] {
  const width = x.shape[x.rank - 1] as number;
  if (!interleaved) return [features(b, x, 0, width / 2), features(b, x, width / 2, width / 2)];
  const lead = x.shape.slice(0, -1).map((_, i) => sizeAt(b, x, i));
  const [even, odd] = b.ops("Unpack", [reshapeToSizes(b, x, [...lead, width / 2, 2])], { num: 2, axis: x.rank });
  return [even!, odd!];
}

/** x [..., D] with its first `turned` features turned; `cos` and `sin` broadcast to [..., turned / 2]. */
export function rotate(b: Builder, x: Value, cos: Value, sin: Value, turned: number, interleaved: boolean): Value {
  const width = x.shape[x.rank - 1] as number;
  const [p, q] = pairs(b, features(b, x, 0, turned), interleaved);
  const real = b.op("Sub", [b.op("Mul", [p, cos]), b.op("Mul", [q, sin])]);
  const imaginary = b.op("AddV2", [b.op("Mul", [p, sin]), b.op("Mul", [q, cos])]);
  const parts = interleaved ? [interleave(b, real, imaginary)] : [real, imaginary];
  if (turned < width) parts.push(features(b, x, turned, width - turned));
  return b.concat(parts, x.rank - 1);
}

function interleave(b: Builder, p: Value, q: Value): Value {
  const lead = p.shape.slice(0, -1).map((_, i) => sizeAt(b, p, i));
  return reshapeToSizes(b, b.op("Pack", [p, q], { axis: p.rank, N: 2 }), [...lead, 2 * (p.shape[p.rank - 1] as number)]);
}

interface Attrs {
  readonly interleaved: boolean;
  readonly num_heads: number;
  readonly rotary_embedding_dim: number;
}

/** Rows of the caches for the positions: [B, S, R/2]; caches of rank 3 are that already. */
const rowsOf = (b: Builder, cache: Value, positions: Value | undefined): Value =>
  positions ? b.gather(cache, positions, 0) : cache;

function embed(b: Builder, x: Value, cosCache: Value, sinCache: Value, positions: Value | undefined, a: Attrs, at: At): Value {
  const [cos, sin] = [rowsOf(b, cosCache, positions), rowsOf(b, sinCache, positions)];
  const half = cos.shape[2];
  if (typeof half !== "number") throw at.unsupported("rotary features of unknown number");
  if (x.rank === 4) {
    if (typeof x.shape[3] !== "number") throw at.unsupported("heads of unknown width");
    return rotate(b, x, ...beside(b, cos, sin, 1), 2 * half, a.interleaved);
  }
  const hidden = x.shape[2];
  if (x.rank !== 3 || typeof hidden !== "number") throw at.unsupported(`a rank-${x.rank} input of unknown width`);
  const heads = a.num_heads > 0 ? a.num_heads : hidden / (2 * half);
  if (!Number.isInteger(hidden / heads)) throw at.invalid(`${heads} heads over a width of ${hidden}`);
  const [batch, steps]: readonly Size[] = [sizeAt(b, x, 0), sizeAt(b, x, 1)];
  const split = reshapeToSizes(b, x, [batch!, steps!, heads, hidden / heads]);
  const turned = rotate(b, split, ...beside(b, cos, sin, 2), 2 * half, a.interleaved);
  return reshapeToSizes(b, turned, [batch!, steps!, hidden]);
}

/** The same angles for all heads, whose axis is `axis`. */
const beside = (b: Builder, cos: Value, sin: Value, axis: number): [Value, Value] => [
  b.op("ExpandDims", [cos, b.scalar("int32", axis)]),
  b.op("ExpandDims", [sin, b.scalar("int32", axis)]),
];

/** Positions of com.microsoft: all of them, or the first one of every sequence. */
function positionsFrom(b: Builder, given: Value, steps: Size): Value {
  if (given.rank === 2) return given;
  const count = b.op("AddV2", [b.cast(given, "int32"), countTo(b, steps)]);
  return b.op("ExpandDims", [count, b.scalar("int32", 0)]);
}

const attrs = { interleaved: bool(false), num_heads: int(0), rotary_embedding_dim: int(0) };

export const rotaries: readonly Rule[] = [
  rule("RotaryEmbedding", { since: 23, arity: [3, 4], attrs }, (b, [x, cos, sin, positions], a, at) => [
    embed(b, x, cos, sin, positions, a, at),
  ]),
  rule(
    "RotaryEmbedding",
    { domain: "com.microsoft", since: 1, arity: [4, 4], attrs: { ...attrs, is_packed_batching: bool(false), scale: float(1) } },
    (b, [x, positions, cos, sin], a, at) => {
      if (a.is_packed_batching) throw at.unsupported("packed batches");
      return [embed(b, x, cos, sin, positionsFrom(b, positions, sizeAt(b, x, x.rank === 4 ? 2 : 1)), a, at)];
    },
  ),
];
