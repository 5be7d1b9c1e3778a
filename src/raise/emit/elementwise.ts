/** Elementwise ops: those that ONNX has, and short compositions of them with TensorFlow's rounding, NaN and division rules. */
import { isFloat, isInteger, isUnsigned } from "../../base/dtype.ts";
import { float, int } from "../../graph/onnx-graph.ts";
import { dtypeCodes } from "../../graph/onnx-types.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitRule, emittedOne } from "../rule.ts";
import { biased } from "./bias.ts";

/** The same op under ONNX's name. */
const same = (op: string, onnx = op): EmitRule => emittedOne(op, (o, inputs) => o.op(onnx, inputs));

const unary = (op: string, emit: (o: OnnxBuilder, x: Ref) => Ref): EmitRule => emittedOne(op, (o, [x]) => emit(o, x!));
const binary = (op: string, emit: (o: OnnxBuilder, x: Ref, y: Ref) => Ref): EmitRule =>
  emittedOne(op, (o, [x, y]) => emit(o, x!, y!));

const one = (o: OnnxBuilder, like: Ref): Ref => o.scalar(like.dtype, 1);
const zero = (o: OnnxBuilder, like: Ref): Ref => o.scalar(like.dtype, 0);

const not = (o: OnnxBuilder, x: Ref): Ref => o.op("Not", [x]);
const and = (o: OnnxBuilder, x: Ref, y: Ref): Ref => o.op("And", [x, y]);
export const compare = (o: OnnxBuilder, op: string, x: Ref, y: Ref): Ref => o.op(op, [x, y], {}, "bool");
export const where = (o: OnnxBuilder, condition: Ref, x: Ref, y: Ref): Ref => o.op("Where", [condition, x, y], {}, x.dtype);

/** e^x − 1 without loss near 0: (e^x + 1) · tanh(x / 2). */
const expm1 = (o: OnnxBuilder, x: Ref): Ref =>
  o.op("Mul", [o.op("Add", [o.op("Exp", [x]), one(o, x)]), o.op("Tanh", [o.op("Mul", [x, o.scalar(x.dtype, 0.5)])])]);

/** log(1 + x) without loss near 0: with u = 1 + x rounded, log(u) · x / (u − 1); x itself where u is 1 or infinite. */
function log1p(o: OnnxBuilder, x: Ref): Ref {
  const u = o.op("Add", [x, one(o, x)]);
  const less = o.op("Sub", [u, one(o, x)]);
  const plain = o.op("Or", [
    compare(o, "Equal", less, zero(o, x)),
    compare(o, "Equal", less, o.scalar(x.dtype, Number.POSITIVE_INFINITY)),
  ]);
  const safe = where(o, plain, one(o, x), less);
  return where(o, plain, x, o.op("Mul", [o.op("Log", [u]), o.op("Div", [x, safe])]));
}

/** Integers: ONNX's division is C's, toward zero. */
function floorDiv(o: OnnxBuilder, x: Ref, y: Ref): Ref {
  if (isFloat(x.dtype)) return o.op("Floor", [o.op("Div", [x, y])]);
  if (isUnsigned(x.dtype)) return o.op("Div", [x, y]);
  const quotient = o.op("Div", [x, y]);
  const rest = o.op("Sub", [x, o.op("Mul", [quotient, y])]);
  return o.op("Sub", [quotient, o.cast(offSign(o, rest, y), x.dtype)]);
}

/** Is there a rest of another sign than the divisor? */
const offSign = (o: OnnxBuilder, rest: Ref, y: Ref): Ref =>
  and(
    o,
    not(o, compare(o, "Equal", rest, zero(o, rest))),
    o.op("Xor", [compare(o, "Less", rest, zero(o, rest)), compare(o, "Less", y, zero(o, y))]),
  );

function truncateMod(o: OnnxBuilder, x: Ref, y: Ref): Ref {
  if (isFloat(x.dtype)) return o.op("Mod", [x, y], { fmod: int(1) });
  return o.op("Sub", [x, o.op("Mul", [o.op("Div", [x, y]), y])]);
}

function floorMod(o: OnnxBuilder, x: Ref, y: Ref): Ref {
  const rest = truncateMod(o, x, y);
  return where(o, offSign(o, rest, y), o.op("Add", [rest, y]), rest);
}

function truncateDiv(o: OnnxBuilder, x: Ref, y: Ref): Ref {
  const quotient = o.op("Div", [x, y]);
  if (!isFloat(x.dtype)) return quotient;
  return where(o, compare(o, "Less", quotient, zero(o, x)), o.op("Ceil", [quotient]), o.op("Floor", [quotient]));
}

