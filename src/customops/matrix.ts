/** Determinants of the last two axes, by elimination with row pivots. */
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

export const matrixOps: Readonly<Record<string, CustomOp>> = { MatrixDeterminant: { run: determinants } };
