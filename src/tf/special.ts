/** Special functions, and factorisations of matrices over the last two axes. */
import { modelError } from "../base/problem.ts";
import type { Dim, Shape } from "../graph/graph.ts";
import { broadcast, type Call, define, type OpDef } from "./op.ts";

const elementwise = (name: string): OpDef => ({
  name,
  elementwise: true,
  infer: (call) => [
    {
      dtype: call.dtype(),
      shape: call.inputs.map((_, i) => call.shape(i)).reduce((a, b) => broadcast(a, b)),
    },
  ],
});

/** Leading dims, rows, columns. */
function matrix(call: Call): { readonly lead: Shape; readonly rows: Dim; readonly columns: Dim } | undefined {
  const shape = call.shape();
  if (shape && shape.length < 2) throw modelError("shape-mismatch", `${call.op} of rank ${shape.length}`);
  return shape && { lead: shape.slice(0, -2), rows: shape[shape.length - 2], columns: shape[shape.length - 1] };
}

const least = (a: Dim, b: Dim): Dim => (typeof a === "number" && typeof b === "number" ? Math.min(a, b) : undefined);

define(
  ...["Lgamma", "Digamma"].map(elementwise),
  ...["Polygamma", "Zeta", "Igamma", "Igammac", "Betainc"].map(elementwise),
  { name: "Cholesky", infer: (call) => [call.input(0).type] },
  // Rows are exchanged: x[p] = L · U, both in one matrix.
  {
    name: "Lu",
    infer: (call) => [call.input(0).type, { dtype: "int32", shape: call.shape()?.slice(0, -1) }],
  },
  // The diagonal of R is ≤ 0 where Householder's reflections make it so.
  {
    name: "Qr",
    infer: (call) => {
      const m = matrix(call);
      const full = call.attr<boolean>("full_matrices", false);
      const inner = m && (full ? m.rows : least(m.rows, m.columns));
      return [
        { dtype: call.dtype(), shape: m && [...m.lead, m.rows, inner] },
        { dtype: call.dtype(), shape: m && [...m.lead, inner, m.columns] },
      ];
    },
  },
  // Greatest first.
  {
    name: "SingularValues",
    infer: (call) => {
      const m = matrix(call);
      return [{ dtype: call.dtype(), shape: m && [...m.lead, least(m.rows, m.columns)] }];
    },
  },
);
