/**
 * Range. Where a step leads away from the limit there is nothing; TF.js counts on, unless the step is greater than 1. Of floats it sums
 * the steps up, and with them their errors: here each is the product of its place.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type LegalRule, legal } from "../rule.ts";

/** What of sizes makes sizes. */
const keeping = new Set(["Reshape", "Squeeze", "Cast", "Slice", "StridedSlice", "Prod", "Mul", "AddV2", "Maximum", "ConcatV2"]);
const maxWalk = 32;

/** Is it surely not negative: made of dims, and of constants that are not, by what keeps that? */
function isCount(value: Value): boolean {
  const left = [value.node];
  for (let steps = 0; left.length > 0; steps++) {
    const node = left.pop()!;
    if (node.op === "Shape" || node.op === "Size") continue;
    const constant = constantOf(node.outputs[0]!);
    if (constant ? Array.from(constant.data, Number).some((each) => each < 0) : steps === maxWalk || !keeping.has(node.op))
      return false;
    // Where and what shape: numbers of another kind.
    const data = ["Mul", "AddV2", "Maximum", "ConcatV2"].includes(node.op) ? node.inputs : node.inputs.slice(0, 1);
    left.push(...data.map((input) => input.node));
  }
  return true;
}

/** A limit that the step leads to. */
function ahead(b: Builder, [start, limit, delta]: readonly [Value, Value, Value]): Value {
  const [first, step] = [start, delta].map((value) => constantOf(value)).map((known) => known && Number(known.data[0]));
  if (step !== undefined && step > 0) return first === 0 && isCount(limit) ? limit : b.op("Maximum", [limit, start]);
  const below = b.op("Minimum", [limit, start]);
  if (step !== undefined) return below;
  return b.op("SelectV2", [b.op("Less", [delta, b.scalar("int32", 0)]), below, b.op("Maximum", [limit, start])]);
}

export const ranges: readonly LegalRule[] = [
  legal("Range", (b, inputs, at) => {
    const [start, limit, delta] = inputs as [Value, Value, Value];
    if (start.dtype === "int32") return at.same(b, [start, ahead(b, [start, limit, delta]), delta]);
    const count = b.cast(b.op("Ceil", [b.op("RealDiv", [b.op("Sub", [limit, start]), delta])]), "int32");
    const [zero, one] = [b.scalar("int32", 0), b.scalar("int32", 1)];
    const places = b.cast(b.op("Range", [zero, b.op("Maximum", [count, zero]), one]), start.dtype);
    return [b.op("AddV2", [start, b.op("Mul", [places, delta])])];
  }),
];
