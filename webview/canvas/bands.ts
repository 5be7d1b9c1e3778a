/**
 * Which things cross a range of heights, without looking at all of them. A thing lies in the finest level whose bands are at least as tall
 * as itself, so in two bands at most: a lane past ten thousand rows costs no more than a short edge.
 */
export class Bands {
  private readonly levels: Map<number, number[]>[] = [];

  /** `tops` and `bottoms` by thing. `finest`: height of a band of level 0. */
  constructor(
    private readonly tops: ArrayLike<number>,
    private readonly bottoms: ArrayLike<number>,
    private readonly finest = 256,
  ) {
    for (let i = 0; i < tops.length; i++) {
      const level = Math.max(0, Math.ceil(Math.log2(Math.max(1, bottoms[i]! - tops[i]!) / finest)));
      while (this.levels.length <= level) this.levels.push(new Map());
      const bands = this.levels[level]!;
      const height = finest * 2 ** level;
      for (let band = Math.floor(tops[i]! / height); band <= Math.floor(bottoms[i]! / height); band++) {
        const held = bands.get(band);
        if (held) held.push(i);
        else bands.set(band, [i]);
      }
    }
  }

  /** Calls `visit` once for each thing that crosses [top, bottom]. */
  within(top: number, bottom: number, visit: (thing: number) => void): void {
    for (let level = 0; level < this.levels.length; level++) {
      const bands = this.levels[level]!;
      const height = this.finest * 2 ** level;
      const first = Math.floor(top / height);
      const last = Math.floor(bottom / height);
      const look = (band: number, held: readonly number[]): void => {
        for (const thing of held) {
          if (this.bottoms[thing]! < top || this.tops[thing]! > bottom) continue;
          // In two bands: the upper one tells it, unless that is out of sight.
          if (band > first && Math.floor(this.tops[thing]! / height) < band) continue;
          visit(thing);
        }
      };
      if (last - first < bands.size) {
        for (let band = first; band <= last; band++) {
          const held = bands.get(band);
          if (held) look(band, held);
        }
      } else {
        for (const [band, held] of bands) if (band >= first && band <= last) look(band, held);
      }
    }
  }
}
