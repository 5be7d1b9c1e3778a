/** Activations. Each is elementwise and keeps the dtype; what TensorFlow has no op for is written out. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Rule, rule } from "../rule.ts";
import { float, oneOf } from "../schema.ts";

type Activation = (b: Builder, x: Value) => Value;

const plain = (op: string, since: number, activation: Activation): Rule =>
  rule(op, { since, arity: [1, 1], attrs: {} }, (b, [x]) => [activation(b, x)]);

const number = (b: Builder, x: Value, value: number): Value => b.scalar(x.dtype, value);
const times = (b: Builder, x: Value, factor: number): Value => (factor === 1 ? x : b.op("Mul", [x, number(b, x, factor)]));
const plus = (b: Builder, x: Value, term: number): Value => (term === 0 ? x : b.op("AddV2", [x, number(b, x, term)]));

/** max(0, x) + scale · (exp(min(0, x) / width) − 1): Elu and its relatives, right at ±∞ and NaN. */
function exponential(b: Builder, x: Value, scale: number, width: number): Value {
  const negative = b.op("Minimum", [x, number(b, x, 0)]);
  const scaled = width === 1 ? negative : b.op("RealDiv", [negative, number(b, x, width)]);
  return b.op("AddV2", [b.op("Relu", [x]), times(b, b.op("Expm1", [scaled]), scale)]);
}

export const elu = (b: Builder, x: Value, alpha: number): Value => (alpha === 1 ? b.op("Elu", [x]) : exponential(b, x, alpha, 1));

/** clip(alpha · x + beta, 0, 1) */
export function hardSigmoid(b: Builder, x: Value, alpha: number, beta: number): Value {
  const line = plus(b, times(b, x, alpha), beta);
  return b.op("ClipByValue", [line, number(b, x, 0), number(b, x, 1)]);
}

/** 0.5 · x · (1 + erf(x / √2)) */
export function erfGelu(b: Builder, x: Value): Value {
  const erf = b.op("Erf", [times(b, x, Math.SQRT1_2)]);
  return b.op("Mul", [times(b, x, 0.5), plus(b, erf, 1)]);
}

/** 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), by the identity (1 + tanh z) / 2 = sigmoid(2z). */
export function tanhGelu(b: Builder, x: Value): Value {
  const cube = b.op("Mul", [b.op("Square", [x]), x]);
  const inner = b.op("AddV2", [x, times(b, cube, 0.044715)]);
  return b.op("Mul", [x, b.op("Sigmoid", [times(b, inner, 2 * Math.sqrt(2 / Math.PI))])]);
}

/** x · sigmoid(alpha · x): Swish, SiLU, QuickGelu. */
export const swish = (b: Builder, x: Value, alpha: number): Value => b.op("Mul", [x, b.op("Sigmoid", [times(b, x, alpha)])]);

const seluAlpha = 1.6732632423543772;
const seluGamma = 1.0507009873554805;
/** The constants of opset 6 are Selu's rounded to float32; those of opset 1 have five digits and are not. */
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6;

function selu(b: Builder, x: Value, alpha: number, gamma: number): Value {
  return near(alpha, seluAlpha) && near(gamma, seluGamma) ? b.op("Selu", [x]) : times(b, exponential(b, x, alpha, 1), gamma);
}

/** x where it is not negative, slope · x elsewhere. TF.js's own op knows floats only. */
function prelu(b: Builder, x: Value, slope: Value): Value {
  if (isFloat(x.dtype)) return b.op("Prelu", [x, slope]);
  return b.op("SelectV2", [b.op("Less", [x, number(b, x, 0)]), b.op("Mul", [x, slope]), x]);
}

/** Before opset 7 a slope of one dim belongs to the channels, axis 1. */
function channelSlope(b: Builder, x: Value, slope: Value): Value {
  const trailing = x.rank - 2;
  if (slope.rank !== 1 || slope.shape[0] === 1 || trailing <= 0) return slope;
  return b.reshapeTo(slope, [slope.shape[0], ...new Array<number>(trailing).fill(1)]);
}

