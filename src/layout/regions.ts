/**
 * Which join closes which fork, by dominators: every path into the join comes through the fork, every path from the fork goes to the join.
 * A join that stands under its fork keeps the trunk straight, however lopsided the branches between.
 *
 * Only short edges count. A mask or a shape that is read in every block would tie all blocks into one; a long skip says nothing new.
 * What starts beside the trunk (constants) or ends there (outputs) makes trees of its own in the forest of dominators and is passed over.
 */
import { adjacency } from "./adjacency.ts";
import type { Ranks } from "./rank.ts";

const shortEdge = 16;

export interface Regions {
  /** By box: the fork that it closes, or -1. */
  readonly forkOf: Int32Array;
  /** By box: the join that closes it, or -1. */
  readonly joinOf: Int32Array;
}

export function findRegions(size: number, from: Int32Array, to: Int32Array, { rank, back }: Ranks): Regions {
  const upper: number[] = [];
  const lower: number[] = [];
  for (let e = 0; e < from.length; e++) {
    if (back[e] || rank[to[e]!]! - rank[from[e]!]! > shortEdge) continue;
    upper.push(from[e]!);
    lower.push(to[e]!);
  }
  const order = Array.from({ length: size }, (_, v) => v).sort((a, b) => rank[a]! - rank[b]! || a - b);
  const dominator = dominators(size, order, upper, lower);
  const postDominator = dominators(size, order.reverse(), lower, upper);
  const forkOf = new Int32Array(size).fill(-1);
  const joinOf = new Int32Array(size).fill(-1);
  for (let v = 0; v < size; v++) {
    const fork = dominator[v]!;
    // Neighbouring rows: the next of a chain, no region.
    if (fork < 0 || postDominator[fork] !== v || rank[v]! - rank[fork]! < 2) continue;
    forkOf[v] = fork;
    joinOf[fork] = v;
  }
  return { forkOf, joinOf };
}

/** Immediate dominators by lowest common ancestors along `order`; -1 for the roots of the forest. Jump pointers keep it n log n. */
function dominators(size: number, order: readonly number[], before: readonly number[], after: readonly number[]): Int32Array {
  const enter = adjacency(size, after);
  const parent = new Int32Array(size).fill(-1);
  const jump = Int32Array.from({ length: size }, (_, v) => v);
  const depth = new Int32Array(size);

  const common = (a: number, b: number): number => {
    let [low, high] = depth[a]! > depth[b]! ? [a, b] : [b, a];
    while (depth[low]! > depth[high]!) low = depth[jump[low]!]! >= depth[high]! ? jump[low]! : parent[low]!;
    while (low !== high) {
      if (parent[low] === -1) return -1;
      if (jump[low] === jump[high]) [low, high] = [parent[low]!, parent[high]!];
      else [low, high] = [jump[low]!, jump[high]!];
    }
    return low;
  };

  for (const v of order) {
    let deepest = -1;
    for (let l = enter.start[v]!; l < enter.start[v + 1]!; l++) {
      const p = before[enter.links[l]!]!;
      if (deepest === -1 || depth[p]! > depth[deepest]!) deepest = p;
    }
    if (deepest === -1) continue;
    let meet = deepest;
    for (let l = enter.start[v]!; l < enter.start[v + 1]!; l++) {
      const shared = common(meet, before[enter.links[l]!]!);
      if (shared !== -1) meet = shared;
    }
    parent[v] = meet;
    depth[v] = depth[meet]! + 1;
    const far = jump[meet]!;
    jump[v] = depth[meet]! - depth[far]! === depth[far]! - depth[jump[far]!]! ? jump[far]! : meet;
  }
  return parent;
}
