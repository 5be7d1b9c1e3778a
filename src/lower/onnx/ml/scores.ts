/** What ai.onnx.ml's classifiers and regressors share: labels, and transforms of scores. */
import type { Value } from "../../../graph/graph.ts";
import { tensorOf } from "../../../graph/tensor.ts";
import type { Builder } from "../../../tf/build.ts";
import { ints, oneOf, strings } from "../../schema.ts";
import { Arithmetic } from "../arithmetic.ts";
import { withLast } from "../axis.ts";

export const domain = "ai.onnx.ml";

export const transforms = oneOf("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT");
export type Transform = "NONE" | "SOFTMAX" | "LOGISTIC" | "SOFTMAX_ZERO" | "PROBIT";

export const labelAttrs = { classlabels_ints: ints(), classlabels_int64s: ints(), classlabels_strings: strings() };
type LabelAttrs = {
  readonly classlabels_ints?: readonly number[] | undefined;
  readonly classlabels_int64s?: readonly number[] | undefined;
  readonly classlabels_strings?: readonly string[] | undefined;
};

export const floatVector = (b: Builder, values: readonly number[]): Value =>
  b.constant(tensorOf("float32", [values.length], values));

export const floatMatrix = (b: Builder, values: readonly number[], rows: number): Value =>
  b.constant(tensorOf("float32", [rows, values.length / rows], values));

/** The class labels as a vector; 0 … n − 1 where the model names none. */
export function labelsOf(b: Builder, a: LabelAttrs, count: number): Value {
  if (a.classlabels_strings?.length)
    return b.constant({ dtype: "string", shape: [a.classlabels_strings.length], data: [...a.classlabels_strings] });
  const whole = a.classlabels_int64s?.length
    ? a.classlabels_int64s
    : a.classlabels_ints?.length
      ? a.classlabels_ints
      : [...Array(count).keys()];
  return b.constant(tensorOf("int64", [whole.length], whole));
}

/** Scores [N, classes], or [N, 1] of two classes, which are then told apart at `threshold`. */
export function labelled(b: Builder, scores: Value, labels: Value, threshold = 0): Value {
  const classes = scores.shape[scores.rank - 1];
  if (classes !== 1) return b.gather(labels, b.op("ArgMax", [scores, b.scalar("int32", 1)], { output_type: "int64" }), 0);
  const above = b.cast(b.squeeze(b.op("Greater", [scores, b.scalar(scores.dtype, threshold)]), [1]), "int32");
  return labels.shape[0] === 1 ? b.gather(labels, b.op("ZerosLike", [above]), 0) : b.gather(labels, above, 0);
}

/** Along the last axis. A score that stands alone is no share of anything: onnxruntime leaves it as it is. */
export function transformed(b: Builder, scores: Value, how: Transform): Value {
  const alone = scores.shape[scores.rank - 1] === 1;
  if (alone && how.startsWith("SOFTMAX")) return scores;
  switch (how) {
    case "NONE":
      return scores;
    case "LOGISTIC":
      return b.op("Sigmoid", [scores]);
    case "SOFTMAX":
      return b.op("Softmax", [scores]);
    case "SOFTMAX_ZERO":
      return withLast(b, scores, scores.rank - 1, (x) => softmaxOfNonZero(b, x));
    case "PROBIT":
      return probit(b, scores);
  }
}

/** √2 · erf⁻¹(2 x − 1), by the approximation that onnxruntime has. */
function probit(b: Builder, scores: Value): Value {
  const m = new Arithmetic(b);
  const x = m.sub(m.mul(scores, 2), 1);
  const log = b.op("Log", [m.mul(m.sub(m.number(1), x), m.add(x, 1))]);
  const v = m.add(m.mul(log, 0.5), 2 / (Math.PI * 0.147));
  const root = b.op("Sqrt", [m.sub(m.mul(v, v), m.mul(log, 1 / 0.147))]);
  const size = b.op("Sqrt", [m.sub(root, v)]);
  return m.mul(b.op("SelectV2", [m.compare("Less", x, 0), b.op("Neg", [size]), size]), Math.SQRT2);
}

/** Scores of (nearly) zero stay zero and only count in the sum. */
function softmaxOfNonZero(b: Builder, x: Value): Value {
  const last = [x.rank - 1];
  const greatest = b.reduce("Max", x, last, true);
  const powers = b.op("Exp", [b.op("Sub", [x, greatest])]);
  const zero = b.op("Mul", [x, b.op("Exp", [b.op("Neg", [greatest])])]);
  const chosen = b.op("SelectV2", [b.op("Greater", [b.op("Abs", [x]), b.scalar(x.dtype, 1e-7)]), powers, zero]);
  return b.op("RealDiv", [chosen, b.reduce("Sum", chosen, last, true)]);
}
