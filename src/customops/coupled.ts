/** Probabilities of classes from those of their pairs, as libsvm couples them. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** Attributes a and b: of each pair the sigmoid that makes a probability of its decision; x is [rows, pairs]. */
function coupledProbabilities(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const [slopes, offsets] = [attrs["a"] as readonly number[], attrs["b"] as readonly number[]];
  const [rows, pairs] = x!.shape as [number, number];
  const n = (1 + Math.sqrt(1 + 8 * pairs)) / 2;
  const decisions = x!.dataSync<"float32">();
  const out = new Float32Array(rows * n);
  for (let row = 0; row < rows; row++) {
    const r = Array.from({ length: n }, () => new Float64Array(n));
    let pair = 0;
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++, pair++) {
        const share = 1 / (1 + Math.exp(decisions[row * pairs + pair]! * slopes[pair]! + offsets[pair]!));
        r[i]![j] = Math.min(Math.max(share, 1e-7), 1 - 1e-7);
        r[j]![i] = 1 - r[i]![j]!;
      }
    const q = r.map((own, i) =>
      own.map((_, j) => (i === j ? r.reduce((sum, other, k) => sum + (k === i ? 0 : other[i]! ** 2), 0) : -r[j]![i]! * own[j]!)),
    );
    const p = new Float64Array(n).fill(1 / n);
    for (let round = 0; round < 100; round++) {
      const qp = q.map((line) => line.reduce((sum, value, j) => sum + value * p[j]!, 0));
      let pqp = p.reduce((sum, value, i) => sum + value * qp[i]!, 0);
      if (Math.max(...qp.map((value) => Math.abs(value - pqp))) < 0.005 / n) break;
      for (let i = 0; i < n; i++) {
        const step = (pqp - qp[i]!) / q[i]![i]!;
        p[i]! += step;
        pqp = (pqp + step * (step * q[i]![i]! + 2 * qp[i]!)) / (1 + step) ** 2;
        for (let j = 0; j < n; j++) {
          qp[j] = (qp[j]! + step * q[i]![j]!) / (1 + step);
          p[j]! /= 1 + step;
        }
      }
    }
    out.set(p, row * n);
  }
  return tf.tensor(out, [rows, n], "float32");
}

export const coupledOps: Readonly<Record<string, CustomOp>> = { CoupledProbabilities: { run: coupledProbabilities } };
