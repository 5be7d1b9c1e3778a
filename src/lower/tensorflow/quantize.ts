/** FakeQuant ops as the arithmetic they are: values rounded to the steps of a quantised type. TF.js's executor lets them through untouched. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { float, int } from "../schema.ts";
import { flag, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

const steps = { num_bits: int(8), narrow_range: flag(false) };

interface Steps {
  readonly num_bits: number;
  readonly narrow_range: boolean;
}

/** The range moves so that 0 is one of the steps; a range of nothing gives 0. */
function fakeQuant(b: Builder, x: Value, min: Value, max: Value, a: Steps): Value {
  const [low, high] = [a.narrow_range ? 1 : 0, 2 ** a.num_bits - 1];
  const n = (value: number) => number(b, x, value);
  const scale = b.op("RealDiv", [b.op("Sub", [max, min]), n(high - low)]);
  const zero = b.op("Sub", [n(low), b.op("RealDiv", [min, scale])]);
  // Half away from zero: the zero point is positive here, unless it is cut to the least step anyway.
  const rounded = b.op("Floor", [b.op("AddV2", [zero, n(0.5)])]);
  const nudged = b.op("Minimum", [b.op("Maximum", [rounded, n(low)]), n(high)]);
  const [least, greatest] = [low, high].map((step) => b.op("Mul", [b.op("Sub", [n(step), nudged]), scale]));
  const clamped = b.op("Minimum", [b.op("Maximum", [x, least!]), greatest!]);
  const shifted = b.op("RealDiv", [b.op("Sub", [clamped, least!]), scale]);
  const whole = b.op("Floor", [b.op("AddV2", [shifted, n(0.5)])]);
  const result = b.op("AddV2", [b.op("Mul", [whole, scale]), least!]);
  const empty = b.op("LogicalAnd", [b.op("Equal", [min, n(0)]), b.op("Equal", [max, n(0)])]);
  return b.op("SelectV2", [empty, n(0), result]);
}

export const quantization: readonly Rule[] = [
  tfRule("FakeQuantWithMinMaxArgs", [1, 1], { min: float(-6), max: float(6), ...steps }, (b, [x], a) => [
    fakeQuant(b, x, number(b, x, a.min), number(b, x, a.max), a),
  ]),
  ...["FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"].map((op) =>
    tfRule(op, [3, 3], steps, (b, [x, min, max], a) => [fakeQuant(b, x, min, max, a)]),
  ),
];
