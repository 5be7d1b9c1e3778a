/** LinearClassifier, LinearRegressor. */
import type { Value } from "../../../graph/graph.ts";
import type { Builder } from "../../../tf/build.ts";
import { type Rule, rule } from "../../rule.ts";
import { floats, int, required } from "../../schema.ts";
import { domain, floatMatrix, floatVector, labelAttrs, labelled, labelsOf, transformed, transforms } from "./scores.ts";

/** x · coefficientsᵀ + intercepts, [N, rows]; one row of data may come as a vector. */
function products(
  b: Builder,
  x: Value,
  coefficients: readonly number[],
  intercepts: readonly number[] | undefined,
  rows: number,
): Value {
  const data = b.cast(x.rank === 1 ? b.op("ExpandDims", [x, b.scalar("int32", 0)]) : x, "float32");
  const product = b.op("MatMul", [data, b.transpose(floatMatrix(b, coefficients, rows), [1, 0])], {
    transpose_a: false,
    transpose_b: false,
  });
  return intercepts?.length ? b.op("AddV2", [product, floatVector(b, intercepts)]) : product;
}

export const linear: readonly Rule[] = [
  rule(
    "LinearClassifier",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: {
        ...labelAttrs,
        coefficients: required(floats()),
        intercepts: floats(),
        multi_class: int(0),
        post_transform: transforms,
      },
    },
    (b, [x], a) => {
      const named = a.classlabels_strings?.length ?? a.classlabels_ints?.length ?? 0;
      const rows = a.intercepts?.length || named || 1;
      const scores = products(b, x, a.coefficients, a.intercepts, rows);
      const labels = labelsOf(b, a, rows);
      const label = labelled(b, scores, labels);
      if (rows > 1 || labels.shape[0] !== 2) return [label, transformed(b, scores, a.post_transform)];
      // One score of two classes: the other's is what is left of 1.
      const own = transformed(b, scores, a.post_transform);
      return [label, b.concat([b.op("Sub", [b.scalar("float32", 1), own]), own], 1)];
    },
  ),
  rule(
    "LinearRegressor",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: { coefficients: required(floats()), intercepts: floats(), targets: int(1), post_transform: transforms },
    },
    (b, [x], a) => {
      const scores = products(b, x, a.coefficients, a.intercepts, a.targets);
      // Of a single target onnxruntime transforms PROBIT only.
      return [a.targets === 1 && a.post_transform !== "PROBIT" ? scores : transformed(b, scores, a.post_transform)];
    },
  ),
];
