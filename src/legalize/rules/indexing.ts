/** Ops whose indices, axes or index types TF.js reads in its own way. */
import { constantOf, normalAxis } from "../../tf/op.ts";
import { type LegalRule, legal } from "../rule.ts";
import { floorMod } from "./integer.ts";
import { asNumbers } from "./sizes.ts";

/** The axis counted from the front: TF.js takes a negative one for none of its axes. */
const alongAxis = (op: string): LegalRule =>
  legal(op, (b, [x, axis], at) => {
    const known = constantOf(axis!);
    if (!known) return at.same(b, [x!, floorMod(b, axis!, b.scalar("int32", x!.rank))]);
    return at.same(b, [x!, b.scalar("int32", normalAxis(Number(known.data[0]), x!.rank))]);
  });

export const indexing: readonly LegalRule[] = [
  alongAxis("Cumsum"),
  alongAxis("Cumprod"),
  // The executor gives the first two of three.
  legal("NonMaxSuppressionV5", (b, inputs, at) => {
    const [kept, scores] = at.same(b, inputs);
    return [kept!, scores!, b.op("Size", [kept!])];
  }),
  legal("ArgMax", (b, inputs, at) => at.same(b, inputs, { output_type: "int32" })),
  legal("ArgMin", (b, inputs, at) => at.same(b, inputs, { output_type: "int32" })),
  legal("Where", (b, inputs, at) => at.same(b, inputs, { out_type: "int32" })),
  // The executor ignores axis and refuses a depth of 1: compare with a range instead.
  legal("OneHot", (b, [indices, depth, on, off], at) => {
    const rank = at.node.outputs[0]!.rank;
    const given = at.number("axis", -1);
    const axis = given < 0 ? given + rank : given;
    const range = b.op("Range", [b.scalar("int32", 0), depth!, b.scalar("int32", 1)]);
    const classes = b.reshape(
      range,
      Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1)),
    );
    const hit = b.op("Equal", [b.op("ExpandDims", [indices!, b.scalar("int32", axis)]), classes]);
    return [asNumbers(b, [on!, off!], (values) => b.op("SelectV2", [hit, ...values]))];
  }),
  legal("ReverseV2", (b, [x, axes], at) => [asNumbers(b, [x!], ([value]) => at.same(b, [value!, axes!])[0]!)]),
];
