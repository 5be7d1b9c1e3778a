/** Small binary floats (8 and 4 bits) and, by the same definition, the 16-bit ones; half.ts has the fast paths for those. */

export interface MiniFloat {
  /** Bits an element takes, sign included where there is one. */
  readonly bits: number;
  readonly mantissa: number;
  readonly bias: number;
  readonly signed: boolean;
  /** Code (without the sign) of the greatest finite value. */
  readonly maxCode: number;
  /** Code of infinity, sign apart; undefined where the format has none. */
  readonly infinity?: number;
  /** Code of the NaN that is written; undefined where the format has none. */
  readonly nan?: number;
  readonly isNaN: (code: number) => boolean;
  /** `0` is 2^(1-bias) scaled subnormal as usual; e8m0 has neither zero nor subnormals. */
  readonly subnormals: boolean;
  /** The fnuz formats keep the code of −0 for NaN. */
  readonly negativeZero: boolean;
}

const usual = { signed: true, subnormals: true, negativeZero: true } as const;

export const miniFloats = {
  float16: {
    ...usual,
    bits: 16,
    mantissa: 10,
    bias: 15,
    maxCode: 0x7bff,
    infinity: 0x7c00,
    nan: 0x7e00,
    isNaN: (c) => (c & 0x7fff) > 0x7c00,
  },
  bfloat16: {
    ...usual,
    bits: 16,
    mantissa: 7,
    bias: 127,
    maxCode: 0x7f7f,
    infinity: 0x7f80,
    nan: 0x7fc0,
    isNaN: (c) => (c & 0x7fff) > 0x7f80,
  },
  float8e4m3fn: { ...usual, bits: 8, mantissa: 3, bias: 7, maxCode: 0x7e, nan: 0x7f, isNaN: (c) => (c & 0x7f) === 0x7f },
  float8e4m3fnuz: {
    ...usual,
    bits: 8,
    mantissa: 3,
    bias: 8,
    maxCode: 0x7f,
    nan: 0x80,
    isNaN: (c) => c === 0x80,
    negativeZero: false,
  },
  float8e5m2: {
    ...usual,
    bits: 8,
    mantissa: 2,
    bias: 15,
    maxCode: 0x7b,
    infinity: 0x7c,
    nan: 0x7f,
    isNaN: (c) => (c & 0x7f) > 0x7c,
  },
  float8e5m2fnuz: {
    ...usual,
    bits: 8,
    mantissa: 2,
    bias: 16,
    maxCode: 0x7f,
    nan: 0x80,
    isNaN: (c) => c === 0x80,
    negativeZero: false,
  },
  float8e8m0: {
    bits: 8,
    mantissa: 0,
    bias: 127,
    signed: false,
    subnormals: false,
    negativeZero: false,
    maxCode: 0xfe,
    nan: 0xff,
    isNaN: (c) => c === 0xff,
  },
  float4e2m1: { ...usual, bits: 4, mantissa: 1, bias: 1, maxCode: 0x7, isNaN: () => false },
} as const satisfies Record<string, MiniFloat>;

export type MiniFloatName = keyof typeof miniFloats;

export const isMiniFloat = (dtype: string): dtype is MiniFloatName => Object.hasOwn(miniFloats, dtype);

/** The value of one code; exact in a float32. */
export function decodeMiniFloat(format: MiniFloat, code: number): number {
  if (format.isNaN(code)) return Number.NaN;
  const signBit = format.signed ? 1 << (format.bits - 1) : 0;
  const sign = code & signBit ? -1 : 1;
  const magnitude = code & ~signBit;
  if (magnitude === format.infinity) return sign * Number.POSITIVE_INFINITY;
  const exponent = magnitude >> format.mantissa;
  const fraction = (magnitude & ((1 << format.mantissa) - 1)) / (1 << format.mantissa);
  if (exponent === 0 && format.subnormals) return sign * fraction * 2 ** (1 - format.bias);
  return sign * (1 + fraction) * 2 ** (exponent - format.bias);
}

/**
 * The nearest code, ties to even. Past the greatest finite value: infinity, else NaN, as IEEE and ONNX's `Cast` with `saturate=0` have it;
 * with `saturate`, the greatest finite value. A format that can hold neither saturates always, and a NaN that it cannot hold is a RangeError.
 */
export function encodeMiniFloat(format: MiniFloat, value: number, saturate = false): number {
  if (Number.isNaN(value)) {
    if (format.nan === undefined) throw new RangeError("NaN has no code in this format");
    return format.nan;
  }
  const negative = value < 0 || Object.is(value, -0);
  if (negative && !format.signed) return value === 0 ? 0 : format.nan!;
  const sign = negative ? 1 << (format.bits - 1) : 0;
  const magnitude = Math.abs(value);
  const code = magnitude === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : nearestCode(format, magnitude);
  if (code > format.maxCode) {
    const past = saturate ? format.maxCode : (format.infinity ?? format.nan ?? format.maxCode);
    return past === format.nan ? past : past | sign;
  }
  return code === 0 && !format.negativeZero ? 0 : code | sign;
}

function nearestCode(format: MiniFloat, magnitude: number): number {
  const least = format.subnormals ? 1 - format.bias : -format.bias;
  const exponent = Math.max(exponentOf(magnitude), least);
  // Exact: the quantum is a power of two. A carry out of the mantissa moves into the exponent by itself.
  const steps = roundToEven(magnitude * 2 ** (format.mantissa - exponent));
  const code = (exponent - least) * 2 ** format.mantissa + steps;
  return format.subnormals ? code : Math.max(code - 2 ** format.mantissa, 0);
}

const scratch = new DataView(new ArrayBuffer(8));

/** floor(log2 x) of a double; −1023 for zero and subnormal doubles, which lie below every format here. */
function exponentOf(x: number): number {
  scratch.setFloat64(0, x);
  return ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
