/** Factorisations over the last two axes: Cholesky, LU with row exchanges, QR by Householder's reflections, singular values by Jacobi. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** The matrices one by one, as rows. */
function matricesOf([x]: Inputs): number[][][] {
  const [rows, columns] = x!.shape.slice(-2) as [number, number];
  const data = x!.dataSync<"float32">();
  const count = x!.shape.slice(0, -2).reduce((size, dim) => size * dim, 1);
  return Array.from({ length: count }, (_, m) =>
    Array.from({ length: rows }, (__, i) => Array.from(data.subarray((m * rows + i) * columns, (m * rows + i + 1) * columns))),
  );
}

function cholesky(tf: Tf, inputs: Inputs): Outputs {
  const [x] = inputs;
  const out = matricesOf(inputs).map((a) => {
    const l = a.map((row) => row.map(() => 0));
    for (let i = 0; i < a.length; i++)
      for (let j = 0; j <= i; j++) {
        let sum = a[i]![j]!;
        for (let k = 0; k < j; k++) sum -= l[i]![k]! * l[j]![k]!;
        l[i]![j] = i === j ? Math.sqrt(sum) : sum / l[j]![j]!;
      }
    return l;
  });
  return tf.tensor(Float32Array.from(out.flat(2)), x!.shape, "float32");
}

function lu(tf: Tf, inputs: Inputs): Outputs {
  const [x] = inputs;
  const orders: number[] = [];
  const out = matricesOf(inputs).map((a) => {
    const order = a.map((_, i) => i);
    for (let k = 0; k < a.length; k++) {
      let pivot = k;
      for (let i = k + 1; i < a.length; i++) if (Math.abs(a[i]![k]!) > Math.abs(a[pivot]![k]!)) pivot = i;
      [a[k], a[pivot]] = [a[pivot]!, a[k]!];
      [order[k], order[pivot]] = [order[pivot]!, order[k]!];
      for (let i = k + 1; i < a.length; i++) {
        const factor = a[i]![k]! / a[k]![k]!;
        a[i]![k] = factor;
        for (let j = k + 1; j < a.length; j++) a[i]![j]! -= factor * a[k]![j]!;
      }
    }
    orders.push(...order);
    return a;
  });
  return [
    tf.tensor(Float32Array.from(out.flat(2)), x!.shape, "float32"),
    tf.tensor(Int32Array.from(orders), x!.shape.slice(0, -1), "int32"),
  ];
}

function qr(tf: Tf, inputs: Inputs, attrs: CustomAttrs): Outputs {
  const [x] = inputs;
  const lead = x!.shape.slice(0, -2);
  const [rows, columns] = x!.shape.slice(-2) as [number, number];
  const inner = attrs["full_matrices"] === true ? rows : Math.min(rows, columns);
  const qs: number[] = [];
  const rs: number[] = [];
  for (const r of matricesOf(inputs)) {
    const q = r.map((_, i) => r.map((__, j) => (i === j ? 1 : 0)));
    for (let k = 0; k < Math.min(rows - 1, columns); k++) {
      const norm = Math.hypot(...r.slice(k).map((row) => row[k]!));
      const below = r.slice(k + 1).some((row) => row[k] !== 0);
      if (!below) continue;
      const beta = r[k]![k]! >= 0 ? -norm : norm;
      const v = r.map((row, i) => (i < k ? 0 : i === k ? row[k]! - beta : row[k]!));
      const size = v.reduce((sum, each) => sum + each * each, 0);
      const reflect = (matrix: number[][], width: number) => {
        for (let j = 0; j < width; j++) {
          const along = (2 * v.reduce((sum, each, i) => sum + each * matrix[i]![j]!, 0)) / size;
          for (let i = k; i < rows; i++) matrix[i]![j]! -= along * v[i]!;
        }
      };
      reflect(r, columns);
      reflect(q, rows);
    }
    for (let i = 0; i < rows; i++) for (let j = 0; j < inner; j++) qs.push(q[j]![i]!);
    for (let i = 0; i < inner; i++) for (let j = 0; j < columns; j++) rs.push(j < i ? 0 : r[i]![j]!);
  }
  return [
    tf.tensor(Float32Array.from(qs), [...lead, rows, inner], "float32"),
    tf.tensor(Float32Array.from(rs), [...lead, inner, columns], "float32"),
  ];
}

/** Columns are turned against each other, two at a time, until all are orthogonal; then their lengths are the values. */
function singularValues(tf: Tf, inputs: Inputs): Outputs {
  const [x] = inputs;
  const [rows, columns] = x!.shape.slice(-2) as [number, number];
  const size = Math.min(rows, columns);
  const out = matricesOf(inputs).flatMap((a) => {
    const vectors = rows >= columns ? a[0]!.map((_, j) => a.map((row) => row[j]!)) : a;
    const dot = (p: number[], q: number[]) => p.reduce((sum, each, i) => sum + each * q[i]!, 0);
    for (let sweep = 0; sweep < 60; sweep++) {
      let turned = false;
      for (let i = 0; i < size; i++)
        for (let j = i + 1; j < size; j++) {
          const [p, q] = [vectors[i]!, vectors[j]!];
          const [pp, qq, pq] = [dot(p, p), dot(q, q), dot(p, q)];
          if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq)) continue;
          turned = true;
          const zeta = (qq - pp) / (2 * pq);
          const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
          const c = 1 / Math.hypot(1, t);
          vectors[i] = p.map((each, k) => c * (each - t * q[k]!));
          vectors[j] = q.map((each, k) => c * (each + t * p[k]!));
        }
      if (!turned) break;
    }
    return vectors.map((vector) => Math.sqrt(dot(vector, vector))).sort((p, q) => q - p);
  });
  return tf.tensor(Float32Array.from(out), [...x!.shape.slice(0, -2), size], "float32");
}

export const factorOps: Readonly<Record<string, CustomOp>> = {
  Cholesky: { run: cholesky, uses: [matricesOf] },
  Lu: { run: lu, uses: [matricesOf] },
  Qr: { run: qr, uses: [matricesOf] },
  SingularValues: { run: singularValues, uses: [matricesOf] },
};
