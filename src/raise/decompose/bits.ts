/** And, Or and Xor of integers where ONNX has none: bit by bit, as numbers of 0 and 1 along an axis more. */
import { bitsOf, isUnsigned } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type DecomposeRule, decomposed } from "../rule.ts";

/** ONNX's own operators. */
const native = 18;

/** Of two bits. */
const combine: Readonly<Record<string, (b: Builder, x: Value, y: Value) => Value>> = {
  BitwiseAnd: (b, x, y) => b.op("Mul", [x, y]),
  BitwiseOr: (b, x, y) => b.op("Maximum", [x, y]),
  BitwiseXor: (b, x, y) => b.op("FloorMod", [b.op("AddV2", [x, y]), b.scalar("int64", 2)]),
};

/** Half a 64-bit number is what int64 holds without a sign. */
const wordBits = 32;
const powers = (bits: number) =>
  tensorOf(
    "int64",
    [bits],
    Array.from({ length: bits }, (_, i) => 2 ** i),
  );

/** Non-negative int64 below 2^32 of either, combined. */
function words(b: Builder, op: string, x: Value, y: Value): Value {
  const places = b.constant(powers(wordBits));
  const apart = (value: Value) =>
    b.op("FloorMod", [b.op("FloorDiv", [b.op("ExpandDims", [value, b.scalar("int32", -1)]), places]), b.scalar("int64", 2)]);
  const bits = combine[op]!(b, apart(x), apart(y));
  return b.reduce("Sum", b.op("Mul", [bits, places]), [-1], false);
}

function bitwise(b: Builder, op: string, x: Value, y: Value): Value {
  const { dtype } = x;
  const whole = b.scalar("int64", 2 ** wordBits);
  const [p, q] = [b.cast(x, "int64"), b.cast(y, "int64")];
  const low = (value: Value) => b.op("FloorMod", [value, whole]);
  const word = words(b, op, low(p), low(q));
  if (bitsOf[dtype]! <= wordBits) {
    // Back into the range of the type: bits of a negative number count from −2^31.
    const half = b.scalar("int64", 2 ** (wordBits - 1));
    const signed = isUnsigned(dtype) ? word : b.op("Sub", [low(b.op("AddV2", [word, half])), half]);
    return b.cast(signed, dtype);
  }
  const high = (value: Value) => low(b.op("FloorDiv", [value, whole]));
  return b.cast(b.op("AddV2", [b.op("Mul", [words(b, op, high(p), high(q)), whole]), word]), dtype);
}

export const bits: readonly DecomposeRule[] = Object.keys(combine).map((op) =>
  decomposed(op, (b, [x, y], at) => (at.opset >= native || x!.dtype === "bool" ? b.ops(op, [x!, y!]) : [bitwise(b, op, x!, y!)])),
);
