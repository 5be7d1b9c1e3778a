/**
 * Level runs in the gaps between rows: edges that leave for a lane or a bend aside, and edges that come back from one. Runs that would lie
 * on each other get heights of their own; those of one box's departure are one run.
 */

export const trackPitch = 6;
/** Between a box and the nearest run: room for an arrow and a corner. */
export const trackMargin = 14;
/** Beyond so many, runs share: the gap must not grow without end. */
const tracksPerGap = 16;

export class Tracks {
  /** By gap and track, the intervals taken, flat. */
  private readonly taken: number[][][];

  constructor(gaps: number) {
    this.taken = Array.from({ length: gaps }, () => []);
  }

  /** The first track of the gap that is free from `a` to `b`. */
  take(gap: number, a: number, b: number): number {
    const tracks = this.taken[gap]!;
    const [left, right] = a < b ? [a, b] : [b, a];
    const free = (track: readonly number[]): boolean => {
      for (let i = 0; i < track.length; i += 2)
        if (left <= track[i + 1]! + trackPitch && right >= track[i]! - trackPitch) return false;
      return true;
    };
    let found = tracks.findIndex(free);
    if (found === -1) {
      found = tracks.length < tracksPerGap ? tracks.length : tracks.length - 1;
      if (found === tracks.length) tracks.push([]);
    }
    const track = tracks[found]!;
    // A full gap's last track takes whatever comes; nothing is looked up in it any more.
    if (track.length < 2 * tracksPerGap * tracksPerGap) track.push(left, right);
    return found;
  }

  used(gap: number): number {
    return this.taken[gap]!.length;
  }
}
