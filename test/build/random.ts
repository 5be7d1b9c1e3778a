/** Numbers for tests: seeded, of both signs, no two alike. */
export function random(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 4 - 1.7;
  });
}

/** Whole numbers in [low, high]. */
export function randomInts(count: number, low: number, high: number, seed = 1): number[] {
  return Array.from(random(count, seed), (x) => low + Math.floor(((x + 1.7) / 4) * (high - low + 1)));
}

/** Even noise in [-1, 1). */
export function noise(count: number, seed = 1): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround(((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1);
  });
}