function divNoNan(o: OnnxBuilder, x: Ref, y: Ref): Ref {
  const nothing = compare(o, "Equal", y, zero(o, y));
  const quotient = o.op("Div", [x, where(o, nothing, one(o, y), y)]);
  return where(o, nothing, zero(o, x), quotient);
}

/** From atan(y / x), turned where x is negative; two infinities count as ±1, and zeroes have their signs. */
function atan2(o: OnnxBuilder, y: Ref, x: Ref): Ref {
  const isInf = (value: Ref) => o.op("IsInf", [value], {}, "bool");
  const both = and(o, isInf(x), isInf(y));
  const bounded = (value: Ref) => where(o, both, o.op("Sign", [value]), value);
  const [p, q] = [bounded(y), bounded(x)];
  const negative = (value: Ref) => {
    const none = compare(o, "Equal", value, zero(o, value));
    return compare(o, "Less", where(o, none, o.op("Reciprocal", [value]), value), zero(o, value));
  };
  const none = and(o, compare(o, "Equal", p, zero(o, p)), compare(o, "Equal", q, zero(o, q)));
  const angle = where(o, none, p, o.op("Atan", [o.op("Div", [p, where(o, none, one(o, q), q)])]));
  const half = where(o, negative(p), o.scalar(y.dtype, -Math.PI), o.scalar(y.dtype, Math.PI));
  return where(o, negative(q), o.op("Add", [angle, half]), angle);
}

/** onnxruntime 1.30 takes the greatest, the least and the bounds of 64-bit integers by their lower halves. */
const isWide = ({ dtype }: Ref): boolean => /^(int64|uint32|uint64)$/.test(dtype);

const greater = (o: OnnxBuilder, x: Ref, y: Ref): Ref =>
  isWide(x) ? where(o, compare(o, "Greater", x, y), x, y) : o.op("Max", [x, y]);
const lesser = (o: OnnxBuilder, x: Ref, y: Ref): Ref =>
  isWide(x) ? where(o, compare(o, "Less", x, y), x, y) : o.op("Min", [x, y]);

/** Clip takes scalars only, and nothing for a bound beyond every number. */
function clip(o: OnnxBuilder, x: Ref, low: Ref, high: Ref): Ref {
  const [least, most] = [o.number(low), o.number(high)];
  if (!isWide(x) && least !== undefined && most !== undefined && least <= most) {
    const bound = (value: Ref, number: number) => (Number.isFinite(number) ? o.reshape(value, []) : undefined);
    const bounds = [bound(low, least), bound(high, most)];
    return bounds[0] || bounds[1] ? o.op("Clip", [x, ...bounds]) : o.op("Identity", [x]);
  }
  return lesser(o, greater(o, x, low), high);
}

/** Bools: ONNX selects them as integers. */
const select = (o: OnnxBuilder, condition: Ref, x: Ref, y: Ref): Ref => o.op("Where", [condition, x, y], {}, x.dtype);

function abs(o: OnnxBuilder, x: Ref): Ref {
  return o.op("Abs", [x]);
}

const relu = (o: OnnxBuilder, x: Ref): Ref => (isFloat(x.dtype) ? o.op("Relu", [x]) : greater(o, x, zero(o, x)));

const relu6 = (o: OnnxBuilder, x: Ref): Ref => clip(o, x, zero(o, x), o.scalar(x.dtype, 6));

const sign = (o: OnnxBuilder, x: Ref): Ref => {
  const plain = o.op("Sign", [x]);
  // ONNX does not say what the sign of NaN is.
  return isFloat(x.dtype) ? where(o, o.op("IsNaN", [x], {}, "bool"), x, plain) : plain;
};

/** Strings and bools, too, are compared. */
const comparison = (op: string, onnx: string): EmitRule => binary(op, (o, x, y) => compare(o, onnx, x, y));

/** The greatest power of two that int64 holds; shifting further leaves nothing but the sign. */
const mostShift = 62;

/** 2^y of the bits to shift by, exact as integers are within 64 bits. What a negative number of bits does TensorFlow leaves open. */
function powerOfTwo(o: OnnxBuilder, y: Ref): Ref {
  const by = o.int64(y);
  const isFit = o.known(y)?.every((bits) => bits >= 0 && bits <= mostShift);
  return o.op("Pow", [o.scalar("int64", 2), isFit ? by : clip(o, by, o.scalar("int64", 0), o.scalar("int64", mostShift))]);
}

