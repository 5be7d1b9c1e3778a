/**
 * Numbers that follow from a seed, as TensorFlow's stateless operators draw them: Random123's Philox of four words and ten rounds. The
 * functions stand in written models too, and so use nothing but one another.
 */

/** The words of (a · b) beyond the first 32 bits, and those. */
export function wideProduct(a: number, b: number): readonly [high: number, low: number] {
  const [a1, a0, b1, b0] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = a1 * b0 + Math.floor((a0 * b0) / 0x10000);
  const upper = a0 * b1 + (middle % 0x10000);
  return [(a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(upper / 0x10000)) >>> 0, Math.imul(a, b) >>> 0];
}

/** Four words for a counter of four and a key of two. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter as [number, number, number, number];
  let [k0, k1] = key as [number, number];
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = wideProduct(0xd2511f53, c0);
    const [high2, low2] = wideProduct(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high2 ^ c1 ^ k0) >>> 0, low2, (high0 ^ c3 ^ k1) >>> 0, low0];
    [k0, k1] = [(k0 + 0x9e3779b9) >>> 0, (k1 + 0xbb67ae85) >>> 0];
  }
  return [c0, c1, c2, c3];
}

/**
 * `count` numbers for a seed of two 64-bit numbers, each its low word and its high one. `how`: 0 uniform in [0, 1), 1 normal, 2 normal within
 * two deviations, 3 whole in [low, high), of 32 bits.
 */
export function seededNumbers(seed: readonly number[], count: number, how: number, low = 0, high = 0): number[] {
  const mixed = philox(seed, [0x3ec8f720, 0x02461e29]);
  const key = mixed.slice(0, 2);
  // Block n of four words: the two lower words of the counter count, the others are of the seed.
  const block = (n: number) => philox([n >>> 0, Math.floor(n / 0x100000000), mixed[2]!, mixed[3]!], key);
  const unit = (word: number) => (word & 0x7fffff) / 0x800000;
  const pair = (words: readonly number[], i: number) => {
    const angle = 2 * Math.PI * unit(words[i + 1]!);
    const radius = Math.sqrt(-2 * Math.log(Math.max(unit(words[i]!), 1e-7)));
    return [Math.sin(angle) * radius, Math.cos(angle) * radius];
  };
  const drawn: number[] = [];
  for (let group = 0; drawn.length < count; group++) {
    if (how === 2) {
      // Each four numbers have 256 blocks to choose from.
      const kept: number[] = [];
      for (let n = 256 * group; kept.length < 4; n++) {
        const words = block(n);
        for (const i of [0, 2]) if (kept.length < 4) kept.push(...pair(words, i).filter((x) => Math.abs(x) < 2));
      }
      drawn.push(...kept.slice(0, 4));
      continue;
    }
    const words = block(group);
    if (how === 1) drawn.push(...pair(words, 0), ...pair(words, 2));
    else drawn.push(...words.map((word) => (how === 0 ? unit(word) : low + (word % (high - low)))));
  }
  return drawn.slice(0, count);
}

/** As an op of TF.js: of a shape, for a seed of two numbers of 32 bits; whole ones between two bounds. */
export function seededRandom<T>(
  tf: { tensor(values: number[], shape: number[], dtype: "float32" | "int32"): T },
  [shape, seed, low, high]: readonly { dataSync(): ArrayLike<number> }[],
  attrs: Readonly<Record<string, unknown>>,
): T {
  const dims = Array.from(shape!.dataSync());
  const count = dims.reduce((size, dim) => size * dim, 1);
  const words = Array.from(seed!.dataSync()).flatMap((part) => [part >>> 0, part < 0 ? 0xffffffff : 0]);
  const [least, beyond] = [low, high].map((bound) => (bound ? bound.dataSync()[0]! : 0));
  return tf.tensor(seededNumbers(words, count, attrs["how"] as number, least, beyond), dims, low ? "int32" : "float32");
}
