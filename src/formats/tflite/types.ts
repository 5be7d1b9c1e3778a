/** TensorType words → element types. RESOURCE and VARIANT are no tensors. */
import type { DType } from "../../base/dtype.ts";

const dtypes: Readonly<Record<string, DType>> = {
  FLOAT32: "float32",
  FLOAT16: "float16",
  INT32: "int32",
  UINT8: "uint8",
  INT64: "int64",
  STRING: "string",
  BOOL: "bool",
  INT16: "int16",
  COMPLEX64: "complex64",
  INT8: "int8",
  FLOAT64: "float64",
  COMPLEX128: "complex128",
  UINT64: "uint64",
  UINT32: "uint32",
  UINT16: "uint16",
  INT4: "int4",
  BFLOAT16: "bfloat16",
  INT2: "int2",
};

export const dtypeOf = (word: string): DType | undefined => (Object.hasOwn(dtypes, word) ? dtypes[word] : undefined);
