/**
 * Which neighbours a box follows. A main path runs on through boxes that have more before and after them; a constant beside it, an output
 * or a skipping edge must not pull it aside. So only neighbours of the highest kind count: through boxes, then end boxes, then bends.
 * A bend follows bends first: a lane is straight. The join of a region follows its fork before all others.
 */
import type { Rows } from "./rows.ts";

export class Neighbours {
  constructor(
    private readonly start: Int32Array,
    private readonly all: Int32Array,
    private readonly boxes: number,
  ) {}

  /** Mean of those followed, and whether they are boxes; its own place where there are none. */
  target(v: number, x: Int32Array): { target: number; led: boolean } {
    const first = this.start[v]!;
    const last = this.start[v + 1]!;
    if (first === last) return { target: x[v]!, led: false };
    let sum = 0;
    for (let i = first; i < last; i++) sum += x[this.all[i]!]!;
    return { target: sum / (last - first), led: this.all[first]! < this.boxes };
  }

  /** The only one followed, or -1. */
  only(v: number): number {
    const first = this.start[v]!;
    return this.start[v + 1]! === first + 1 ? this.all[first]! : -1;
  }
}

/** `mates`: by box, the other end of its region, or -1. */
export function preferred(rows: Rows, direction: "up" | "down", mates: Int32Array): Neighbours {
  const links = direction === "up" ? rows.up : rows.down;
  const ends = direction === "up" ? rows.upper : rows.lower;
  const onwards = direction === "up" ? rows.up : rows.down;
  const start = new Int32Array(rows.size + 1);
  const all: number[] = [];
  const taken = new Int32Array(rows.size).fill(-1);
  const kind = (v: number, forBend: boolean): number => {
    if (v >= rows.boxes) return forBend ? 3 : 0;
    return onwards.start[v + 1]! > onwards.start[v]! ? 2 : 1;
  };
  for (let v = 0; v < rows.size; v++) {
    const mate = v < rows.boxes ? mates[v]! : -1;
    if (mate >= 0) {
      all.push(mate);
      start[v + 1] = all.length;
      continue;
    }
    let best = -1;
    for (let l = links.start[v]!; l < links.start[v + 1]!; l++) {
      best = Math.max(best, kind(ends[links.links[l]!]!, v >= rows.boxes));
    }
    for (let l = links.start[v]!; l < links.start[v + 1]!; l++) {
      const end = ends[links.links[l]!]!;
      if (taken[end] === v || kind(end, v >= rows.boxes) !== best) continue;
      taken[end] = v;
      all.push(end);
    }
    start[v + 1] = all.length;
  }
  return new Neighbours(start, Int32Array.from(all), rows.boxes);
}
