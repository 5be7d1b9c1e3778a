/** Random numbers: the distribution is TensorFlow's, the numbers are TF.js's own. Ops whose seed decides the numbers are in refused.ts. */
import { type DType, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { dtype, tfRule } from "./attrs.ts";

const drawn = (b: Builder, op: string, shape: Value): Value => b.op(op, [shape], { dtype: "float32" });
const asked = { dtype: dtype("float32") };
const parameters = { parameters: [0] };

/** Whole numbers from `low` to below `high`. */
function wholes(b: Builder, shape: Value, low: Value, high: Value): Value {
  const span = b.cast(b.op("Sub", [high, low]), "float32");
  const steps = b.op("Floor", [b.op("Mul", [drawn(b, "RandomUniform", shape), span])]);
  // A number just below 1 may round up to the span itself.
  const last = b.op("Sub", [span, b.scalar("float32", 1)]);
  return b.op("AddV2", [b.cast(b.op("Minimum", [steps, last]), low.dtype), low]);
}

/** Rows in the order of as many random numbers. */
function shuffled(b: Builder, x: Value): Value {
  if (x.rank === 0) return x;
  const rows = b.dim(x, 0);
  const [, order] = b.ops("TopKV2", [drawn(b, "RandomUniform", rows), b.reshape(rows, [])], { sorted: true });
  return b.gather(x, order!, 0);
}

/** As many numbers for each parameter as `shape` says. */
const distributed = (b: Builder, op: string, shape: Value, parameters: Value, type: DType): Value =>
  b.cast(b.op(op, [b.cast(shape, "int32"), b.cast(parameters, "float32")]), type);

export const randoms: readonly Rule[] = [
  ...["RandomUniform", "RandomStandardNormal", "TruncatedNormal"].map((op) =>
    tfRule(op, [1, 1], asked, (b, [shape], a) => [b.cast(drawn(b, op, shape), a.dtype)], parameters),
  ),
  tfRule(
    "RandomUniformInt",
    [3, 3],
    {},
    (b, [shape, low, high], _, at) => {
      if (!isInteger(low.dtype)) throw at.invalid(`whole numbers of ${low.dtype}`);
      return [wholes(b, shape, low, high)];
    },
    parameters,
  ),
  tfRule("RandomShuffle", [1, 1], {}, (b, [x]) => [shuffled(b, x)]),
  tfRule(
    "Multinomial",
    [2, 2],
    { output_dtype: dtype("int64") },
    (b, [logits, count], a) => {
      const numbers = b.op("Multinomial", [b.cast(logits, "float32"), count], { output_dtype: "int32" });
      return [b.cast(numbers, a.output_dtype)];
    },
    { parameters: [1] },
  ),
  tfRule(
    "RandomGamma",
    [2, 2],
    {},
    (b, [shape, alpha]) => [distributed(b, "RandomGamma", shape, alpha, alpha.dtype)],
    parameters,
  ),
  ...["RandomPoisson", "RandomPoissonV2"].map((op) =>
    tfRule(
      op,
      [2, 2],
      { dtype: dtype("int64") },
      (b, [shape, rate], a) => [distributed(b, "RandomPoisson", shape, rate, a.dtype)],
      parameters,
    ),
  ),
];
