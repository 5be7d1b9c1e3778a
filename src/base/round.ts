/** Rounds a number to what a dtype can hold, for arithmetic that is done in doubles. */
import type { DType } from "./dtype.ts";
import { ModelError, problem } from "./problem.ts";

/** Mantissa bits, least normal exponent, greatest finite value. */
const formats: Partial<Record<DType, readonly [number, number, number]>> = {
  float16: [10, -14, 65504],
  bfloat16: [7, -126, 3.3895313892515355e38],
};

/** float32 rounds and integers wrap as they are stored in their typed arrays; only the types kept in wider arrays need work here. */
export function roundTo(dtype: DType): (x: number) => number {
  const format = formats[dtype];
  if (format) return (x) => roundFloat(x, ...format);
  if (dtype === "int4") return (x) => (x << 28) >> 28;
  if (dtype === "uint4") return (x) => x & 15;
  if (dtype === "int2") return (x) => (x << 30) >> 30;
  if (dtype === "uint2") return (x) => x & 3;
  if (dtype.startsWith("float8") || dtype.startsWith("float4"))
    return () => {
      throw new ModelError(problem("error", "bad-dtype", `no arithmetic on ${dtype}`));
    };
  return (x) => x;
}

function roundFloat(x: number, mantissa: number, least: number, greatest: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), least);
  const step = 2 ** (exponent - mantissa);
  const scaled = x / step;
  const floor = Math.floor(scaled);
  const diff = scaled - floor;
  const rounded = (diff < 0.5 || (diff === 0.5 && floor % 2 === 0) ? floor : floor + 1) * step;
  return Math.abs(rounded) > greatest ? Math.sign(x) * Number.POSITIVE_INFINITY : rounded;
}