const alpha = (fallback: number) => ({ alpha: float(fallback) });

export const activation: readonly Rule[] = [
  rule("LeakyRelu", { since: 1, arity: [1, 1], attrs: alpha(0.01) }, (b, [x], a) => [b.op("LeakyRelu", [x], { alpha: a.alpha })]),
  rule("Elu", { since: 1, arity: [1, 1], attrs: alpha(1) }, (b, [x], a) => [elu(b, x, a.alpha)]),
  rule("Celu", { since: 12, arity: [1, 1], attrs: alpha(1) }, (b, [x], a) => [
    a.alpha === 1 ? b.op("Elu", [x]) : exponential(b, x, a.alpha, a.alpha),
  ]),
  rule("Selu", { since: 1, arity: [1, 1], attrs: { alpha: float(1.6732), gamma: float(1.0507) } }, (b, [x], a) => [
    selu(b, x, a.alpha, a.gamma),
  ]),
  rule("Selu", { since: 6, arity: [1, 1], attrs: { alpha: float(seluAlpha), gamma: float(seluGamma) } }, (b, [x], a) => [
    selu(b, x, a.alpha, a.gamma),
  ]),
  rule("ThresholdedRelu", { since: 1, arity: [1, 1], attrs: alpha(1) }, (b, [x], a) => [
    b.op("SelectV2", [b.op("Greater", [x, number(b, x, a.alpha)]), x, number(b, x, 0)]),
  ]),
  rule("HardSigmoid", { since: 1, arity: [1, 1], attrs: { alpha: float(0.2), beta: float(0.5) } }, (b, [x], a) => [
    hardSigmoid(b, x, a.alpha, a.beta),
  ]),
  plain("HardSwish", 14, (b, x) => times(b, b.op("Mul", [x, b.op("Relu6", [plus(b, x, 3)])]), 1 / 6)),
  plain("Softsign", 1, (b, x) => b.op("RealDiv", [x, plus(b, b.op("Abs", [x]), 1)])),
  plain("Mish", 18, (b, x) => b.op("Mul", [x, b.op("Tanh", [b.op("Softplus", [x])])])),
  rule("Gelu", { since: 20, arity: [1, 1], attrs: { approximate: oneOf("none", "tanh") } }, (b, [x], a) => [
    a.approximate === "tanh" ? tanhGelu(b, x) : erfGelu(b, x),
  ]),
  rule("Swish", { since: 24, arity: [1, 1], attrs: alpha(1) }, (b, [x], a) => [swish(b, x, a.alpha)]),
  rule("SwiGLU", { since: 27, arity: [2, 2], attrs: alpha(1) }, (b, [gate, x], a) => [b.op("Mul", [swish(b, gate, a.alpha), x])]),
  rule("PRelu", { since: 1, arity: [2, 2], attrs: {} }, (b, [x, slope]) => [prelu(b, x, channelSlope(b, x, slope))]),
  rule("PRelu", { since: 7, arity: [2, 2], attrs: {} }, (b, [x, slope]) => [prelu(b, x, slope)]),
  rule("Shrink", { since: 9, arity: [1, 1], attrs: { bias: float(0), lambd: float(0.5) } }, (b, [x], a) => {
    // Both numbers are floats whatever the data is: only the result is cut to whole ones.
    const y = isFloat(x.dtype) ? x : b.cast(x, "float32");
    const above = b.op("SelectV2", [b.op("Greater", [y, number(b, y, a.lambd)]), plus(b, y, -a.bias), number(b, y, 0)]);
    return [b.cast(b.op("SelectV2", [b.op("Less", [y, number(b, y, -a.lambd)]), plus(b, y, a.bias), above]), x.dtype)];
  }),
];
