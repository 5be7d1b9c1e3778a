/** NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: classes on axis 1, targets as indices, optional weight a class. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Rule, rule } from "../rule.ts";
import { oneOf, optionalInt } from "../schema.ts";
import { range, withLast } from "./axis.ts";
import { flatIndices, flattenAll } from "./indices.ts";

type Reduction = "mean" | "none" | "sum";

/** [N, C, d…] log-probabilities and [N, d…] targets to losses [N, d…], or one number. Ignored targets count nowhere. */
function negativeLogLikelihood(
  b: Builder,
  logs: Value,
  target: Value,
  weight: Value | undefined,
  ignored: number | undefined,
  reduction: Reduction,
): Value {
  const zero = b.scalar(logs.dtype, 0);
  const kept = ignored === undefined ? undefined : b.op("NotEqual", [target, b.scalar(target.dtype, ignored)]);
  const classes = kept ? b.op("SelectV2", [kept, target, b.scalar(target.dtype, 0)]) : target;
  const places = flatIndices(b, logs, b.op("ExpandDims", [classes, b.scalar("int32", 1)]), 1);
  const picked = b.op("Neg", [b.squeeze(b.gather(flattenAll(b, logs), places, 0), [1])]);
  const weights = weight && b.gather(weight, classes, 0);
  const weighed = weights ? b.op("Mul", [picked, weights]) : picked;
  const losses = kept ? b.op("SelectV2", [kept, weighed, zero]) : weighed;
  if (reduction === "none") return losses;
  const all = range(losses.rank);
  if (reduction === "sum") return b.reduce("Sum", losses, all, false);
  if (!kept && !weights) return b.reduce("Mean", losses, all, false);
  const counted = kept ? b.op("SelectV2", [kept, weights ?? b.scalar(logs.dtype, 1), zero]) : weights!;
  return b.op("RealDiv", [b.reduce("Sum", losses, all, false), b.reduce("Sum", counted, all, false)]);
}

const attrs = { ignore_index: optionalInt(), reduction: oneOf("mean", "none", "sum") };

export const losses: readonly Rule[] = [
  rule("NegativeLogLikelihoodLoss", { since: 12, arity: [2, 3], attrs }, (b, [logs, target, weight], a) => [
    negativeLogLikelihood(b, logs, target, weight, a.ignore_index, a.reduction),
  ]),
  rule("SoftmaxCrossEntropyLoss", { since: 12, arity: [2, 3], attrs }, (b, [scores, target, weight], a) => {
    const logs = withLast(b, scores, 1, (last) => b.op("LogSoftmax", [last]));
    return [negativeLogLikelihood(b, logs, target, weight, a.ignore_index, a.reduction), logs];
  }),
];
