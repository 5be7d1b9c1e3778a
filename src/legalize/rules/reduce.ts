/** Reductions: over no elements TF.js gives nonsense, so the neutral element is written instead. */
import { sizeOf } from "../../graph/graph.ts";
import { type LegalRule, legal } from "../rule.ts";

const neutral: Readonly<Record<string, number>> = {
  Sum: 0,
  Prod: 1,
  Mean: Number.NaN,
  Max: Number.NEGATIVE_INFINITY,
  Min: Number.POSITIVE_INFINITY,
  All: 1,
  Any: 0,
};

/** Integers have no infinity; TensorFlow takes the ends of the range. */
function ends(value: number): number {
  return Number.isFinite(value) ? value : value > 0 ? 2 ** 31 - 1 : -(2 ** 31);
}

export const reductions: readonly LegalRule[] = Object.entries(neutral).map(([op, value]) =>
  legal(op, (b, inputs, at) => {
    const { type } = at.node.outputs[0]!;
    const x = inputs[0]!;
    if (sizeOf(x.type.shape) !== 0 || !type.shape?.every((dim) => typeof dim === "number")) return at.same(b, inputs);
    const fill = x.dtype === "float32" ? b.scalar("float32", value) : b.scalar("int32", ends(Number.isNaN(value) ? 0 : value));
    return [b.op("Fill", [b.ints(type.shape as readonly number[]), b.cast(fill, x.dtype)])];
  }),
);
