/** Suppression of boxes that overlap, of every batch and class on their own: ONNX's, and TensorFlow's combined one, which keeps the best of all. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** Intersection over union of two boxes, corners in any order; 0 where one has no area. */
function overlap(boxes: ArrayLike<number>, p: number, q: number): number {
  const corners = (at: number) => {
    const [a, b, c, d] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)] as const;
  };
  const [[top, left, bottom, right], [up, west, down, east]] = [corners(p), corners(q)];
  const areas = [(bottom - top) * (right - left), (down - up) * (east - west)] as const;
  if (areas[0] <= 0 || areas[1] <= 0) return 0;
  const height = Math.max(Math.min(bottom, down) - Math.max(top, up), 0);
  const width = Math.max(Math.min(right, east) - Math.max(left, west), 0);
  const shared = height * width;
  return shared / (areas[0] + areas[1] - shared);
}

/** boxes [batch, n, 1 or classes, 4], scores [batch, n, classes], overlap, least score; attributes each, total, clip. */
function combinedSuppression(tf: Tf, [boxes, scores, most, least]: Inputs, attrs: CustomAttrs): Outputs {
  const [batches, n, own] = boxes!.shape as [number, number, number, number];
  const classes = scores!.shape[2]!;
  const [places, values] = [boxes!.dataSync<"float32">(), scores!.dataSync<"float32">()];
  const [limit, threshold] = [most!.dataSync()[0]!, least!.dataSync()[0]!];
  const [each, total] = [attrs["each"] as number, attrs["total"] as number];
  const outBoxes = new Float32Array(batches * total * 4);
  const outScores = new Float32Array(batches * total);
  const outClasses = new Float32Array(batches * total);
  const counts = new Int32Array(batches);
  for (let batch = 0; batch < batches; batch++) {
    const found: { score: number; at: number; kind: number }[] = [];
    for (let kind = 0; kind < classes; kind++) {
      const placeOf = (box: number) => ((batch * n + box) * own + (own === 1 ? 0 : kind)) * 4;
      const scoreOf = (box: number) => values[(batch * n + box) * classes + kind]!;
      const candidates = Array.from({ length: n }, (_, box) => box).filter((box) => scoreOf(box) > threshold);
      candidates.sort((p, q) => scoreOf(q) - scoreOf(p) || p - q);
      const chosen: number[] = [];
      for (const box of candidates) {
        if (chosen.length >= each) break;
        if (chosen.every((other) => overlap(places, placeOf(box), placeOf(other)) <= limit)) chosen.push(box);
      }
      found.push(...chosen.map((box) => ({ score: scoreOf(box), at: placeOf(box), kind })));
    }
    found.sort((p, q) => q.score - p.score);
    const kept = found.slice(0, total);
    counts[batch] = kept.length;
    kept.forEach(({ score, at, kind }, i) => {
      const to = batch * total + i;
      for (let k = 0; k < 4; k++) {
        const place = places[at + k]!;
        outBoxes[to * 4 + k] = attrs["clip"] === true ? Math.min(Math.max(place, 0), 1) : place;
      }
      outScores[to] = score;
      outClasses[to] = kind;
    });
  }
  return [
    tf.tensor(outBoxes, [batches, total, 4], "float32"),
    tf.tensor(outScores, [batches, total], "float32"),
    tf.tensor(outClasses, [batches, total], "float32"),
    tf.tensor1d(counts, "int32"),
  ];
}

/** boxes [batch, n, 4], scores [batch, classes, n], most a class, overlap, least score: rows of batch, class, box. */
function suppressEach(tf: Tf, [boxes, scores, most, limit, least]: Inputs): Outputs {
  const [batches, classes, n] = scores!.shape as [number, number, number];
  const [places, values] = [boxes!.dataSync<"float32">(), scores!.dataSync<"float32">()];
  const [count, shared, threshold] = [most!.dataSync()[0]!, limit!.dataSync()[0]!, least!.dataSync()[0]!];
  const rows: number[] = [];
  for (let batch = 0; batch < batches; batch++)
    for (let kind = 0; kind < classes; kind++) {
      const scoreOf = (box: number) => values[(batch * classes + kind) * n + box]!;
      const candidates = Array.from({ length: n }, (_, box) => box).filter((box) => scoreOf(box) > threshold);
      candidates.sort((p, q) => scoreOf(q) - scoreOf(p) || p - q);
      const chosen: number[] = [];
      for (const box of candidates) {
        if (chosen.length >= count) break;
        if (chosen.every((other) => overlap(places, (batch * n + box) * 4, (batch * n + other) * 4) <= shared)) chosen.push(box);
      }
      for (const box of chosen) rows.push(batch, kind, box);
    }
  return tf.tensor2d(rows, [rows.length / 3, 3], "int32");
}

export const suppressionOps: Readonly<Record<string, CustomOp>> = {
  CombinedSuppression: { run: combinedSuppression, uses: [overlap] },
  SuppressEach: { run: suppressEach, uses: [overlap] },
};
