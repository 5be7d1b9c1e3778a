/** Chains of boxes and lanes of bends, pulled into one straight column as far as their neighbours in the rows leave room. */
import type { Neighbours } from "./neighbours.ts";
import type { Rows } from "./rows.ts";

/** Moves `x` in place; the order in the rows and the gaps hold. */
export function pullStraight(
  rows: Rows,
  order: readonly Int32Array[],
  gaps: readonly Int32Array[],
  above: Neighbours,
  below: Neighbours,
  x: Int32Array,
): void {
  const place = new Int32Array(rows.size);
  for (const row of order) for (let i = 0; i < row.length; i++) place[row[i]!] = i;
  const linked = (upper: number, lower: number): boolean =>
    upper >= 0 &&
    lower >= 0 &&
    upper >= rows.boxes === lower >= rows.boxes &&
    below.only(upper) === lower &&
    above.only(lower) === upper;

  const chain: number[] = [];
  for (const bends of [false, true]) {
    const first = bends ? rows.boxes : 0;
    const last = bends ? rows.size : rows.boxes;
    for (let v = first; v < last; v++) {
      if (linked(above.only(v), v)) continue;
      chain.length = 0;
      for (let at = v; ; ) {
        chain.push(at);
        const next = below.only(at);
        if (!linked(at, next)) break;
        at = next;
      }
      if (chain.length > 1) straighten(chain, rows, order, gaps, place, x);
    }
  }
}

function straighten(
  chain: readonly number[],
  rows: Rows,
  order: readonly Int32Array[],
  gaps: readonly Int32Array[],
  place: Int32Array,
  x: Int32Array,
): void {
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  let begin = 0;
  const settle = (end: number): void => {
    const held = chain.slice(begin, end);
    const sorted = held.map((v) => x[v]!).sort((a, b) => a - b);
    const middle = sorted[(sorted.length - 1) >> 1]!;
    for (const v of held) x[v] = Math.min(Math.max(middle, least), most);
  };
  for (let n = 0; n < chain.length; n++) {
    const v = chain[n]!;
    const row = order[rows.row[v]!]!;
    const offsets = gaps[rows.row[v]!]!;
    const i = place[v]!;
    const left = i > 0 ? x[row[i - 1]!]! + offsets[i]! - offsets[i - 1]! : Number.NEGATIVE_INFINITY;
    const right = i + 1 < row.length ? x[row[i + 1]!]! - offsets[i + 1]! + offsets[i]! : Number.POSITIVE_INFINITY;
    if (Math.max(least, left) > Math.min(most, right)) {
      settle(n);
      begin = n;
      least = left;
      most = right;
    } else {
      least = Math.max(least, left);
      most = Math.min(most, right);
    }
  }
  settle(chain.length);
}
