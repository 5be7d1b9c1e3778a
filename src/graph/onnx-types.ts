/** TensorProto.DataType: codes as in onnx.proto. Reader, writer and rules (`Cast.to`) share them. */
import type { DType } from "../base/dtype.ts";

export const dtypeCodes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const satisfies Record<DType, number>;

const byCode = new Map<number, DType>(Object.entries(dtypeCodes).map(([name, code]) => [code, name as DType]));

/** Undefined for 0 (UNDEFINED) and for codes of a newer ONNX. */
export const dtypeOfCode = (code: number): DType | undefined => byCode.get(code);
