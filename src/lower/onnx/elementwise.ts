/** Elementwise ONNX ops. Before opset 7 a binary op broadcasts only as its `broadcast` and `axis` attributes say. */
import { bitsOf, type DType, integerRange, isFloat, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { movingOps } from "../../graph/moving.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import type { At } from "../rule.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, int, onnxType, optionalFloat, optionalInt } from "../schema.ts";
import { asScalar } from "./axis.ts";

const unary = (op: string, target = op, since = 1): Rule =>
  rule(op, { since, arity: [1, 1], attrs: {} }, (b, [x]) => [b.op(target, [x])]);

type Combine = (b: Builder, x: Value, y: Value, at: At) => Value;

const to =
  (target: string): Combine =>
  (b, x, y) =>
    b.op(target, [x, y]);

/** Aligns the second operand of an old binary op: its dims stand at `axis` of the first, trailing by default. */
function alignOld(b: Builder, x: Value, y: Value, broadcast: boolean, axis: number | undefined): Value {
  if (!broadcast || axis === undefined) return y;
  const trailing = x.rank - (axis < 0 ? axis + x.rank : axis) - y.rank;
  return trailing <= 0 ? y : b.reshapeTo(y, [...y.shape, ...new Array<number>(trailing).fill(1)]);
}

const old = { broadcast: bool(false), axis: optionalInt() };

function binary(op: string, combine: Combine, since = 7): Rule[] {
  return [
    rule(op, { since: 1, arity: [2, 2], attrs: old }, (b, [x, y], a, at) => [
      combine(b, x, alignOld(b, x, y, a.broadcast, a.axis), at),
    ]),
    rule(op, { since, arity: [2, 2], attrs: {} }, (b, [x, y], _, at) => [combine(b, x, y, at)]),
  ];
}

/** ONNX's integer division truncates toward zero. */
const divide: Combine = (b, x, y) => (isInteger(x.dtype) ? b.op("TruncateDiv", [x, y]) : b.op("RealDiv", [x, divisor(b, y)]));

/**
 * Numbers that were rounded to codes without becoming codes (see quantize.ts) can be −0, which no code less its zero point is. Only a
 * division tells the two apart: by an infinity of the other sign.
 */
function divisor(b: Builder, y: Value): Value {
  let { node } = y;
  while (movingOps.has(node.op)) node = node.inputs[0]!.node;
  const isRounded =
    node.op === "Mul" && node.inputs[0]!.node.op === "ClipByValue" && node.inputs[0]!.node.inputs[0]!.node.op === "Round";
  const zero = b.scalar(y.dtype, 0);
  return isRounded ? b.op("SelectV2", [b.op("Equal", [y, zero]), zero, y]) : y;
}

/** Pow's result has the type of the base; the exponent may be of any other. */
const power: Combine = (b, x, y) => {
  if (x.dtype === y.dtype) return b.op("Pow", [x, y]);
  if (isInteger(x.dtype) && isFloat(y.dtype)) return b.cast(b.op("Pow", [b.cast(x, y.dtype), y]), x.dtype);
  return b.op("Pow", [x, b.cast(y, x.dtype)]);
};

/** A fold of a binary op over any number of operands. */
const variadic = (op: string, target: string): Rule =>
  rule(op, { since: 1, arity: [1, Number.POSITIVE_INFINITY], attrs: {} }, (b, inputs) => [
    (inputs as readonly Value[]).reduce((sum, x) => b.op(target, [sum, x])),
  ]);

const mean: Rule = rule("Mean", { since: 1, arity: [1, Number.POSITIVE_INFINITY], attrs: {} }, (b, inputs) => {
  const sum = (inputs as readonly Value[]).reduce((total, x) => b.op("AddV2", [total, x]));
  return [inputs.length === 1 ? sum : b.op("RealDiv", [sum, b.scalar(sum.dtype, inputs.length)])];
});

/** Where the bounds cross, the upper one wins: it is applied last. */
function clip(b: Builder, x: Value, low: Value | undefined, high: Value | undefined): Value {
  const [least, greatest] = [low && constantOf(low)?.data[0], high && constantOf(high)?.data[0]];
  if (isFloat(x.dtype) && low && high && least !== undefined && greatest !== undefined && least <= greatest)
    return b.op("ClipByValue", [x, asScalar(b, low), asScalar(b, high)]);
  const raised = low ? b.op("Maximum", [x, asScalar(b, low)]) : x;
  return high ? b.op("Minimum", [raised, asScalar(b, high)]) : raised;
}

