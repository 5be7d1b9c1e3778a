/**
 * Where each box and bend stands within its row. Each row in turn is moved as near to its neighbours in the next row as its own order
 * and gaps allow: a weighted isotonic regression, solved exactly by pooling adjacent violators. Then chains are pulled straight.
 */
import { pullStraight } from "./chains.ts";
import { type Neighbours, preferred } from "./neighbours.ts";
import type { Regions } from "./regions.ts";
import type { Rows } from "./rows.ts";

export const boxGap = 32;
export const bendGap = 16;

const sweeps = 7;
const sweepsWhenLarge = 5;
const large = 30_000;

/** A box led by boxes moves all others; bends go where there is room. */
const ledByBox = 1;
const ledByBend = 1e-3;
const bend = 1e-6;

/** Centres, whole pixels, by box and bend; any origin. `widths` by box. */
export function placeColumns(rows: Rows, order: readonly Int32Array[], widths: readonly number[], regions: Regions): Int32Array {
  const x = new Int32Array(rows.size);
  const gaps = order.map((row) => separations(row, rows.boxes, widths));
  for (let r = 0; r < order.length; r++) {
    const row = order[r]!;
    const offsets = gaps[r]!;
    const middle = Math.round((offsets[row.length - 1] ?? 0) / 2);
    for (let i = 0; i < row.length; i++) x[row[i]!] = offsets[i]! - middle;
  }
  const above = preferred(rows, "up", regions.forkOf);
  const below = preferred(rows, "down", regions.joinOf);
  const solver = new RowSolver(order.reduce((most, row) => Math.max(most, row.length), 0));
  const times = rows.size > large ? sweepsWhenLarge : sweeps;
  for (let sweep = 0; sweep < times; sweep++) {
    const downwards = sweep % 2 === 0;
    for (let i = 1; i < order.length; i++) {
      const r = downwards ? i : order.length - 1 - i;
      solver.place(order[r]!, gaps[r]!, downwards ? above : below, rows.boxes, x);
    }
  }
  pullStraight(rows, order, gaps, above, below, x);
  return x;
}

/** Distance of each centre in the row from the first one's, at the least. */
function separations(row: Int32Array, boxes: number, widths: readonly number[]): Int32Array {
  const offsets = new Int32Array(row.length);
  const width = (v: number): number => (v < boxes ? widths[v]! : 0);
  for (let i = 1; i < row.length; i++) {
    const [a, b] = [row[i - 1]!, row[i]!];
    const gap = a < boxes && b < boxes ? boxGap : a >= boxes && b >= boxes ? bendGap : (boxGap + bendGap) / 2;
    offsets[i] = offsets[i - 1]! + Math.ceil((width(a) + width(b)) / 2) + gap;
  }
  return offsets;
}

/** Arrays for the pools are kept between rows. */
class RowSolver {
  private readonly mean: Float64Array;
  private readonly weight: Float64Array;
  private readonly length: Int32Array;

  constructor(widest: number) {
    this.mean = new Float64Array(widest);
    this.weight = new Float64Array(widest);
    this.length = new Int32Array(widest);
  }

  place(row: Int32Array, offsets: Int32Array, neighbours: Neighbours, boxes: number, x: Int32Array): void {
    const { mean, weight, length } = this;
    let pools = 0;
    for (let i = 0; i < row.length; i++) {
      const v = row[i]!;
      const { target, led } = neighbours.target(v, x);
      mean[pools] = target - offsets[i]!;
      weight[pools] = v >= boxes ? bend : led ? ledByBox : ledByBend;
      length[pools] = 1;
      pools++;
      while (pools > 1 && mean[pools - 2]! > mean[pools - 1]!) {
        const [a, b] = [pools - 2, pools - 1];
        const sum = weight[a]! + weight[b]!;
        mean[a] = (mean[a]! * weight[a]! + mean[b]! * weight[b]!) / sum;
        weight[a] = sum;
        length[a]! += length[b]!;
        pools--;
      }
    }
    let i = 0;
    for (let pool = 0; pool < pools; pool++) {
      const at = Math.round(mean[pool]!);
      for (let n = 0; n < length[pool]!; n++, i++) x[row[i]!] = at + offsets[i]!;
    }
  }
}
