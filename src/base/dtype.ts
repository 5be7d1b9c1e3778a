/** Element types of every dialect. Names are NumPy's and TensorFlow's. */

export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string"
  | "complex64"
  | "complex128"
  | "int4"
  | "uint4"
  | "int2"
  | "uint2"
  | "float8e4m3fn"
  | "float8e4m3fnuz"
  | "float8e5m2"
  | "float8e5m2fnuz"
  | "float8e8m0"
  | "float4e2m1";

/** Bits an element takes in packed storage; undefined for strings. */
export const bitsOf: Readonly<Record<DType, number | undefined>> = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 8,
  string: undefined,
  complex64: 64,
  complex128: 128,
  int4: 4,
  uint4: 4,
  int2: 2,
  uint2: 2,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  float4e2m1: 4,
};

/** Bytes `count` packed elements take; undefined for strings. */
export function byteLength(dtype: DType, count: number): number | undefined {
  const bits = bitsOf[dtype];
  return bits === undefined ? undefined : Math.ceil((bits * count) / 8);
}

export const isFloat = (dtype: DType): boolean => dtype.startsWith("float") || dtype === "bfloat16";
export const isComplex = (dtype: DType): boolean => dtype.startsWith("complex");
export const isUnsigned = (dtype: DType): boolean => dtype.startsWith("uint");
/** Signed or unsigned integers; bool is not one. */
export const isInteger = (dtype: DType): boolean => dtype.startsWith("int") || isUnsigned(dtype);

/** Least and greatest value of an integer type, as BigInt because of the 64-bit ones. */
export function integerRange(dtype: DType): readonly [bigint, bigint] {
  const bits = BigInt(bitsOf[dtype] ?? 0);
  if (!isInteger(dtype)) throw new Error(`${dtype} is no integer type`);
  return isUnsigned(dtype) ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}