/** An infinity of the sign asked for. */
function isInf(b: Builder, x: Value, negative: boolean, positive: boolean): Value {
  if (negative && positive) return b.op("IsInf", [x]);
  if (!negative && !positive) return b.op("NotEqual", [b.op("ZerosLike", [x]), b.scalar(x.dtype, 0)]);
  return b.op("Equal", [x, b.scalar(x.dtype, positive ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)]);
}

/** Before opset 24, floats became integers of 2 and 4 bits by rounding and clamping; since then they wrap, as wider ones do. */
function clampedBits(b: Builder, x: Value, dtype: DType, at: At): Value {
  if (at.opset >= 24 || !isFloat(x.dtype) || !isInteger(dtype) || bitsOf[dtype]! >= 8) return x;
  const [low, high] = integerRange(dtype);
  return b.op("ClipByValue", [b.op("Round", [x]), b.scalar(x.dtype, Number(low)), b.scalar(x.dtype, Number(high))]);
}

/** `saturate` concerns the floats of 4 and 8 bits. */
function castTo(b: Builder, given: Value, dtype: DType, saturate: boolean, at: At): Value {
  const x = clampedBits(b, given, dtype, at);
  return saturate || x.dtype === dtype ? b.wrappingCast(x, dtype) : b.op("Cast", [x], { DstT: dtype, saturate });
}

export const elementwise: readonly Rule[] = [
  ...["Abs", "Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Sign", "Erf", "Round"].map((op) => unary(op)),
  ...["Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh"].map((op) => unary(op)),
  ...["Relu", "Sigmoid", "Softplus"].map((op) => unary(op)),
  rule("Identity", { since: 1, arity: [1, 1], attrs: {} }, (_, [x]) => [x]),
  unary("Not", "LogicalNot"),
  unary("IsNaN", "IsNan", 9),
  ...binary("Add", to("AddV2")),
  ...binary("Sub", to("Sub")),
  ...binary("Mul", to("Mul")),
  ...binary("Div", divide),
  ...binary("Pow", power),
  ...binary("And", to("LogicalAnd")),
  ...binary("Or", to("LogicalOr")),
  ...binary("Xor", to("NotEqual")),
  ...binary("Equal", to("Equal")),
  ...binary("Less", to("Less")),
  ...binary("Greater", to("Greater")),
  rule("LessOrEqual", { since: 12, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("LessEqual", [x, y])]),
  rule("GreaterOrEqual", { since: 12, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("GreaterEqual", [x, y])]),
  variadic("Sum", "AddV2"),
  variadic("Max", "Maximum"),
  variadic("Min", "Minimum"),
  rule("Where", { since: 9, arity: [3, 3], attrs: {} }, (b, [test, x, y]) => [b.op("SelectV2", [test, x, y])]),
  rule("Cast", { since: 1, arity: [1, 1], attrs: { to: onnxType(), saturate: int(1) } }, (b, [x], a, at) => {
    if (!a.to) throw at.invalid("attribute to is missing");
    return [castTo(b, x, a.to, a.saturate !== 0, at)];
  }),
  rule("CastLike", { since: 15, arity: [2, 2], attrs: { saturate: int(1) } }, (b, [x, like], a, at) => [
    castTo(b, x, like.dtype, a.saturate !== 0, at),
  ]),
  mean,
  rule("Clip", { since: 1, arity: [1, 1], attrs: { min: optionalFloat(), max: optionalFloat() } }, (b, [x], a) => {
    const bound = (value: number | undefined) => (value === undefined ? undefined : b.scalar(x.dtype, value));
    return [clip(b, x, bound(a.min), bound(a.max))];
  }),
  rule("Clip", { since: 11, arity: [1, 3], attrs: {} }, (b, [x, low, high]) => [clip(b, x, low, high)]),
  rule(
    "IsInf",
    { since: 10, arity: [1, 1], attrs: { detect_negative: bool(true), detect_positive: bool(true) } },
    (b, [x], a) => [isInf(b, x, a.detect_negative, a.detect_positive)],
  ),
];
