/** Lanes at the side, for edges that span too many rows or run upwards: outside all that stands in the rows they pass, short ones inside. */
import type { Ranks } from "./rank.ts";
import { inLane, type Rows } from "./rows.ts";

export const laneGap = 16;

export interface Lanes {
  /** By edge: its lane, or -1. All edges of one value share one. */
  readonly laneOf: Int32Array;
  /** By lane. */
  readonly x: readonly number[];
}

export function assignLanes(
  rows: Rows,
  order: readonly Int32Array[],
  widths: readonly number[],
  x: Int32Array,
  from: Int32Array,
  to: Int32Array,
  value: Int32Array,
  ranks: Ranks,
): Lanes {
  const laneOf = new Int32Array(from.length).fill(-1);
  const lanes: { first: number; last: number; start: number; ends: number; count: number }[] = [];
  const known = new Map<number, number>();
  for (let e = 0; e < from.length; e++) {
    if (rows.firstBend[e] !== inLane) continue;
    const [a, b] = [ranks.rank[from[e]!]!, ranks.rank[to[e]!]!];
    const [first, last] = ranks.back[e] ? [b, a] : [a + 1, b - 1];
    const key = from[e]! * 2 ** 32 + value[e]!;
    let id = known.get(key);
    if (id === undefined) {
      id = lanes.length;
      known.set(key, id);
      lanes.push({ first, last, start: x[from[e]!]!, ends: 0, count: 0 });
    }
    const lane = lanes[id]!;
    lane.first = Math.min(lane.first, first);
    lane.last = Math.max(lane.last, last);
    lane.ends += x[to[e]!]!;
    lane.count++;
    laneOf[e] = id;
  }
  if (lanes.length === 0) return { laneOf, x: [] };

  const width = (v: number): number => (v < rows.boxes ? widths[v]! : 0);
  const right = new Extents(order.map((row) => edgeOf(row[row.length - 1], 1)));
  const left = new Extents(order.map((row) => edgeOf(row[0], -1)));
  function edgeOf(v: number | undefined, side: 1 | -1): number {
    return v === undefined ? 0 : side * x[v]! + Math.ceil(width(v) / 2);
  }
  const at = new Array<number>(lanes.length).fill(0);
  const shortFirst = lanes
    .map((_, i) => i)
    .sort((a, b) => lanes[a]!.last - lanes[a]!.first - (lanes[b]!.last - lanes[b]!.first) || a - b);
  for (const i of shortFirst) {
    const { first, last, start, ends, count } = lanes[i]!;
    const toRight = right.most(first, last) + laneGap;
    const toLeft = left.most(first, last) + laneGap;
    const end = ends / count;
    const detour = (lane: number): number => Math.abs(lane - start) + Math.abs(lane - end);
    const isRight = detour(toRight) <= detour(-toLeft);
    at[i] = isRight ? toRight : -toLeft;
    if (isRight) right.raise(first, last, toRight);
    else left.raise(first, last, toLeft);
  }
  return { laneOf, x: at };
}

/** The largest of a range, and raising a range to at least some value, both in logarithmic time. */
class Extents {
  private readonly leaves: number;
  /** Largest under each node of a binary tree; node 1 is the root. */
  private readonly best: Float64Array;
  /** What the whole range under a node was raised to. */
  private readonly floor: Float64Array;

  constructor(values: readonly number[]) {
    this.leaves = 1;
    while (this.leaves < values.length) this.leaves *= 2;
    this.best = new Float64Array(2 * this.leaves).fill(Number.NEGATIVE_INFINITY);
    this.floor = new Float64Array(2 * this.leaves).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < values.length; i++) this.best[this.leaves + i] = values[i]!;
    for (let i = this.leaves - 1; i > 0; i--) this.best[i] = Math.max(this.best[2 * i]!, this.best[2 * i + 1]!);
  }

  most(first: number, last: number, node = 1, low = 0, high = this.leaves - 1): number {
    if (last < low || high < first) return Number.NEGATIVE_INFINITY;
    if (first <= low && high <= last) return this.best[node]!;
    const middle = (low + high) >> 1;
    const inside = Math.max(
      this.most(first, last, 2 * node, low, middle),
      this.most(first, last, 2 * node + 1, middle + 1, high),
    );
    return Math.max(inside, this.floor[node]!);
  }

  raise(first: number, last: number, value: number, node = 1, low = 0, high = this.leaves - 1): void {
    if (last < low || high < first) return;
    this.best[node] = Math.max(this.best[node]!, value);
    if (first <= low && high <= last) {
      this.floor[node] = Math.max(this.floor[node]!, value);
      return;
    }
    const middle = (low + high) >> 1;
    this.raise(first, last, value, 2 * node, low, middle);
    this.raise(first, last, value, 2 * node + 1, middle + 1, high);
  }
}
