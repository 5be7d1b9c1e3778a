/** The border of ONNX: which hub types cross it as they are. */
import type { DType } from "../base/dtype.ts";
import { isComplex } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";

const mapped: Partial<Record<DType, DType>> = {
  // onnxruntime computes nothing with these on the CPU; their values are exact in the wider types.
  bfloat16: "float32",
  float8e4m3fn: "float32",
  float8e4m3fnuz: "float32",
  float8e5m2: "float32",
  float8e5m2fnuz: "float32",
  float8e8m0: "float32",
  float4e2m1: "float32",
  int4: "int8",
  int2: "int8",
  uint4: "uint8",
  uint2: "uint8",
};

/** Types of less than 8 bits and the floats of 8, which are held in wider ones: what is computed there is not rounded to them by itself. */
export const isTiny = (dtype: DType): boolean => /^(u?int[24]$|float[48]e)/.test(dtype);

/** The type a hub value has in ONNX; a `ModelError` where there is none. */
export function onnxType(dtype: DType): DType {
  if (isComplex(dtype)) throw modelError("unsupported-type", `ONNX's operators take no ${dtype}`);
  return mapped[dtype] ?? dtype;
}
