/** A source's tensor in the five types of TF.js: the border of DESIGN §5, for what is fed rather than stored. */
import type { DType } from "../base/dtype.ts";
import { isFloat, isInteger } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";

/** The TF.js type that holds values of `dtype`; undefined where none does. */
export function carriedAs(dtype: DType): DType | undefined {
  if (isInteger(dtype)) return "int32";
  if (isFloat(dtype)) return "float32";
  return dtype === "bool" || dtype === "string" || dtype === "complex64" ? dtype : undefined;
}

/** The type that values of less than 8 bits have in a written ONNX model, since onnxruntime computes with none of them. */
export function carriedInOnnx(dtype: DType): DType | undefined {
  if (dtype === "int4" || dtype === "int2") return "int8";
  return dtype === "uint4" || dtype === "uint2" ? "uint8" : undefined;
}

/** The same values as TF.js takes them. `ModelError` where one does not fit 32 bits or the type has no counterpart. */
export function carry(tensor: Tensor, name: string): Tensor {
  const dtype = carriedAs(tensor.dtype);
  if (dtype === undefined) throw modelError("unsupported-dtype", `TF.js carries no ${tensor.dtype}`, { tensor: name });
  const { shape, data } = tensor;
  if (dtype === "int32" && !(data instanceof Int32Array))
    return { dtype, shape, data: toInt32(data as ArrayLike<number | bigint>, name) };
  if (dtype === "float32" && data instanceof Float64Array) return { dtype, shape, data: toFloat32(data, name) };
  return { dtype, shape, data };
}

function toInt32(data: ArrayLike<number | bigint>, name: string): Int32Array {
  const out = new Int32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Number(data[i]);
    if (out[i] !== Number(data[i]))
      throw modelError("int64-overflow", `a value does not fit int32: ${data[i]}`, { tensor: name });
  }
  return out;
}

/** Rounds; a finite value that only an infinity could stand for is refused. */
function toFloat32(data: Float64Array, name: string): Float32Array {
  const out = Float32Array.from(data);
  const lost = out.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(data[i]));
  if (lost >= 0) throw modelError("float64-overflow", `a value does not fit float32: ${data[lost]}`, { tensor: name });
  return out;
}