/** Of operands that ONNX knows from opset 18 on; bools have ops of their own. */
const bitwise = (op: string, onnx: string, logical: string): EmitRule =>
  emittedOne(op, (o, [x, y], at) => {
    if (x!.dtype === "bool") return o.op(logical, [x!, y!]);
    at.since(18);
    return o.op(onnx, [x!, y!]);
  });

export const elementwise: readonly EmitRule[] = [
  ...["Identity", "StopGradient"].map((op) => unary(op, (_, x) => x)),
  unary("Abs", abs),
  same("Neg"),
  unary("Sign", sign),
  unary("Square", (o, x) => o.op("Mul", [x, x])),
  same("Exp"),
  unary("Expm1", expm1),
  same("Log"),
  unary("Log1p", log1p),
  same("Sqrt"),
  unary("Rsqrt", (o, x) => o.op("Reciprocal", [o.op("Sqrt", [x])])),
  same("Reciprocal"),
  ...["Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh"].map((op) => same(op)),
  same("Erf"),
  ...["Ceil", "Floor", "Round"].map((op) => unary(op, (o, x) => (isInteger(x.dtype) ? x : o.op(op, [x])))),
  same("Sigmoid"),
  unary("Relu", relu),
  unary("Relu6", relu6),
  same("Elu"),
  same("Selu"),
  same("Softplus"),
  emittedOne("LeakyRelu", (o, [x], at) => o.op("LeakyRelu", [x!], { alpha: float(at.number("alpha", 0.2)) })),
  emittedOne("Prelu", (o, [x, slope]) => o.op("PRelu", [x!, slope!])),
  same("LogicalNot", "Not"),
  unary("IsNan", (o, x) => o.op("IsNaN", [x], {}, "bool")),
  unary("IsInf", (o, x) => o.op("IsInf", [x], {}, "bool")),
  unary("IsFinite", (o, x) => compare(o, "Less", abs(o, x), o.scalar(x.dtype, Number.POSITIVE_INFINITY))),
  emittedOne("AddV2", (o, [x, y], at) => biased(o, x!, y!, at) ?? o.op("Add", [x!, y!])),
  same("Sub"),
  same("Mul"),
  binary("RealDiv", (o, x, y) => o.op("Div", [x, y])),
  binary("TruncateDiv", truncateDiv),
  binary("FloorDiv", floorDiv),
  binary("FloorMod", floorMod),
  binary("TruncateMod", truncateMod),
  binary("DivNoNan", divNoNan),
  same("Pow"),
  binary("Maximum", greater),
  binary("Minimum", lesser),
  binary("SquaredDifference", (o, x, y) => {
    const difference = o.op("Sub", [x, y]);
    return o.op("Mul", [difference, difference]);
  }),
  binary("Atan2", atan2),
  bitwise("BitwiseAnd", "BitwiseAnd", "And"),
  bitwise("BitwiseOr", "BitwiseOr", "Or"),
  bitwise("BitwiseXor", "BitwiseXor", "Xor"),
  binary("LeftShift", (o, x, y) => o.cast(o.op("Mul", [o.int64(x), powerOfTwo(o, y)]), x.dtype)),
  binary("RightShift", (o, x, y) => o.cast(floorDiv(o, o.int64(x), powerOfTwo(o, y)), x.dtype)),
  unary("Invert", (o, x) => (x.dtype === "bool" ? not(o, x) : o.op("Sub", [o.scalar(x.dtype, -1), x]))),
  comparison("Equal", "Equal"),
  binary("NotEqual", (o, x, y) => not(o, compare(o, "Equal", x, y))),
  comparison("Less", "Less"),
  comparison("LessEqual", "LessOrEqual"),
  comparison("Greater", "Greater"),
  comparison("GreaterEqual", "GreaterOrEqual"),
  same("LogicalAnd", "And"),
  same("LogicalOr", "Or"),
  emittedOne("SelectV2", (o, [condition, x, y]) => select(o, condition!, x!, y!)),
  emittedOne("ClipByValue", (o, [x, low, high]) => clip(o, x!, low!, high!)),
  // Floats as text are the runtime's own, as they are in an ONNX model, of which alone they come.
  emittedOne("Cast", (o, [x], at) => o.cast(x!, at.dtype("DstT"))),
  emittedOne("Bitcast", (o, [x], at) => {
    at.since(26);
    const to = at.dtype("DstT");
    return o.op("BitCast", [x!], { to: int(dtypeCodes[to]) }, to);
  }),
];
