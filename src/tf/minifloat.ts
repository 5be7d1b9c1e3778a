/** Rounding to a float type of 8 or 16 bits with float32 arithmetic, for targets that have no such type. */
import { decodeMiniFloat, type MiniFloat, type MiniFloatName, miniFloats } from "../base/minifloat.ts";
import type { Value } from "../graph/graph.ts";
import type { Builder } from "./build.ts";

/**
 * The nearest value of the format, ties to even; still float32. Past the greatest: that one (`saturate`), else infinity or NaN.
 * The exponent is estimated by a logarithm and corrected by comparison; powers of two come from a table, since Pow is inexact.
 */
export function roundMini(b: Builder, x: Value, name: MiniFloatName, saturate: boolean): Value {
  const format: MiniFloat = miniFloats[name];
  const number = (value: number) => b.scalar("float32", value);
  const greatest = decodeMiniFloat(format, format.maxCode);
  const least = (format.subnormals ? 1 : 0) - format.bias;
  const top = Math.min(127, Math.floor(Math.log2(greatest)) + 1);
  const powers = b.constant({
    dtype: "float32",
    shape: [top - least + 1],
    data: Float32Array.from({ length: top - least + 1 }, (_, i) => 2 ** (least + i)),
  });
  const nan = b.op("IsNan", [x]);
  const size = b.op("Abs", [b.op("SelectV2", [nan, number(1), x])]);
  const bounded = b.op("ClipByValue", [size, number(2 ** least), number(2 ** top)]);
  const exponent = b.op("Floor", [b.op("Mul", [b.op("Log", [bounded]), number(Math.LOG2E)])]);
  const index = b.op("ClipByValue", [b.op("Sub", [exponent, number(least)]), number(0), number(top - least)]);
  const guess = b.gather(powers, b.cast(index, "int32"), 0);
  const lower = b.op("SelectV2", [b.op("Less", [bounded, guess]), b.op("Mul", [guess, number(0.5)]), guess]);
  const twice = b.op("Mul", [lower, number(2)]);
  const power = b.op("SelectV2", [b.op("GreaterEqual", [bounded, twice]), twice, lower]);
  const quantum = b.op("Mul", [b.op("Maximum", [power, number(2 ** least)]), number(2 ** -format.mantissa)]);
  // Sizes past the clip are far beyond the greatest value, so any multiple of any quantum says so.
  const rounded = b.op("Mul", [b.op("Round", [b.op("RealDiv", [size, quantum])]), quantum]);
  const beyond = format.infinity === undefined ? Number.NaN : Number.POSITIVE_INFINITY;
  const past = saturate || format.nan === undefined ? greatest : beyond;
  const fitted = b.op("SelectV2", [b.op("Greater", [rounded, number(greatest)]), number(past), rounded]);
  const signed = format.signed ? b.op("SelectV2", [b.op("Less", [x, number(0)]), b.op("Neg", [fitted]), fitted]) : fitted;
  // A format without a NaN has nothing to keep it in.
  return b.op("SelectV2", [nan, format.nan === undefined ? number(0) : x, signed]);
}
