/** Heights of rows and of the gaps between, then each edge as points. See `LayoutView.routes` for how the points are read. */
import type { Lanes } from "./lanes.ts";
import type { Ranks } from "./rank.ts";
import { inLane, type Rows } from "./rows.ts";

/** Between boxes of a column; enough for a shape label. */
const gapStraight = 36;
/** Where edges fork or join. */
const gapCurved = 56;
/** Level runs to and from lanes. */
const trackPitch = 6;
const trackMargin = 14;
/** Beyond so many, tracks are shared: the gap must not grow without end. */
const tracksPerGap = 16;

export interface Routed {
  readonly top: Float64Array;
  readonly height: number;
  readonly routes: number[][];
}

export function routeEdges(
  rows: Rows,
  ranks: Ranks,
  heights: readonly number[],
  x: Int32Array,
  ports: Float64Array,
  lanes: Lanes,
  from: Int32Array,
  to: Int32Array,
): Routed {
  const { rank } = ranks;
  const curved = new Uint8Array(rows.count + 1);
  const tracks = new Int32Array(rows.count + 1);
  const leaves = new Int32Array(lanes.x.length).fill(-1);
  const arrives = new Int32Array(from.length).fill(-1);
  for (let e = 0; e < from.length; e++) {
    const lane = lanes.laneOf[e]!;
    if (lane < 0) continue;
    if (leaves[lane] === -1) leaves[lane] = tracks[rank[from[e]!]! + 1]!++;
    arrives[e] = tracks[rank[to[e]!]!]!++;
  }
  for (let l = 0; l < rows.upper.length; l++) {
    if (x[rows.upper[l]!] !== x[rows.lower[l]!]) curved[rows.row[rows.lower[l]!]!] = 1;
  }
  for (let e = 0; e < from.length; e++) if (ports[e] !== x[to[e]!] && rows.firstBend[e] !== inLane) curved[rank[to[e]!]!] = 1;

  const rowHeight = new Float64Array(rows.count);
  for (let v = 0; v < rows.boxes; v++) rowHeight[rows.row[v]!] = Math.max(rowHeight[rows.row[v]!]!, heights[v]!);
  const rowTop = new Float64Array(rows.count + 1);
  const gapTop = new Float64Array(rows.count + 1);
  let y = 0;
  for (let r = 0; r <= rows.count; r++) {
    gapTop[r] = y;
    const outer = r === 0 || r === rows.count;
    const used = Math.min(tracks[r]!, tracksPerGap);
    if (used > 0) y += 2 * trackMargin + (used - 1) * trackPitch;
    if (!outer) y = Math.max(y, gapTop[r]! + (curved[r] ? gapCurved : gapStraight));
    rowTop[r] = y;
    if (r < rows.count) y += rowHeight[r]!;
  }
  const trackY = (gap: number, track: number): number => gapTop[gap]! + trackMargin + (track % tracksPerGap) * trackPitch;
  const top = new Float64Array(rows.boxes);
  for (let v = 0; v < rows.boxes; v++) top[v] = rowTop[rows.row[v]!]! + Math.floor((rowHeight[rows.row[v]!]! - heights[v]!) / 2);

  const routes: number[][] = [];
  for (let e = 0; e < from.length; e++) {
    const [a, b] = [from[e]!, to[e]!];
    const points = new Points(x[a]!, top[a]! + heights[a]!);
    const lane = lanes.laneOf[e]!;
    if (lane >= 0) {
      const out = trackY(rank[a]! + 1, leaves[lane]!);
      const back = trackY(rank[b]!, arrives[e]!);
      points.add(x[a]!, out);
      points.add(lanes.x[lane]!, out);
      points.add(lanes.x[lane]!, back);
      points.add(ports[e]!, back);
    } else {
      points.add(x[a]!, gapTop[rank[a]! + 1]!);
      for (let r = rank[a]! + 1; r < rank[b]!; r++) {
        const bendX = x[rows.firstBend[e]! + r - rank[a]! - 1]!;
        points.add(bendX, rowTop[r]!);
        points.add(bendX, gapTop[r + 1]!);
      }
      points.add(ports[e]!, rowTop[rank[b]!]!);
    }
    points.add(ports[e]!, top[b]!);
    routes.push(points.list);
  }
  return { top, height: y, routes };
}

/** Drops points that say nothing: repeated, or in the middle of a vertical. */
class Points {
  readonly list: number[];

  constructor(x: number, y: number) {
    this.list = [x, y];
  }

  add(x: number, y: number): void {
    const { list } = this;
    const n = list.length;
    if (list[n - 2] === x && list[n - 1] === y) return;
    if (n >= 4 && list[n - 2] === x && list[n - 4] === x) list[n - 1] = y;
    else list.push(x, y);
  }
}
