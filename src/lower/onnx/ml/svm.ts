/** SVMRegressor and SVMClassifier, as libsvm computes them: kernels against the support vectors, one decision a pair of classes. */
import type { Value } from "../../../graph/graph.ts";
import type { Builder } from "../../../tf/build.ts";
import { type At, type Rule, rule } from "../../rule.ts";
import { bool, floats, int, ints, oneOf } from "../../schema.ts";
import { range } from "../axis.ts";
import { domain, floatMatrix, floatVector, labelAttrs, labelsOf, transformed, transforms } from "./scores.ts";

const kernels = oneOf("LINEAR", "POLY", "RBF", "SIGMOID");
type Kernel = "LINEAR" | "POLY" | "RBF" | "SIGMOID";

const matmul = (b: Builder, x: Value, y: Value): Value => b.op("MatMul", [x, y], { transpose_a: false, transpose_b: false });

/** [rows, features] against [vectors, features] to [rows, vectors]; parameters are gamma, coef0, degree. */
function kernel(b: Builder, x: Value, vectors: Value, how: Kernel, parameters: readonly number[]): Value {
  const [gamma = 0, offset = 0, degree = 3] = parameters;
  const number = (value: number) => b.scalar("float32", value);
  if (how === "RBF") {
    // The sum of squared differences itself: |x|² − 2 x·v + |v|² loses what is small.
    const apart = b.op("SquaredDifference", [
      b.op("ExpandDims", [x, b.scalar("int32", 1)]),
      b.op("ExpandDims", [vectors, b.scalar("int32", 0)]),
    ]);
    return b.op("Exp", [b.op("Mul", [b.reduce("Sum", apart, [2], false), number(-gamma)])]);
  }
  const products = matmul(b, x, b.transpose(vectors, [1, 0]));
  if (how === "LINEAR") return products;
  const line = b.op("AddV2", [b.op("Mul", [products, number(gamma)]), number(offset)]);
  return how === "POLY" ? b.op("Pow", [line, number(degree)]) : b.op("Tanh", [line]);
}

const rowsOf = (b: Builder, x: Value): Value =>
  b.cast(x.rank === 1 ? b.op("ExpandDims", [x, b.scalar("int32", 0)]) : x, "float32");

interface Machine {
  readonly classes: number;
  readonly counts: readonly number[];
  readonly coefficients: readonly number[];
  readonly rho: readonly number[];
}

/** One column for each pair i < j: the support vectors of both, weighed by the coefficients that each has against the other. */
function decisions(b: Builder, products: Value, { classes, counts, coefficients, rho }: Machine): Value {
  const vectors = counts.reduce((sum, count) => sum + count, 0);
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0));
  const pairs = pairsOf(classes);
  const weights = new Array<number>(vectors * pairs.length).fill(0);
  pairs.forEach(([i, j], column) => {
    const put = (own: number, other: number) => {
      for (let v = starts[own]!; v < starts[own]! + counts[own]!; v++)
        weights[v * pairs.length + column] = coefficients[other * vectors + v]!;
    };
    put(i, j - 1);
    put(j, i);
  });
  return b.op("AddV2", [matmul(b, products, floatMatrix(b, weights, vectors)), floatVector(b, rho)]);
}

const pairsOf = (classes: number): (readonly [number, number])[] =>
  range(classes).flatMap((i) => range(classes - i - 1).map((k) => [i, i + 1 + k] as const));

/** How often each class wins its pairs: [rows, classes]. */
function votes(b: Builder, scores: Value, classes: number): Value {
  const pairs = pairsOf(classes);
  const won = b.cast(b.op("Greater", [scores, b.scalar("float32", 0)]), "float32");
  const first = floatMatrix(
    b,
    pairs.flatMap(([i]) => range(classes).map((k) => (k === i ? 1 : 0))),
    pairs.length,
  );
  const second = floatMatrix(
    b,
    pairs.flatMap(([, j]) => range(classes).map((k) => (k === j ? 1 : 0))),
    pairs.length,
  );
  const lost = b.op("Sub", [b.scalar("float32", 1), won]);
  return b.op("AddV2", [matmul(b, won, first), matmul(b, lost, second)]);
}

const best = (b: Builder, scores: Value): Value => b.op("ArgMax", [scores, b.scalar("int32", 1)], { output_type: "int64" });

