/** Determinants and inverses over the last two axes, by elimination with row pivots. */
import type { CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function determinants(tf: Tf, [x]: Inputs): Outputs {
  const n = x!.shape[x!.shape.length - 1]!;
  const data = Float64Array.from(x!.dataSync<"float32">());
  const lead = x!.shape.slice(0, -2);
  const out = new Float32Array(lead.reduce((size, dim) => size * dim, 1));
  for (let m = 0; m < out.length; m++) {
    const a = data.subarray(m * n * n, (m + 1) * n * n);
    let product = 1;
    for (let k = 0; k < n && product !== 0; k++) {
      let pivot = k;
      for (let row = k + 1; row < n; row++) if (Math.abs(a[row * n + k]!) > Math.abs(a[pivot * n + k]!)) pivot = row;
      const head = a[pivot * n + k]!;
      if (pivot !== k) product = -product;
      for (let column = 0; column < n; column++) {
        const value = a[pivot * n + column]!;
        a[pivot * n + column] = a[k * n + column]!;
        a[k * n + column] = value;
      }
      product *= head;
      for (let row = k + 1; row < n && head !== 0; row++) {
        const factor = a[row * n + k]! / head;
        for (let column = k; column < n; column++) a[row * n + column]! -= factor * a[k * n + column]!;
      }
    }
    out[m] = product;
  }
  return tf.tensor(out, lead, "float32");
}

/** A matrix without an inverse gives infinities and NaN. */
function inverses(tf: Tf, [x]: Inputs): Outputs {
  const n = x!.shape[x!.shape.length - 1]!;
  const data = Float64Array.from(x!.dataSync<"float32">());
  const out = new Float32Array(data.length);
  for (let m = 0; m < data.length / (n * n); m++) {
    // [A | I] row by row, until A is I.
    const rows = Array.from({ length: n }, (_, i) => [
      ...data.subarray(m * n * n + i * n, m * n * n + (i + 1) * n),
      ...Array.from({ length: n }, (_, k) => (k === i ? 1 : 0)),
    ]);
    for (let k = 0; k < n; k++) {
      let pivot = k;
      for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[pivot]![k]!)) pivot = i;
      const head = rows[pivot]!;
      rows[pivot] = rows[k]!;
      const scaled = head.map((value) => value / head[k]!);
      rows[k] = scaled;
      for (let i = 0; i < n; i++) {
        const factor = rows[i]![k]!;
        if (i !== k && factor !== 0) rows[i] = rows[i]!.map((value, c) => value - factor * scaled[c]!);
      }
    }
    rows.forEach((row, i) => {
      out.set(row.slice(n), m * n * n + i * n);
    });
  }
  return tf.tensor(out, x!.shape, "float32");
}

export const matrixOps: Readonly<Record<string, CustomOp>> = {
  MatrixDeterminant: { run: determinants },
  MatrixInverse: { run: inverses },
};
