/** Einsum over explicit equations of single letters: `abij,jk->abik`. */
import { modelError } from "../base/problem.ts";
import type { Dim } from "../graph/graph.ts";
import { broadcastDim, define } from "./op.ts";

export interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
}

export function parseEquation(equation: string): Equation {
  const [left = "", output = ""] = equation.split("->");
  return { terms: left.split(","), output };
}

define({
  name: "Einsum",
  infer: (call) => {
    const { terms, output } = parseEquation(call.attr<string>("equation"));
    const dims = new Map<string, Dim>();
    terms.forEach((term, i) => {
      const shape = call.shape(i);
      if (call.dtype(i) !== call.dtype(0)) throw modelError("dtype-mismatch", `Einsum of ${call.dtype(0)} and ${call.dtype(i)}`);
      [...term].forEach((label, axis) => {
        dims.set(label, dims.has(label) ? broadcastDim(dims.get(label), shape?.[axis]) : shape?.[axis]);
      });
    });
    return [{ dtype: call.dtype(), shape: [...output].map((label) => dims.get(label)) }];
  },
});
