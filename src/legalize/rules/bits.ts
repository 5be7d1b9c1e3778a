/** Shifts and complements of integers as arithmetic: TF.js has no such ops. */
import { bitsOf, isUnsigned } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isNarrow, wrap } from "../../tf/wrap.ts";
import { type LegalRule, legal } from "../rule.ts";
import { clipped, floorDiv } from "./integer.ts";

/** 2^y for y in 0 … 30, read from a table: exact on every backend. */
function powerOfTwo(b: Builder, y: Value): Value {
  const table = b.ints(Array.from({ length: 31 }, (_, i) => 2 ** i));
  return b.gather(table, y, 0);
}

/** In two halves, so that shifts up to 60 are right too: what leaves 32 bits is gone, as in a wider type that ends as int32. */
function halves(b: Builder, y: Value): readonly [Value, Value] {
  const bounded = clipped(b, y, b.scalar("int32", 0), b.scalar("int32", 60));
  const first = b.op("FloorDiv", [bounded, b.scalar("int32", 2)]);
  return [first, b.op("Sub", [bounded, first])];
}

const shifted = (b: Builder, x: Value, y: Value, step: (value: Value, factor: Value) => Value): Value =>
  halves(b, y).reduce((value, part) => step(value, powerOfTwo(b, part)), x);

export const bits: readonly LegalRule[] = [
  legal("LeftShift", (b, [x, y], at) => {
    const whole = shifted(b, x!, y!, (value, factor) => b.op("Mul", [value, factor]));
    return [isNarrow(at.dtype()) ? wrap(b, whole, at.dtype()) : whole];
  }),
  legal("RightShift", (b, [x, y]) => [shifted(b, x!, y!, (value, factor) => floorDiv(b, value, factor))]),
  legal("Invert", (b, [x], at) => {
    const dtype = at.dtype();
    if (isUnsigned(dtype) && !isNarrow(dtype)) throw at.unsupported(`the complement of ${dtype}: its values leave int32`);
    return [b.op("Sub", [b.scalar("int32", isUnsigned(dtype) ? 2 ** bitsOf[dtype]! - 1 : -1), x!])];
  }),
];
