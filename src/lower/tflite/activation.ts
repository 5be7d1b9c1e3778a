/** Activations, as operators and fused behind others. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { erf } from "../../tf/scalar.ts";
import type { Rule } from "../rule.ts";
import { flag, float, oneOf } from "../schema.ts";
import { codes16, function16, logistic16, softmax16, tanh16 } from "./int16.ts";
import { isBetweenCodes } from "./quantized.ts";
import { lite } from "./rule.ts";

/** The option of every operator that may have an activation behind it. */
export const fused = oneOf("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT");
export type Fused = "NONE" | "RELU" | "RELU_N1_TO_1" | "RELU6" | "TANH" | "SIGN_BIT";

const clip = (b: Builder, x: Value, low: number, high: number): Value =>
  b.op("ClipByValue", [x, b.scalar(x.dtype, low), b.scalar(x.dtype, high)]);

/** Of recurrent operators, whose kernels compute every activation. */
export function activate(b: Builder, x: Value, activation: Fused): Value {
  switch (activation) {
    case "TANH":
      return b.op("Tanh", [x]);
    case "SIGN_BIT":
      return b.cast(b.op("Less", [x, b.scalar(x.dtype, 0)]), x.dtype);
    default:
      return bounded(b, x, activation);
  }
}

/** Of all other operators: an activation is the range that results are kept to. TANH and SIGN_BIT have none, and do nothing in LiteRT. */
export function bounded(b: Builder, x: Value, activation: Fused): Value {
  switch (activation) {
    case "RELU":
      return b.op("Relu", [x]);
    case "RELU6":
      return b.op("Relu6", [x]);
    case "RELU_N1_TO_1":
      return clip(b, x, -1, 1);
    default:
      return x;
  }
}

const unary = (op: string, apply: (b: Builder, x: Value) => Value): Rule =>
  lite(op, { arity: [1, 1], attrs: {} }, (b, [x]) => [apply(b, x)]);

const named = (op: string, target: string): Rule => unary(op, (b, x) => b.op(target, [x]));

/** x · relu6(x + 3) / 6 */
function hardSwish(b: Builder, x: Value): Value {
  const gate = b.op("Relu6", [b.op("AddV2", [x, b.scalar(x.dtype, 3)])]);
  return b.op("Mul", [x, b.op("Mul", [gate, b.scalar(x.dtype, 1 / 6)])]);
}

function gelu(b: Builder, x: Value, approximate: boolean): Value {
  const number = (value: number) => b.scalar(x.dtype, value);
  const half = b.op("Mul", [x, number(0.5)]);
  if (!approximate) {
    const erf = b.op("Erf", [b.op("Mul", [x, number(Math.SQRT1_2)])]);
    return b.op("Mul", [half, b.op("AddV2", [erf, number(1)])]);
  }
  const cube = b.op("Mul", [b.op("Mul", [x, x]), b.op("Mul", [x, number(0.044715)])]);
  const tanh = b.op("Tanh", [b.op("Mul", [b.op("AddV2", [x, cube]), number(Math.sqrt(2 / Math.PI))])]);
  return b.op("Mul", [half, b.op("AddV2", [tanh, number(1)])]);
}

const exactGelu = (x: number): number => (x / 2) * (1 + erf(x * Math.SQRT1_2));
const approximateGelu = (x: number): number => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export const activations: readonly Rule[] = [
  named("RELU", "Relu"),
  named("RELU6", "Relu6"),
  lite("TANH", { arity: [1, 1], attrs: {} }, (b, [x], _, at) => {
    const wide = codes16(b, x, at);
    return [wide ? tanh16(b, wide) : b.op("Tanh", [x])];
  }),
  lite("LOGISTIC", { arity: [1, 1], attrs: {} }, (b, [x], _, at) => {
    const wide = codes16(b, x, at);
    return [(wide && logistic16(b, wide)) ?? b.op("Sigmoid", [x])];
  }),
  named("ELU", "Elu"),
  unary("RELU_N1_TO_1", (b, x) => clip(b, x, -1, 1)),
  unary("RELU_0_TO_1", (b, x) => clip(b, x, 0, 1)),
  unary("HARD_SWISH", hardSwish),
  lite("LEAKY_RELU", { arity: [1, 1], attrs: { alpha: float(0) } }, (b, [x], a) => [b.op("LeakyRelu", [x], { alpha: a.alpha })]),
  lite("PRELU", { arity: [2, 2], attrs: {} }, (b, [x, alpha]) => [b.op("Prelu", [x, alpha])]),
  lite("GELU", { arity: [1, 1], attrs: { approximate: flag(false) } }, (b, [x], a, at) => {
    const wide = codes16(b, x, at);
    return [wide ? function16(b, wide, a.approximate ? approximateGelu : exactGelu) : gelu(b, x, a.approximate)];
  }),
  lite("SOFTMAX", { arity: [1, 1], attrs: { beta: float(1) } }, (b, [x], a, at) => {
    // onnxruntime's kernel of codes gives 0 there.
    if (isBetweenCodes(at.given(0), at.quantized) && x.shape.at(-1) === 1) return [b.op("OnesLike", [x])];
    const wide = codes16(b, x, at);
    if (wide) return [softmax16(b, wide, a.beta)];
    const scaled = a.beta === 1 ? x : b.op("Mul", [x, b.scalar(x.dtype, a.beta)]);
    return [b.op("Softmax", [scaled])];
  }),
  named("LOG_SOFTMAX", "LogSoftmax"),
];