const shared = {
  kernel_type: kernels,
  kernel_params: floats(),
  coefficients: floats(),
  support_vectors: floats(),
  rho: floats(),
  post_transform: transforms,
};

export const svm: readonly Rule[] = [
  rule(
    "SVMRegressor",
    { since: 1, domain, arity: [1, 1], attrs: { ...shared, n_supports: int(0), one_class: bool(false) } },
    (b, [x], a) => {
      const data = rowsOf(b, x);
      const { coefficients = [], support_vectors = [], rho = [] } = a;
      const products =
        a.n_supports > 0
          ? matmul(
              b,
              kernel(b, data, floatMatrix(b, support_vectors, a.n_supports), a.kernel_type, a.kernel_params ?? []),
              floatMatrix(b, coefficients, a.n_supports),
            )
          : kernel(b, data, floatMatrix(b, coefficients, 1), "LINEAR", []);
      const scores = b.op("AddV2", [products, b.scalar("float32", rho[0] ?? 0)]);
      if (!a.one_class) return [transformed(b, scores, a.post_transform)];
      const one = b.scalar("float32", 1);
      return [b.op("SelectV2", [b.op("Greater", [scores, b.scalar("float32", 0)]), one, b.op("Neg", [one])])];
    },
  ),
  rule(
    "SVMClassifier",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: { ...shared, ...labelAttrs, prob_a: floats(), prob_b: floats(), vectors_per_class: ints() },
    },
    (b, [x], a, at) => {
      const data = rowsOf(b, x);
      const counts = a.vectors_per_class ?? [];
      return counts.length > 0 ? pairwise(b, data, a, counts, at) : oneAgainstRest(b, data, a);
    },
  ),
];

interface ClassifierAttrs {
  readonly kernel_type: Kernel;
  readonly kernel_params: readonly number[] | undefined;
  readonly coefficients: readonly number[] | undefined;
  readonly support_vectors: readonly number[] | undefined;
  readonly rho: readonly number[] | undefined;
  readonly prob_a: readonly number[] | undefined;
  readonly prob_b: readonly number[] | undefined;
  readonly post_transform: "NONE" | "SOFTMAX" | "LOGISTIC" | "SOFTMAX_ZERO" | "PROBIT";
  readonly classlabels_ints?: readonly number[] | undefined;
  readonly classlabels_strings?: readonly string[] | undefined;
}

function pairwise(b: Builder, data: Value, a: ClassifierAttrs, counts: readonly number[], at: At): readonly Value[] {
  const classes = counts.length;
  const vectors = counts.reduce((sum, count) => sum + count, 0);
  const labels = labelsOf(b, a, classes);
  const products = kernel(b, data, floatMatrix(b, a.support_vectors ?? [], vectors), a.kernel_type, a.kernel_params ?? []);
  const scores = decisions(b, products, { classes, counts, coefficients: a.coefficients ?? [], rho: a.rho ?? [] });
  const label = b.gather(labels, best(b, votes(b, scores, classes)), 0);
  if (a.prob_a?.length) {
    const [slopes, offsets] = [a.prob_a, a.prob_b ?? []];
    if (slopes.length !== offsets.length || slopes.length !== (classes * (classes - 1)) / 2)
      throw at.invalid(`${slopes.length} slopes and ${offsets.length} offsets for the pairs of ${classes} classes`);
    const shares = b.op("CoupledProbabilities", [scores], { a: slopes, b: offsets });
    return [label, transformed(b, shares, a.post_transform)];
  }
  if (classes !== 2) return [label, transformed(b, scores, a.post_transform)];
  // One score and its opposite: no shares, so onnxruntime makes none of them.
  const both = b.concat([b.op("Neg", [scores]), scores], 1);
  return [label, a.post_transform.startsWith("SOFTMAX") ? both : transformed(b, both, a.post_transform)];
}

/** No support vectors: a row of coefficients for each class. */
function oneAgainstRest(b: Builder, data: Value, a: ClassifierAttrs): readonly Value[] {
  const classes = a.classlabels_strings?.length ?? a.classlabels_ints?.length ?? 1;
  const rows = floatMatrix(b, a.coefficients ?? [], classes);
  const products = kernel(b, data, rows, a.kernel_type, a.kernel_params ?? []);
  const scores = b.op("AddV2", [products, b.scalar("float32", a.rho?.[0] ?? 0)]);
  return [b.gather(labelsOf(b, a, classes), best(b, scores), 0), transformed(b, scores, a.post_transform)];
}
