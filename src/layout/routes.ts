/** Heights of rows and of the gaps between, then each edge as points. See `LayoutView.routes` for how the points are read. */
import type { Lanes } from "./lanes.ts";
import type { Ranks } from "./rank.ts";
import type { Rows } from "./rows.ts";
import { Tracks, trackMargin, trackPitch } from "./tracks.ts";

/** Between boxes of a column; enough for a shape label. */
const gapStraight = 36;
/** Where edges fork or join. */
const gapCurved = 56;
/** Between what leaves and what arrives, so that a label has room. */
const trackClearance = 28;

export interface Routed {
  readonly top: Float64Array;
  readonly height: number;
  readonly routes: number[][];
}

export interface RouteInput {
  readonly rows: Rows;
  readonly ranks: Ranks;
  readonly heights: readonly number[];
  /** Centres, by box and bend. */
  readonly x: Int32Array;
  /** X of each edge's end. */
  readonly ports: Float64Array;
  readonly lanes: Lanes;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** How an edge gets from its box into a column of its own, and back: the track of its level run, or -1 for a curve. */
interface Runs {
  readonly leaves: Int32Array;
  readonly arrives: Int32Array;
  readonly departing: Tracks;
  readonly arriving: Tracks;
}

/** X of the column in which an edge runs just after its box, and just before its end; undefined between neighbouring rows. */
function columnsOf({ rows, ranks, x, lanes, from, to }: RouteInput, e: number): readonly [number, number] | undefined {
  const lane = lanes.laneOf[e]!;
  if (lane >= 0) return [lanes.x[lane]!, lanes.x[lane]!];
  const bend = rows.firstBend[e]!;
  if (bend < 0) return undefined;
  return [x[bend]!, x[bend + ranks.rank[to[e]!]! - ranks.rank[from[e]!]! - 2]!];
}

/** From so many columns on, a fork is drawn as one level run with branches; fewer bend away in curves. */
const branchesOfRun = 3;

function planRuns(input: RouteInput): Runs {
  const { ranks, x, ports, from, to } = input;
  const leaves = new Int32Array(from.length).fill(-1);
  const arrives = new Int32Array(from.length).fill(-1);
  const departing = new Tracks(input.rows.count + 1);
  const arriving = new Tracks(input.rows.count + 1);
  const forks = new Map<number, { edges: number[]; columns: Set<number>; aside: boolean }>();
  const ends: number[] = [];
  for (let e = 0; e < from.length; e++) {
    const columns = columnsOf(input, e);
    const a = from[e]!;
    let fork = forks.get(a);
    if (!fork) {
      fork = { edges: [], columns: new Set(), aside: false };
      forks.set(a, fork);
    }
    const first = columns ? columns[0] : ports[e]!;
    fork.columns.add(first);
    if (first !== x[a]!) fork.edges.push(e);
    if (columns && first !== x[a]!) fork.aside = true;
    if (columns && columns[1] !== ports[e]!) ends.push(e);
  }
  for (const [box, { edges, columns, aside }] of forks) {
    if (!aside && columns.size < branchesOfRun) continue;
    let [left, right] = [x[box]!, x[box]!];
    for (const column of columns) {
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
    const track = departing.take(ranks.rank[box]! + 1, left, right);
    for (const e of edges) leaves[e] = track;
  }
  // Tracks are counted from the box up: what ends farther out lies lower, and so crosses none that end farther in.
  const outer = (e: number): number => Math.abs(ports[e]! - x[to[e]!]!);
  ends.sort((a, b) => outer(b) - outer(a) || a - b);
  for (const e of ends) arrives[e] = arriving.take(ranks.rank[to[e]!]!, columnsOf(input, e)![1], ports[e]!);
  return { leaves, arrives, departing, arriving };
}

export function routeEdges(input: RouteInput): Routed {
  const { rows, ranks, heights, x, ports, lanes, from, to } = input;
  const { rank } = ranks;
  const runs = planRuns(input);
  const curved = new Uint8Array(rows.count + 1);
  for (let l = 0; l < rows.upper.length; l++) {
    if (x[rows.upper[l]!] !== x[rows.lower[l]!]) curved[rows.row[rows.lower[l]!]!] = 1;
  }
  for (let e = 0; e < from.length; e++) if (ports[e] !== x[to[e]!] && lanes.laneOf[e]! < 0) curved[rank[to[e]!]!] = 1;

  const rowHeight = new Float64Array(rows.count);
  for (let v = 0; v < rows.boxes; v++) rowHeight[rows.row[v]!] = Math.max(rowHeight[rows.row[v]!]!, heights[v]!);
  const rowTop = new Float64Array(rows.count + 1);
  const gapTop = new Float64Array(rows.count + 1);
  let y = 0;
  for (let r = 0; r <= rows.count; r++) {
    gapTop[r] = y;
    const outer = r === 0 || r === rows.count;
    const levels = [runs.departing.used(r), runs.arriving.used(r)].filter((used) => used > 0);
    const needed = levels.reduce((sum, used) => sum + trackMargin + (used - 1) * trackPitch, 0);
    if (!outer) y += Math.max(curved[r] ? gapCurved : gapStraight, needed + (levels.length > 0 ? trackClearance : 0));
    else if (needed > 0) y += needed + trackMargin;
    rowTop[r] = y;
    if (r < rows.count) y += rowHeight[r]!;
  }
  const top = new Float64Array(rows.boxes);
  for (let v = 0; v < rows.boxes; v++) top[v] = rowTop[rows.row[v]!]! + Math.floor((rowHeight[rows.row[v]!]! - heights[v]!) / 2);

  const routes: number[][] = [];
  for (let e = 0; e < from.length; e++) {
    const [a, b] = [from[e]!, to[e]!];
    const below = rank[a]! + 1;
    const points = new Points(x[a]!, top[a]! + heights[a]!);
    points.add(x[a]!, gapTop[below]!);
    const columns = columnsOf(input, e);
    if (runs.leaves[e]! >= 0) {
      const level = gapTop[below]! + trackMargin + runs.leaves[e]! * trackPitch;
      points.add(x[a]!, level);
      points.add(columns ? columns[0] : ports[e]!, level);
    }
    if (lanes.laneOf[e]! < 0) {
      for (let r = below; r < rank[b]!; r++) {
        const bendX = x[rows.firstBend[e]! + r - below]!;
        points.add(bendX, rowTop[r]!);
        points.add(bendX, gapTop[r + 1]!);
      }
    }
    if (columns && runs.arrives[e]! >= 0) {
      const level = rowTop[rank[b]!]! - trackMargin - runs.arrives[e]! * trackPitch;
      points.add(columns[1], level);
      points.add(ports[e]!, level);
    }
    points.add(ports[e]!, rowTop[rank[b]!]!);
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
