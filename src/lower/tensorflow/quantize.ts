/** FakeQuant ops as the arithmetic they are: values rounded to the steps of a quantised type. TF.js's executor lets them through untouched. */
import { integerRange, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { float, int, string } from "../schema.ts";
import { dtype, flag, tfRule } from "./attrs.ts";
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
  readonly axis: number;
}

/** Scaled so that the range just fits the codes, rounded, and back. With an axis each slice along it has a range of its own. */
function quantizeAndBack(b: Builder, x: Value, given: readonly [Value, Value], bits: number, a: Rounding, at: At): Value {
  const n = (value: number) => number(b, x, value);
  const axis = a.axis < 0 ? undefined : normalAxis(a.axis, x.rank);
  const others = x.shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const spread = (bound: Value) =>
    axis === undefined
      ? b.reshape(bound, [])
      : b.reshape(
          bound,
          x.shape.map((_, i) => (i === axis ? -1 : 1)),
        );
  const [min, max] = a.range_given ? given.map(spread) : ["Min", "Max"].map((op) => b.reduce(op, x, others, axis !== undefined));
  const low = a.signed_input ? (a.narrow_range ? -(2 ** (bits - 1)) + 1 : -(2 ** (bits - 1))) : 0;
  const high = a.signed_input ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const steps = (limit: number, bound: Value, sign: "Less" | "Greater") =>
    b.op("SelectV2", [b.op(sign, [bound, n(0)]), b.op("RealDiv", [n(limit), bound]), n(3.4028234663852886e38)]);
  const scale = b.op("Minimum", [low === 0 ? n(3.4028234663852886e38) : steps(low, min!, "Less"), steps(high, max!, "Greater")]);
  const [least, greatest] = [low, high].map((code) => b.op("RealDiv", [n(code), scale]));
  const bounded = a.range_given ? b.op("Minimum", [b.op("Maximum", [x, least!]), greatest!]) : x;
  return b.op("RealDiv", [rounded(b, b.op("Mul", [bounded, scale]), a.round_mode, at), scale]);
}

function rounded(b: Builder, x: Value, mode: string, at: At): Value {
  if (mode === "HALF_TO_EVEN") return b.op("Round", [x]);
  if (mode === "HALF_UP") return b.op("Floor", [b.op("AddV2", [x, number(b, x, 0.5)])]);
  throw at.unsupported(`rounding ${mode}`);
}

/** Codes of quantised types as numbers again, in the three ways that TensorFlow has of mapping a range to codes. */
function dequantized(b: Builder, codes: Value, min: Value, max: Value, mode: string, narrow: boolean, at: At): Value {
  if (!isInteger(codes.dtype)) throw at.invalid(`codes of type ${codes.dtype}`);
  const [low, high] = integerRange(codes.dtype).map(Number) as [number, number];
  const x = b.cast(codes, "float32");
  const n = (value: number) => b.scalar("float32", value);
  const step = b.op("RealDiv", [b.op("Sub", [max, min]), n(high - low)]);
  const away = b.op("Sub", [x, n(low)]);
  switch (mode) {
    case "MIN_COMBINED":
      return b.op("AddV2", [b.op("Mul", [away, step]), min]);
    case "MIN_FIRST": {
      // Half away from zero: of whole steps, which move the range so that 0 is one of them.
      const steps = b.op("RealDiv", [min, step]);
      const whole = b.op("Mul", [b.op("Sign", [steps]), b.op("Floor", [b.op("AddV2", [b.op("Abs", [steps]), n(0.5)])])]);
      const start = b.op("SelectV2", [b.op("Equal", [min, max]), min, b.op("Mul", [whole, step])]);
      return b.op("AddV2", [b.op("Mul", [away, step]), start]);
    }
    case "SCALED": {
      const up = b.op("RealDiv", [max, n(high)]);
      const scale = low === 0 ? up : b.op("Maximum", [b.op("RealDiv", [min, n(low + (narrow ? 1 : 0))]), up]);
      return b.op("Mul", [x, scale]);
    }
    default:
      throw at.unsupported(`codes of mode ${mode}`);
  }
}

const rounding = {
  signed_input: flag(true),
  range_given: flag(false),
  narrow_range: flag(false),
  round_mode: string("HALF_TO_EVEN"),
  axis: int(-1),
};

export const quantization: readonly Rule[] = [
  ...["QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"].map((op) =>
    tfRule(op, [3, 3], { num_bits: int(8), ...rounding }, (b, [x, min, max], a, at) => [
      quantizeAndBack(b, x, [min, max], a.num_bits, a, at),
    ]),
  ),
  tfRule(
    "QuantizeAndDequantizeV3",
    [4, 4],
    rounding,
    (b, [x, min, max, bits], a, at) => [quantizeAndBack(b, x, [min, max], at.numbers(bits, "the bits")[0]!, a, at)],
    { parameters: [3] },
  ),
  tfRule(
    "Dequantize",
    [3, 3],
    { mode: string("MIN_COMBINED"), narrow_range: flag(false), axis: int(-1), dtype: dtype("float32") },
    (b, [codes, min, max], a, at) => {
      const axis = a.axis < 0 ? undefined : normalAxis(a.axis, codes.rank);
      const dims = codes.shape.map((_, i) => (i === axis ? -1 : 1));
      const bounds = [min, max].map((each) => (axis === undefined ? b.reshape(each, []) : b.reshape(each, dims)));
      return [b.cast(dequantized(b, codes, bounds[0]!, bounds[1]!, a.mode, a.narrow_range, at), a.dtype)];
    },
  ),
  tfRule("FakeQuantWithMinMaxArgs", [1, 1], { min: float(-6), max: float(6), ...steps }, (b, [x], a) => [
    fakeQuant(b, x, number(b, x, a.min), number(b, x, a.max), a),
  ]),
  ...["FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"].map((op) =>
    tfRule(op, [3, 3], steps, (b, [x, min, max], a) => [fakeQuant(b, x, min, max, a)]),
  ),
];
