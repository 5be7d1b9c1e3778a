/** Transposes move down through elementwise ops, so that those between two convolutions meet and cancel. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isElementwise } from "../elementwise.ts";
import { inverse, onlyMovesOnes, type Perm, samePerm, transposed } from "../perm.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";

/** Dims that are equal, or both unknown: the result's dim is then that of the operand, or a broadcast that the other operands decide. */
const covers = (shape: readonly Dim[], out: readonly Dim[]): boolean =>
  shape.length === out.length && shape.every((dim, i) => dim === out[i]);

/** f(T(x), T(y), c) → T(f(x, y, c′)): all operands transposed alike, constants and such as only move axes of size 1 brought into line. */
export const sinkElementwise: Rewrite = rewriteAt("sink-transpose-elementwise", "any", (node, b) => {
  if (!isElementwise(node)) return undefined;
  const out = node.outputs[0]!.type.shape;
  const lead = node.inputs.find((input) => out && input.type.shape && transposed(input) && covers(input.type.shape, out));
  if (!lead) return undefined;
  const { perm } = transposed(lead)!;
  const inner: Value[] = [];
  for (const input of node.inputs) {
    const value = movesOnes(lead) && !input.node.constant && !transposed(input) ? undefined : untransposed(b, input, perm);
    if (!value) return undefined;
    inner.push(value);
  }
  b.origin = node.origin;
  const value = b.op(node.op, inner, node.attrs);
  b.origin = lead.node.origin;
  return [b.transpose(value, perm)];
});

/** A Transpose that costs nothing goes down only where its like go with it: it could come up again by hoisting. */
export function movesOnes(value: Value): boolean {
  const { x, perm } = transposed(value)!;
  return x.type.shape !== undefined && onlyMovesOnes(perm, x.type.shape);
}

/** What gives `value` once it is transposed by `perm`; undefined where that takes a new Transpose at run time. */
export function untransposed(b: Builder, value: Value, perm: Perm): Value | undefined {
  const known = transposed(value);
  if (known) return samePerm(known.perm, perm) ? known.x : undefined;
  const { shape } = value.type;
  if (!shape || shape.length > perm.length) return undefined;
  if (shape.every((dim) => dim === 1) && shape.length <= 1) return value;
  const full = [...new Array<number>(perm.length - shape.length).fill(1), ...shape];
  const back = inverse(perm);
  if (!value.node.constant && !onlyMovesOnes(back, full)) return undefined;
  const open = full.filter((dim) => typeof dim !== "number").length;
  if (shape.length < full.length && open > 1) return undefined;
  b.origin = value.node.origin;
  return b.transpose(shape.length < full.length ? b.reshapeTo(value, full) : value, back);
}
