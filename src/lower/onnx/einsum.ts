/** Einsum: the equation is made explicit (no ellipsis, no blanks, an output); the hub's op takes it from there. */
import type { Value } from "../../graph/graph.ts";
import { explicitEquation } from "../equation.ts";
import { type Rule, rule } from "../rule.ts";
import { required, string } from "../schema.ts";

export const einsum: readonly Rule[] = [
  rule(
    "Einsum",
    { since: 12, arity: [1, Number.POSITIVE_INFINITY], attrs: { equation: required(string("")) } },
    (b, inputs, a, at) => {
      const values = inputs as readonly Value[];
      const equation = explicitEquation(
        a.equation,
        values.map((value) => value.rank),
        at,
      );
      return [b.op("Einsum", values, { equation })];
    },
  ),
];
