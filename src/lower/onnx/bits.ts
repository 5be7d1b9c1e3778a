/** Integer ops: Mod, shifts, bitwise logic. */
import { bitsOf, type DType, isInteger } from "../../base/dtype.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, oneOf, onnxType, required } from "../schema.ts";
import { hashModulo, maskedHash, shiftedHash } from "./hash.ts";

const bitwise = (op: string): Rule => rule(op, { since: 18, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op(op, [x, y])]);

/** The same bits as another type; among integers that is two's complement. */
const bitCast = rule("BitCast", { since: 26, arity: [1, 1], attrs: { to: required(onnxType()) } }, (b, [x], a, at) => {
  const whole = (dtype: DType) => isInteger(dtype) || dtype === "bool";
  if (bitsOf[x.dtype] !== bitsOf[a.to]) throw at.invalid(`BitCast of ${x.dtype} to ${a.to}`);
  return [whole(x.dtype) && whole(a.to) ? b.cast(x, a.to) : b.op("Bitcast", [x], { DstT: a.to })];
});

export const bits: readonly Rule[] = [
  bitCast,
  // fmod takes the sign of the dividend, as C's; without it the sign is the divisor's, as Python's, for floats too, as exporters mean it.
  rule("Mod", { since: 10, arity: [2, 2], attrs: { fmod: bool(false) } }, (b, [x, y], a) => [
    hashModulo(b, x, y) ?? b.op(a.fmod ? "TruncateMod" : "FloorMod", [x, y]),
  ]),
  rule("BitShift", { since: 11, arity: [2, 2], attrs: { direction: required(oneOf("LEFT", "RIGHT")) } }, (b, [x, y], a) => [
    a.direction === "LEFT" ? b.op("LeftShift", [x, y]) : (shiftedHash(b, x, y) ?? b.op("RightShift", [x, y])),
  ]),
  rule("BitwiseAnd", { since: 18, arity: [2, 2], attrs: {} }, (b, [x, y]) => [
    maskedHash(b, x, y) ?? maskedHash(b, y, x) ?? b.op("BitwiseAnd", [x, y]),
  ]),
  bitwise("BitwiseOr"),
  bitwise("BitwiseXor"),
  rule("BitwiseNot", { since: 18, arity: [1, 1], attrs: {} }, (b, [x]) => [b.op("Invert", [x])]),
];
