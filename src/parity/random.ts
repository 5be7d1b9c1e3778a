/** xoshiro128** and the few distributions that inputs need; the same numbers on every platform and at every version. */
export class Random {
  private readonly state: Uint32Array;

  /** `stream` makes independent sequences of one seed: an input's numbers do not depend on the other inputs. */
  constructor(seed: number, stream = "") {
    // FNV-1a over the name, then splitmix32 to fill the state, which must not be all zero.
    let hash = 0x811c9dc5;
    for (const char of stream) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
    let mix = (hash ^ Math.imul(seed | 0, 0x9e3779b9)) >>> 0;
    this.state = Uint32Array.from({ length: 4 }, () => {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16) || 1;
    });
  }

  /** In [0, 2^32). */
  bits(): number {
    const s = this.state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s[1]!;
    s[1] = s[1]! ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** In [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  /** Whole numbers in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Mean 0, variance 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
