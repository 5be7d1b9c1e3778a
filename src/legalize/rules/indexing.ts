/** Ops whose indices, axes, sizes or index types TF.js reads in its own way. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, dimsOf, normalAxis } from "../../tf/op.ts";
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

/** The part that takes the rest, as a number: TF.js counts it wrongly where it is the first. */
function splitSizes(b: Builder, x: Value, sizes: Value, axis: Value): Value {
  const parts = dimsOf(sizes);
  const open = parts?.indexOf(-1) ?? -1;
  const along = constantOf(axis);
  if (!parts || open < 0 || !along) return sizes;
  const others = parts.reduce<number>((sum, part, i) => (i === open ? sum : sum + (part as number)), 0);
  const rest = b.op("Sub", [b.dim(x, normalAxis(Number(along.data[0]), x.rank)), b.ints([others])]);
  return b.concat(
    parts.map((part, i) => (i === open ? rest : b.ints([part as number]))),
    0,
  );
}

export const indexing: readonly LegalRule[] = [
  legal("SplitV", (b, [x, sizes, axis], at) => at.same(b, [x!, splitSizes(b, x!, sizes!, axis!), axis!])),
  alongAxis("Cumsum"),
  alongAxis("Cumprod"),
  // The kernels fill up to the number of boxes, TensorFlow beyond it.
  legal("NonMaxSuppressionV4", (b, inputs, at) => {
    if (!at.flag("pad_to_max_output_size")) return at.same(b, inputs);
    const kept = b.op("NonMaxSuppressionV3", inputs);
    const found = b.op("Shape", [kept]);
    const missing = b.op("Sub", [b.reshape(inputs[2]!, [1]), found]);
    const filled = b.op("PadV2", [kept, b.reshape(b.concat([b.ints([0]), missing], 0), [1, 2]), b.scalar("int32", 0)]);
    return [filled, b.reshape(found, [])];
  }),
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
