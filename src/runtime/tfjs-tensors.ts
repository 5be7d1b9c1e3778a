/** Tensors to and from TF.js's five types; runs where TF.js does. */
import * as core from "@tensorflow/tfjs-core";
import type { DType } from "../base/dtype.ts";
import type { Elements, Tensor } from "../graph/tensor.ts";

/** `tensor` has one of TF.js's own dtypes: `carry` (tfjs.ts) has seen to it. */
export function toTfjs({ dtype, shape, data }: Tensor): core.Tensor {
  if (dtype !== "complex64") return core.tensor(data as core.TypedArray | string[], [...shape], dtype as core.DataType);
  const parts = data as Float32Array;
  const part = (offset: number) =>
    core.tensor(
      parts.filter((_, i) => i % 2 === offset),
      [...shape],
      "float32",
    );
  return core.tidy(() => core.complex(part(0), part(1)));
}

/** A copy of the elements in the dtype's own array: a kernel may leave a bool in floats or hand out its buffer. */
export async function fromTfjs(tensor: core.Tensor): Promise<Tensor> {
  return { dtype: tensor.dtype as DType, shape: tensor.shape, data: elements(tensor.dtype, await tensor.data()) };
}

function elements(dtype: core.DataType, data: core.TypedArray | string[]): Elements {
  switch (dtype) {
    case "string":
      return [...(data as string[])];
    case "int32":
      return Int32Array.from(data as core.TypedArray);
    case "bool":
      return Uint8Array.from(data as core.TypedArray);
    default:
      return Float32Array.from(data as core.TypedArray);
  }
}
