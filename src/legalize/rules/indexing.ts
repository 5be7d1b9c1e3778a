/** Ops whose indices, axes or index types TF.js reads in its own way. */
import { type LegalRule, legal } from "../rule.ts";

export const indexing: readonly LegalRule[] = [
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
    return [b.op("SelectV2", [hit, on!, off!])];
  }),
];
