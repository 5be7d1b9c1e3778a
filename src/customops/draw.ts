/** Random numbers of distributions that TF.js does not draw, and those that follow from a seed. */
import { philox, seededNumbers, seededRandom, wideProduct } from "../base/philox.ts";
import type { CustomOp, Inputs, Outputs, Tf } from "./op.ts";

/** One of the standard normal distribution. */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** Marsaglia and Tsang's method; below 1 through a power of a uniform number. */
function drawGamma(alpha: number): number {
  if (alpha < 1) return drawGamma(alpha + 1) * (1 - Math.random()) ** (1 / alpha);
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - Math.random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Knuth's method for small rates; larger ones are halved by way of a gamma-distributed time. */
function drawPoisson(rate: number): number {
  let [left, count] = [rate, 0];
  while (left > 30) {
    const half = Math.floor(left * 0.875);
    const time = drawGamma(half);
    if (time > left) {
      // Binomial: which of half − 1 events fell into the time that is left.
      for (let i = 1; i < half; i++) if (Math.random() < left / time) count++;
      return count;
    }
    left -= time;
    count += half;
  }
  const limit = Math.exp(-left);
  for (let product = Math.random(); product > limit; product *= Math.random()) count++;
  return count;
}

/** `shape` numbers for each parameter: [...shape, ...parameters]. */
function randomGamma(tf: Tf, [shape, alpha]: Inputs): Outputs {
  const dims = Array.from(shape!.dataSync());
  const parameters = alpha!.dataSync();
  const count = dims.reduce((size, dim) => size * dim, 1) * parameters.length;
  const out = Float32Array.from({ length: count }, (_, i) => drawGamma(parameters[i % parameters.length]!));
  return tf.tensor(out, [...dims, ...alpha!.shape], "float32");
}

function randomPoisson(tf: Tf, [shape, rate]: Inputs): Outputs {
  const dims = Array.from(shape!.dataSync());
  const parameters = rate!.dataSync();
  const count = dims.reduce((size, dim) => size * dim, 1) * parameters.length;
  const out = Float32Array.from({ length: count }, (_, i) => drawPoisson(parameters[i % parameters.length]!));
  return tf.tensor(out, [...dims, ...rate!.shape], "float32");
}

export const drawOps: Readonly<Record<string, CustomOp>> = {
  SeededRandom: { run: seededRandom, uses: [wideProduct, philox, seededNumbers] },
  RandomGamma: { run: randomGamma, uses: [normal, drawGamma] },
  RandomPoisson: { run: randomPoisson, uses: [normal, drawGamma, drawPoisson] },
};
