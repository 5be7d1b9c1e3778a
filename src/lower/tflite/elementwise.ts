/** Elementwise operators: TensorFlow's own, some with an activation behind them. */
import type { DType } from "../../base/dtype.ts";
import { isFloat, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { dtype } from "../schema.ts";
import { bounded, fused } from "./activation.ts";
import { codes16, function16 } from "./int16.ts";
import { quantizationOf, scaled } from "./quantized.ts";
import { lite } from "./rule.ts";

type Apply = (b: Builder, x: Value, y: Value) => Value;

const to =
  (target: string): Apply =>
  (b, x, y) =>
    b.op(target, [x, y]);

const unary = (op: string, target: string): Rule => lite(op, { arity: [1, 1], attrs: {} }, (b, [x]) => [b.op(target, [x])]);

const binary = (op: string, apply: Apply): Rule => lite(op, { arity: [2, 2], attrs: {} }, (b, [x, y]) => [apply(b, x, y)]);

const activated = (op: string, apply: Apply): Rule =>
  lite(op, { arity: [2, 2], attrs: { fused_activation_function: fused } }, (b, [x, y], a) => [
    bounded(b, apply(b, x, y), a.fused_activation_function),
  ]);

/** With a table for codes of 16 bits. */
const wide = (op: string, target: string, of: (x: number, least: number) => number): Rule =>
  lite(op, { arity: [1, 1], attrs: {} }, (b, [x], _, at) => {
    const known = codes16(b, x, at);
    return [known ? function16(b, known, of) : b.op(target, [x])];
  });

/** Of 16-bit codes the kernels compare the codes, of whatever scales. */
const comparison = (op: string, target: string): Rule =>
  lite(op, { arity: [2, 2], attrs: {} }, (b, [x, y], _, at) => {
    const [p, q] = [scaled(b, x), scaled(b, y)];
    const areCodes = at.given(0)?.dtype === "int16" && p.scale && q.scale;
    return [b.op(target, areCodes ? [p.value, q.value] : [x, y])];
  });

/** Of 8-bit codes the kernel negates the codes, of whatever zero points; −128 stays what it is. */
const negation: Rule = lite("NEG", { arity: [1, 1], attrs: {} }, (b, [x], _, at) => {
  const [from, to] = [quantizationOf(at.given(0)), quantizationOf(at.declared())];
  if (at.given(0)?.dtype !== "int8" || !from || !to) return [b.op("Neg", [x])];
  const number = (each: number) => b.scalar("float32", each);
  const value = b.op("Round", [b.op("RealDiv", [x, number(from.scale[0]!)])]);
  const [zero, least] = [from.zeroPoint[0]! + to.zeroPoint[0]!, -(2 ** 7)];
  const isLeast = b.op("Equal", [value, number(least - from.zeroPoint[0]!)]);
  const steps = b.op("SelectV2", [isLeast, number(least - to.zeroPoint[0]!), b.op("Sub", [number(-zero), value])]);
  return [b.op("Mul", [steps, number(to.scale[0]!)])];
});

/** Integer division truncates. */
const divide: Apply = (b, x, y) => b.op(isInteger(x.dtype) ? "TruncateDiv" : "RealDiv", [x, y]);

/** Of codes too: a cast takes the codes themselves. */
const cast: Rule = lite("CAST", { arity: [1, 1], attrs: { out_data_type: dtype("float32") }, codes: true }, (b, [x], a, at) => [
  b.wrappingCast(x, at.declared()?.dtype ?? a.out_data_type),
]);

/** A condition of one axis picks whole rows. */
function select(b: Builder, test: Value, x: Value, y: Value): Value {
  const rows = test.rank === 1 && x.rank > 1;
  const shaped = rows ? b.reshapeTo(test, [test.shape[0], ...new Array<number>(x.rank - 1).fill(1)]) : test;
  return b.op("SelectV2", [shaped, x, y]);
}

const zero = (b: Builder, type: DType): Value => b.scalar(type, 0);

export const elementwise: readonly Rule[] = [
  activated("ADD", to("AddV2")),
  activated("SUB", to("Sub")),
  activated("MUL", to("Mul")),
  activated("DIV", divide),
  binary("POW", to("Pow")),
  binary("MAXIMUM", to("Maximum")),
  binary("MINIMUM", to("Minimum")),
  binary("SQUARED_DIFFERENCE", to("SquaredDifference")),
  binary("FLOOR_DIV", to("FloorDiv")),
  binary("FLOOR_MOD", to("FloorMod")),
  binary("ATAN2", to("Atan2")),
  comparison("EQUAL", "Equal"),
  comparison("NOT_EQUAL", "NotEqual"),
  comparison("LESS", "Less"),
  comparison("LESS_EQUAL", "LessEqual"),
  comparison("GREATER", "Greater"),
  comparison("GREATER_EQUAL", "GreaterEqual"),
  binary("LOGICAL_AND", to("LogicalAnd")),
  binary("LOGICAL_OR", to("LogicalOr")),
  binary("BITWISE_XOR", (b, x, y) => b.op(x.dtype === "bool" ? "NotEqual" : "BitwiseXor", [x, y])),
  binary("RIGHT_SHIFT", to("RightShift")),
  unary("ABS", "Abs"),
  negation,
  unary("SIGN", "Sign"),
  wide("EXP", "Exp", Math.exp),
  wide("LOG", "Log", (x, least) => (x > 0 ? Math.log(x) : least)),
  unary("SIN", "Sin"),
  unary("COS", "Cos"),
  unary("SQRT", "Sqrt"),
  unary("RSQRT", "Rsqrt"),
  unary("SQUARE", "Square"),
  unary("FLOOR", "Floor"),
  unary("CEIL", "Ceil"),
  unary("ROUND", "Round"),
  unary("LOGICAL_NOT", "LogicalNot"),
  unary("ZEROS_LIKE", "ZerosLike"),
  cast,
  lite("SELECT", { arity: [3, 3], attrs: {} }, (b, [test, x, y]) => [select(b, test, x, y)]),
  lite("SELECT_V2", { arity: [3, 3], attrs: {} }, (b, [test, x, y]) => [b.op("SelectV2", [test, x, y])]),
  lite("ADD_N", { arity: [1, Number.POSITIVE_INFINITY], attrs: {} }, (b, inputs) => [
    (inputs as readonly Value[]).reduce((sum, x) => b.op("AddV2", [sum, x])),
  ]),
  lite("QUANTIZE", { arity: [1, 1], attrs: {} }, (_, [x]) => [x]),
  lite("DEQUANTIZE", { arity: [1, 1], attrs: {} }, (b, [x], _, at) => {
    const type = at.declared()?.dtype ?? "float32";
    // Without a scale, as float16 weights are: the same numbers in a wider type.
    return [isFloat(x.dtype) || isInteger(x.dtype) ? b.cast(x, type) : b.op("AddV2", [b.cast(x, type), zero(b, type)])];
  }),
  lite("DENSIFY", { arity: [1, 1], attrs: {}, codes: true }, (_, [x]) => [x]),
];
