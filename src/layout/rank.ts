/** Rows by longest path. Cycles are cut at the edges that close them; what no root reaches sits just above its first use. */
import { type Adjacency, adjacency } from "./adjacency.ts";

export interface Ranks {
  readonly rank: Int32Array;
  readonly rows: number;
  /** 1 for an edge that closes a cycle: it runs upwards. */
  readonly back: Uint8Array;
}

/** `roots`: boxes from which the graph is entered; may be none. */
export function rankBoxes(size: number, from: Int32Array, to: Int32Array, roots: readonly number[]): Ranks {
  const out = adjacency(size, from);
  const back = closingEdges(size, to, out);
  const incoming = new Int32Array(size);
  for (let e = 0; e < to.length; e++) if (!back[e]) incoming[to[e]!]!++;

  const rank = new Int32Array(size);
  const reached = new Uint8Array(size);
  for (const root of roots) reached[root] = 1;
  const order = new Int32Array(size);
  let filled = 0;
  for (let v = 0; v < size; v++) if (incoming[v] === 0) order[filled++] = v;
  for (let next = 0; next < filled; next++) {
    const v = order[next]!;
    for (let i = out.start[v]!; i < out.start[v + 1]!; i++) {
      const e = out.links[i]!;
      if (back[e]) continue;
      const w = to[e]!;
      rank[w] = Math.max(rank[w]!, rank[v]! + 1);
      if (reached[v]) reached[w] = 1;
      if (--incoming[w]! === 0) order[filled++] = w;
    }
  }
  // Constants and what is computed of them alone, and the roots themselves, sink to their first reader.
  for (const root of roots) reached[root] = 0;
  for (let next = filled - 1; next >= 0; next--) {
    const v = order[next]!;
    if (reached[v]) continue;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = out.start[v]!; i < out.start[v + 1]!; i++) {
      const e = out.links[i]!;
      if (!back[e]) lowest = Math.min(lowest, rank[to[e]!]! - 1);
    }
    if (lowest !== Number.POSITIVE_INFINITY) rank[v] = lowest;
  }
  return normalized(rank, back);
}

function normalized(rank: Int32Array, back: Uint8Array): Ranks {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const r of rank) {
    least = Math.min(least, r);
    most = Math.max(most, r);
  }
  if (rank.length === 0) return { rank, rows: 0, back };
  for (let v = 0; v < rank.length; v++) rank[v]! -= least;
  return { rank, rows: most - least + 1, back };
}

/** Depth first, without recursion; an edge to what is still open closes a cycle. */
function closingEdges(size: number, to: Int32Array, out: Adjacency): Uint8Array {
  const back = new Uint8Array(to.length);
  const state = new Uint8Array(size); // 0 new, 1 open, 2 done
  const next = out.start.slice(0, size);
  const stack: number[] = [];
  const hasParent = new Uint8Array(size);
  for (const v of to) hasParent[v] = 1;
  // Starting where nothing enters keeps a loop's own entry on top.
  for (const wanted of [0, 1]) {
    for (let first = 0; first < size; first++) {
      if (hasParent[first] !== wanted || state[first]) continue;
      state[first] = 1;
      stack.push(first);
      while (stack.length > 0) {
        const v = stack[stack.length - 1]!;
        if (next[v]! >= out.start[v + 1]!) {
          state[v] = 2;
          stack.pop();
          continue;
        }
        const e = out.links[next[v]!++]!;
        const w = to[e]!;
        if (state[w] === 1) back[e] = 1;
        else if (state[w] === 0) {
          state[w] = 1;
          stack.push(w);
        }
      }
    }
  }
  return back;
}
