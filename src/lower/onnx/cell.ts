/** The activation functions of recurrent cells, by ONNX's names, with their parameters. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { hardSigmoid } from "./activation.ts";

export type Activation = (b: Builder, x: Value) => Value;

interface Kind {
  /** Defaults of alpha and beta; undefined: takes none. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly make: (alpha: number, beta: number) => Activation;
}

const plain = (op: string): Kind => ({ make: () => (b, x) => b.op(op, [x]) });
const affine = (b: Builder, x: Value, alpha: number, beta: number): Value =>
  b.op("AddV2", [b.op("Mul", [x, b.scalar(x.dtype, alpha)]), b.scalar(x.dtype, beta)]);
export const clip = (b: Builder, x: Value, low: number, high: number): Value =>
  b.op("ClipByValue", [x, b.scalar(x.dtype, low), b.scalar(x.dtype, high)]);

const kinds: Readonly<Record<string, Kind>> = {
  relu: plain("Relu"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  softplus: plain("Softplus"),
  softsign: { make: () => (b, x) => b.op("RealDiv", [x, b.op("AddV2", [b.op("Abs", [x]), b.scalar(x.dtype, 1)])]) },
  affine: { alpha: 1, beta: 0, make: (alpha, beta) => (b, x) => affine(b, x, alpha, beta) },
  leakyrelu: { alpha: 0.01, make: (alpha) => (b, x) => b.op("LeakyRelu", [x], { alpha }) },
  thresholdedrelu: {
    alpha: 1,
    make: (alpha) => (b, x) => b.op("SelectV2", [b.op("Greater", [x, b.scalar(x.dtype, alpha)]), x, b.scalar(x.dtype, 0)]),
  },
  scaledtanh: { alpha: 1, beta: 1, make: (alpha, beta) => (b, x) => affine(b, b.op("Tanh", [affine(b, x, beta, 0)]), alpha, 0) },
  hardsigmoid: { alpha: 0.2, beta: 0.5, make: (alpha, beta) => (b, x) => hardSigmoid(b, x, alpha, beta) },
  elu: {
    alpha: 1,
    make: (alpha) => (b, x) => {
      if (alpha === 1) return b.op("Elu", [x]);
      const below = b.op("Mul", [b.op("Expm1", [b.op("Minimum", [x, b.scalar(x.dtype, 0)])]), b.scalar(x.dtype, alpha)]);
      return b.op("AddV2", [b.op("Relu", [x]), below]);
    },
  },
};

/** The functions in the order of `names`; those that take parameters take the next of each list. */
export function activationsOf(
  names: readonly string[],
  alphas: readonly number[],
  betas: readonly number[],
  at: At,
): readonly Activation[] {
  let [nextAlpha, nextBeta] = [0, 0];
  return names.map((name) => {
    const kind = kinds[name.toLowerCase()];
    if (!kind) throw at.unsupported(`activation ${name}`);
    const alpha = kind.alpha === undefined ? 0 : (alphas[nextAlpha++] ?? kind.alpha);
    const beta = kind.beta === undefined ? 0 : (betas[nextBeta++] ?? kind.beta);
    return kind.make(alpha, beta);
  });
}
