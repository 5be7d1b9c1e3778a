/** Losses with their gradients, as the ops of TensorFlow's training API give both. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { tfRule } from "./attrs.ts";
import { zeroOf } from "./shape.ts";

/** Labels are shares of the classes: −Σ labels · log softmax, and softmax − labels. */
function crossEntropy(b: Builder, features: Value, labels: Value): readonly Value[] {
  const logs = b.op("LogSoftmax", [features]);
  const loss = b.op("Neg", [b.reduce("Sum", b.op("Mul", [labels, logs]), [1], false)]);
  return [loss, b.op("Sub", [b.op("Softmax", [features]), labels])];
}

/** Labels are numbers of classes. */
function sparseCrossEntropy(b: Builder, features: Value, labels: Value): readonly Value[] {
  const classes = b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(features, 1), []), b.scalar("int32", 1)]);
  const hit = b.op("Equal", [b.op("ExpandDims", [b.cast(labels, "int32"), b.scalar("int32", 1)]), classes]);
  const zero = zeroOf(b, features.dtype);
  const loss = b.op("Neg", [b.reduce("Sum", b.op("SelectV2", [hit, b.op("LogSoftmax", [features]), zero]), [1], false)]);
  const own = b.op("SelectV2", [hit, b.scalar(features.dtype, 1), zero]);
  return [loss, b.op("Sub", [b.op("Softmax", [features]), own])];
}

export const losses: readonly Rule[] = [
  tfRule("SoftmaxCrossEntropyWithLogits", [2, 2], {}, (b, [features, labels]) => crossEntropy(b, features, labels)),
  tfRule("SparseSoftmaxCrossEntropyWithLogits", [2, 2], {}, (b, [features, labels]) => sparseCrossEntropy(b, features, labels)),
];
