/** Left to right within each row: depth-first at first, then a few barycentre passes; the order with the fewest crossings wins. */
import type { Adjacency } from "./adjacency.ts";
import type { Rows } from "./rows.ts";

/** More passes hardly help; on large graphs time matters more. */
const passes = 8;
const passesWhenLarge = 2;
const large = 30_000;

/** By row, what stands there from left to right. */
export function orderRows(rows: Rows): Int32Array[] {
  let order = firstOrder(rows);
  const place = new Float64Array(rows.size);
  const number = (): void => {
    for (const row of order) for (let i = 0; i < row.length; i++) place[row[i]!] = i;
  };
  number();
  let best = order.map((row) => row.slice());
  let fewest = crossings(rows, order, place);
  const limit = rows.size > large ? passesWhenLarge : passes;
  for (let pass = 0; pass < limit && fewest > 0; pass++) {
    const downwards = pass % 2 === 0;
    const links = downwards ? rows.up : rows.down;
    const ends = downwards ? rows.upper : rows.lower;
    for (let i = 1; i < rows.count; i++) {
      const at = downwards ? i : rows.count - 1 - i;
      order[at] = byBarycentre(order[at]!, links, ends, place);
    }
    number();
    const crossed = crossings(rows, order, place);
    if (crossed < fewest) {
      fewest = crossed;
      best = order.map((row) => row.slice());
    }
  }
  order = best;
  return order;
}

function byBarycentre(row: Int32Array, links: Adjacency, ends: Int32Array, place: Float64Array): Int32Array {
  if (row.length < 2) return row;
  const centre = new Float64Array(row.length);
  for (let i = 0; i < row.length; i++) {
    const v = row[i]!;
    let sum = 0;
    const count = links.start[v + 1]! - links.start[v]!;
    for (let l = links.start[v]!; l < links.start[v + 1]!; l++) sum += place[ends[links.links[l]!]!]!;
    // What has no neighbour there keeps its place among the others.
    centre[i] = count > 0 ? sum / count : place[v]!;
  }
  const by = Array.from(row, (_, i) => i).sort((a, b) => centre[a]! - centre[b]! || a - b);
  const sorted = Int32Array.from(by, (i) => row[i]!);
  for (let i = 0; i < sorted.length; i++) place[sorted[i]!] = i;
  return sorted;
}

/** Depth first from the top; boxes before bends, so that a main path stands left of the lanes that skip it. */
function firstOrder(rows: Rows): Int32Array[] {
  const byRow: number[][] = Array.from({ length: rows.count }, () => []);
  const seen = new Uint8Array(rows.size);
  const stack: number[] = [];
  const starts = Array.from({ length: rows.size }, (_, v) => v).sort((a, b) => rows.row[a]! - rows.row[b]! || a - b);
  for (const start of starts) {
    if (seen[start]) continue;
    stack.push(start);
    while (stack.length > 0) {
      const v = stack.pop()!;
      if (seen[v]) continue;
      seen[v] = 1;
      byRow[rows.row[v]!]!.push(v);
      const below: number[] = [];
      for (let l = rows.down.start[v]!; l < rows.down.start[v + 1]!; l++) below.push(rows.lower[rows.down.links[l]!]!);
      for (const bends of [true, false]) {
        for (let i = below.length - 1; i >= 0; i--) if (below[i]! >= rows.boxes === bends) stack.push(below[i]!);
      }
    }
  }
  return byRow.map((row) => Int32Array.from(row));
}

/** Pairs of links that cross, by counting inversions row by row in a Fenwick tree. */
function crossings(rows: Rows, order: readonly Int32Array[], place: Float64Array): number {
  let crossed = 0;
  for (let r = 0; r + 1 < rows.count; r++) {
    const width = order[r + 1]!.length;
    if (width < 2 || order[r]!.length < 2) continue;
    const tree = new Int32Array(width + 1);
    let before = 0;
    for (const v of order[r]!) {
      const first = rows.down.start[v]!;
      const last = rows.down.start[v + 1]!;
      for (let l = first; l < last; l++) {
        let i = place[rows.lower[rows.down.links[l]!]!]! + 1;
        let notRight = 0;
        for (; i > 0; i -= i & -i) notRight += tree[i]!;
        crossed += before - notRight;
      }
      for (let l = first; l < last; l++) {
        for (let i = place[rows.lower[rows.down.links[l]!]!]! + 1; i <= width; i += i & -i) tree[i]!++;
      }
      before += last - first;
    }
  }
  return crossed;
}
