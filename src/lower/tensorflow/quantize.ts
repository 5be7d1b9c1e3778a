/** FakeQuant ops as the arithmetic they are: values rounded to the steps of a quantised type. TF.js's executor lets them through untouched. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { float, int, string } from "../schema.ts";
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

interface Rounding {
  readonly signed_input: boolean;
  readonly range_given: boolean;
  readonly narrow_range: boolean;
  readonly round_mode: string;
}

/** Scaled so that the range just fits the codes, rounded, and back. */
function quantizeAndBack(b: Builder, x: Value, given: readonly [Value, Value], bits: number, a: Rounding, at: At): Value {
  if (a.round_mode !== "HALF_TO_EVEN") throw at.unsupported(`rounding ${a.round_mode}`);
  const n = (value: number) => number(b, x, value);
  const all = x.shape.map((_, axis) => axis);
  const [min, max] = a.range_given
    ? given
    : (["Min", "Max"].map((op) => b.reduce(op, x, all, false)) as unknown as readonly [Value, Value]);
  const low = a.signed_input ? (a.narrow_range ? -(2 ** (bits - 1)) + 1 : -(2 ** (bits - 1))) : 0;
  const high = a.signed_input ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const steps = (limit: number, bound: Value, sign: "Less" | "Greater") =>
    b.op("SelectV2", [b.op(sign, [bound, n(0)]), b.op("RealDiv", [n(limit), bound]), n(3.4028234663852886e38)]);
  const scale = b.op("Minimum", [low === 0 ? n(3.4028234663852886e38) : steps(low, min, "Less"), steps(high, max, "Greater")]);
  const [least, greatest] = [low, high].map((code) => b.op("RealDiv", [n(code), scale]));
  const bounded = a.range_given ? b.op("Minimum", [b.op("Maximum", [x, least!]), greatest!]) : x;
  return b.op("RealDiv", [b.op("Round", [b.op("Mul", [bounded, scale])]), scale]);
}

const rounding = {
  signed_input: flag(true),
  range_given: flag(false),
  narrow_range: flag(false),
  round_mode: string("HALF_TO_EVEN"),
  axis: int(-1),
};

const perAxis = (axis: number, at: At): void => {
  if (axis !== -1) throw at.unsupported("quantisation with a range for each slice");
};

export const quantization: readonly Rule[] = [
  tfRule("QuantizeAndDequantizeV2", [3, 3], { num_bits: int(8), ...rounding }, (b, [x, min, max], a, at) => {
    perAxis(a.axis, at);
    return [quantizeAndBack(b, x, [min, max], a.num_bits, a, at)];
  }),
  tfRule(
    "QuantizeAndDequantizeV3",
    [4, 4],
    rounding,
    (b, [x, min, max, bits], a, at) => {
      perAxis(a.axis, at);
      return [quantizeAndBack(b, x, [min, max], at.numbers(bits, "the bits")[0]!, a, at)];
    },
    { parameters: [3] },
  ),
  tfRule("FakeQuantWithMinMaxArgs", [1, 1], { min: float(-6), max: float(6), ...steps }, (b, [x], a) => [
    fakeQuant(b, x, number(b, x, a.min), number(b, x, a.max), a),
  ]),
  ...["FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"].map((op) =>
    tfRule(op, [3, 3], steps, (b, [x, min, max], a) => [fakeQuant(b, x, min, max, a)]),
  ),
];
