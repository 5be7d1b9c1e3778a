/** TensorProto.DataType: codes as in onnx.proto. */
import type { DType } from "../../base/dtype.ts";

export type Storage = "raw_data" | "float_data" | "int32_data" | "string_data" | "int64_data" | "double_data" | "uint64_data";

/** The typed field that onnx.proto gives each type as an alternative to raw_data. */
export function typedField(dtype: DType): Storage {
  switch (dtype) {
    case "float32":
    case "complex64":
      return "float_data";
    case "float64":
    case "complex128":
      return "double_data";
    case "int64":
      return "int64_data";
    case "uint32":
    case "uint64":
      return "uint64_data";
    case "string":
      return "string_data";
    default:
      return "int32_data";
  }
}
