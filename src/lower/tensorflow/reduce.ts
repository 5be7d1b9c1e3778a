/** Reductions, cumulative ops, and where the greatest is. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { dtype, flag, realOnly, same, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

const reduction = (
  op: string,
  before?: (b: Builder, x: Value) => Value,
  after?: (b: Builder, x: Value) => Value,
  hub = op,
): Rule =>
  tfRule(
    op,
    [2, 2],
    { keep_dims: flag(false) },
    (b, [x, axes], a, at) => {
      realOnly([x], at);
      const reduced = b.op(hub, [before ? before(b, x) : x, axes], a);
      return [after ? after(b, reduced) : reduced];
    },
    { parameters: [1] },
  );

const cumulative = (op: string): Rule => same(op, 2, { exclusive: flag(false), reverse: flag(false) }, { parameters: [1] });

export const reductions: readonly Rule[] = [
  ...["Sum", "Mean", "Prod", "Max", "Min", "All", "Any"].map((op) => reduction(op)),
  reduction(
    "EuclideanNorm",
    (b, x) => b.op("Square", [x]),
    (b, sum) => b.op("Sqrt", [sum]),
    "Sum",
  ),
  ...["ArgMax", "ArgMin"].map((op) => same(op, 2, { output_type: dtype("int64") }, { parameters: [1] })),
  ...["Cumsum", "Cumprod"].map(cumulative),
  tfRule("L2Loss", [1, 1], {}, (b, [x]) => {
    const sum = b.reduce(
      "Sum",
      b.op("Square", [x]),
      x.shape.map((_, axis) => axis),
      false,
    );
    return [b.op("Mul", [sum, number(b, x, 0.5)])];
  }),
];
