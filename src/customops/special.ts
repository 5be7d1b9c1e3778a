/** The gamma function and its kin, in double precision. */
import type { CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function overAll(tf: Tf, inputs: Inputs, each: (...values: number[]) => number): Outputs {
  const shape = inputs.map((x) => x.shape).reduce((a, b) => tf.backend_util.assertAndGetBroadcastShape(a, b));
  const spread = inputs.map((x) => tf.broadcastTo(x, shape));
  const data = spread.map((x) => x.dataSync<"float32">());
  tf.dispose(spread);
  return tf.tensor(
    data[0]!.map((_, i) => each(...data.map((values) => values[i]!))),
    shape,
    "float32",
  );
}

/** Lanczos's approximation; the reflection below 1/2. */
function logGamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (!Number.isFinite(x)) return Number.POSITIVE_INFINITY;
  if (x <= 0 && Number.isInteger(x)) return Number.POSITIVE_INFINITY;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const terms = [
    0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const at = x - 1;
  let sum = terms[0]!;
  for (let i = 1; i < terms.length; i++) sum += terms[i]! / (at + i);
  const t = at + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (at + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Shifted up to where the asymptotic series is exact enough. */
function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Number.NaN;
  if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let sum = 0;
  let at = x;
  for (; at < 10; at++) sum -= 1 / at;
  const inverse = 1 / (at * at);
  const series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))));
  return sum + Math.log(at) - 0.5 / at - series;
}

/** Hurwitz's zeta by Euler and Maclaurin. */
function hurwitz(s: number, q: number): number {
  if (s === 1) return Number.POSITIVE_INFINITY;
  if (s < 1) return Number.NaN;
  if (q <= 0) return Number.isInteger(q) ? Number.POSITIVE_INFINITY : Number.isInteger(s) ? shiftedZeta(s, q) : Number.NaN;
  return shiftedZeta(s, q);
}

function shiftedZeta(s: number, q: number): number {
  const terms = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000];
  let sum = 0;
  let at = q;
  for (let k = 0; k < 12 || at < 12; k++, at++) sum += at ** -s;
  sum += at ** (1 - s) / (s - 1) + 0.5 * at ** -s;
  let factor = s;
  let power = at ** (-s - 1);
  terms.forEach((term, k) => {
    sum += term * factor * power;
    factor *= (s + 2 * k + 1) * (s + 2 * k + 2);
    power /= at * at;
  });
  return sum;
}

function polygamma(n: number, x: number): number {
  if (!Number.isInteger(n) || n < 0) return Number.NaN;
  if (n === 0) return digamma(x);
  return (n % 2 === 0 ? -1 : 1) * Math.exp(logGamma(n + 1)) * hurwitz(n + 1, x);
}

/** The lower incomplete gamma function over the whole one: a series, or past a + 1 the continued fraction of the rest. */
function gammaShare(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) return Number.NaN;
  if (x === 0) return 0;
  if (x > a + 1) return 1 - gammaRest(a, x);
  let term = 1 / a;
  let sum = term;
  for (let k = 1; k < 2000 && Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a));
}

function gammaRest(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) return Number.NaN;
  if (x <= a + 1) return 1 - gammaShare(a, x);
  if (!Number.isFinite(x)) return 0;
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let k = 1; k < 2000; k++) {
    const an = -k * (k - a);
    b += 2;
    d = 1 / (Math.abs(an * d + b) < tiny ? tiny : an * d + b);
    c = Math.abs(b + an / c) < tiny ? tiny : b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return h * Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** The regularised incomplete beta function by its continued fraction (Lentz). */
function betaShare(a: number, b: number, x: number): number {
  if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1)) return Number.NaN;
  if (x === 0 || x === 1) return x;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(b, a, 1 - x);
  const tiny = 1e-300;
  const bounded = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / bounded(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < 2000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / bounded(1 + even * d);
    c = bounded(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / bounded(1 + odd * d);
    c = bounded(1 + odd / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return (front * h) / a;
}

export const specialOps: Readonly<Record<string, CustomOp>> = {
  Lgamma: { run: (tf, inputs) => overAll(tf, inputs, (x) => logGamma(x)), uses: [overAll, logGamma] },
  Digamma: { run: (tf, inputs) => overAll(tf, inputs, (x) => digamma(x)), uses: [overAll, digamma] },
  Zeta: { run: (tf, inputs) => overAll(tf, inputs, (s, q) => hurwitz(s!, q!)), uses: [overAll, hurwitz, shiftedZeta] },
  Polygamma: {
    run: (tf, inputs) => overAll(tf, inputs, (n, x) => polygamma(n!, x!)),
    uses: [overAll, polygamma, digamma, logGamma, hurwitz, shiftedZeta],
  },
  Igamma: {
    run: (tf, inputs) => overAll(tf, inputs, (a, x) => gammaShare(a!, x!)),
    uses: [overAll, gammaShare, gammaRest, logGamma],
  },
  Igammac: {
    run: (tf, inputs) => overAll(tf, inputs, (a, x) => gammaRest(a!, x!)),
    uses: [overAll, gammaShare, gammaRest, logGamma],
  },
  Betainc: {
    run: (tf, inputs) => overAll(tf, inputs, (a, b, x) => betaShare(a!, b!, x!)),
    uses: [overAll, betaShare, logGamma],
  },
};
