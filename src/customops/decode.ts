/** What stands around a decoder's loop: tokens that would repeat, and the times at which words were said. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** Ids [B, S] and scores [B, V]: −∞ for each token that would make n tokens, attribute `size`, occur again. */
function blockRepeats(tf: Tf, [ids, scores]: Inputs, attrs: CustomAttrs): Outputs {
  const size = attrs["size"] as number;
  const [rows, length] = ids!.shape as [number, number];
  const width = scores!.shape[1]!;
  const tokens = ids!.dataSync();
  const out = Float32Array.from(scores!.dataSync());
  for (let row = 0; row < rows; row++) {
    const token = (at: number) => tokens[row * length + at]!;
    for (let start = 0; start + size <= length; start++) {
      let same = 0;
      while (same < size - 1 && token(start + same) === token(length - size + 1 + same)) same++;
      const next = token(start + size - 1);
      if (same === size - 1 && next < width) out[row * width + next] = Number.NEGATIVE_INFINITY;
    }
  }
  return tf.tensor(out, scores!.shape, "float32");
}

/** Costs [1, M, N] or [M, N]: the cheapest way from the first corner to the last, [2, steps]. */
function timeWarp(tf: Tf, [x]: Inputs): Outputs {
  const [rows, columns] = x!.shape.slice(-2) as [number, number];
  const costs = x!.dataSync();
  const wide = columns + 1;
  const sums = new Float32Array((rows + 1) * wide).fill(Number.POSITIVE_INFINITY);
  const from = new Int8Array((rows + 1) * wide).fill(-1);
  sums[0] = 0;
  for (let j = 1; j <= columns; j++)
    for (let i = 1; i <= rows; i++) {
      const [both, up, left] = [sums[(i - 1) * wide + j - 1]!, sums[(i - 1) * wide + j]!, sums[i * wide + j - 1]!];
      const way = both < up && both < left ? 0 : up < both && up < left ? 1 : 2;
      sums[i * wide + j] = costs[(i - 1) * columns + j - 1]! + [both, up, left][way]!;
      from[i * wide + j] = way;
    }
  for (let j = 0; j <= columns; j++) from[j] = 2;
  for (let i = 0; i <= rows; i++) from[i * wide] = 1;
  const path: [number, number][] = [];
  for (let i = rows, j = columns; i > 0 || j > 0; ) {
    path.unshift([i - 1, j - 1]);
    const way = from[i * wide + j]!;
    if (way !== 2) i--;
    if (way !== 1) j--;
  }
  return tf.tensor([...path.map(([i]) => i), ...path.map(([, j]) => j)], [2, path.length], "int32");
}

export const decodeOps: Readonly<Record<string, CustomOp>> = {
  BlockRepeats: { run: blockRepeats },
  TimeWarp: { run: timeWarp },
};
