/**
 * Boxes and bends in rows. An edge over several rows bends in each row between, so that room is kept for it; all edges of one value
 * share their bends. What spans too many rows, or runs upwards, leaves the rows and takes a lane at the side.
 */
import { type Adjacency, adjacency } from "./adjacency.ts";
import type { Ranks } from "./rank.ts";

export interface Rows {
  /** Boxes first, then bends. */
  readonly size: number;
  readonly boxes: number;
  readonly count: number;
  readonly row: Int32Array;
  /** Links between neighbouring rows. */
  readonly upper: Int32Array;
  readonly lower: Int32Array;
  /** Links that go down from a box or bend, and up. */
  readonly down: Adjacency;
  readonly up: Adjacency;
  /** By edge: the first bend of its value's chain, -1 where the edge needs none, `inLane` where it takes a lane. */
  readonly firstBend: Int32Array;
}

export const inLane = -2;

/** Rows an edge may bend through; fewer where the bends would outnumber the boxes by `bendsPerBox`, which keeps it all linear. */
const spans = [64, 32, 16, 8, 4, 2, 1];
const bendsPerBox = 3;

export function arrangeRows(size: number, from: Int32Array, to: Int32Array, value: Int32Array, ranks: Ranks): Rows {
  const { rank, back } = ranks;
  const keyOf = new Map<number, number>();
  const key = new Int32Array(from.length);
  for (let e = 0; e < from.length; e++) {
    const name = from[e]! * 2 ** 32 + value[e]!;
    let id = keyOf.get(name);
    if (id === undefined) {
      id = keyOf.size;
      keyOf.set(name, id);
    }
    key[e] = id;
  }
  const span = (e: number): number => (back[e] ? Number.POSITIVE_INFINITY : rank[to[e]!]! - rank[from[e]!]!);
  const longest = new Int32Array(keyOf.size);
  const allowed =
    spans.find((limit) => {
      longest.fill(0);
      for (let e = 0; e < from.length; e++) if (span(e) <= limit) longest[key[e]!] = Math.max(longest[key[e]!]!, span(e) - 1);
      return longest.reduce((sum, bends) => sum + bends, 0) <= bendsPerBox * size + 64;
    }) ?? 1;

  const bends = longest.reduce((sum, length) => sum + length, 0);
  const row = new Int32Array(size + bends);
  row.set(rank);
  const upper: number[] = [];
  const lower: number[] = [];
  const firstBend = new Int32Array(from.length).fill(-1);
  const chain = new Int32Array(keyOf.size).fill(-1);
  let next = size;
  for (let e = 0; e < from.length; e++) {
    if (span(e) > allowed) {
      firstBend[e] = inLane;
      continue;
    }
    const k = key[e]!;
    if (chain[k] === -1 && longest[k]! > 0) {
      chain[k] = next;
      for (let i = 0; i < longest[k]!; i++, next++) {
        row[next] = rank[from[e]!]! + 1 + i;
        upper.push(i === 0 ? from[e]! : next - 1);
        lower.push(next);
      }
    }
    const through = span(e) - 1;
    firstBend[e] = through > 0 ? chain[k]! : -1;
    upper.push(through > 0 ? chain[k]! + through - 1 : from[e]!);
    lower.push(to[e]!);
  }
  const all = size + bends;
  return {
    size: all,
    boxes: size,
    count: ranks.rows,
    row,
    upper: Int32Array.from(upper),
    lower: Int32Array.from(lower),
    down: adjacency(all, upper),
    up: adjacency(all, lower),
    firstBend,
  };
}
