/** Tensors and bytes as base64, for the way between the runner and the page. */
import type { DType } from "../../../src/base/dtype.ts";
import { bytesOf } from "../../../src/graph/pack.ts";
import { allocate, type Elements, elementCount, type Tensor } from "../../../src/graph/tensor.ts";

export interface TextTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: string | readonly string[];
}

const step = 0x8000;

export function textOfBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += step) text += String.fromCharCode(...bytes.subarray(at, at + step));
  return btoa(text);
}

export const bytesOfText = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

export function packed({ dtype, shape, data }: Tensor): TextTensor {
  return { dtype, shape, data: Array.isArray(data) ? data : textOfBytes(bytesOf(data)) };
}

export function unpacked({ dtype, shape, data }: TextTensor): Tensor {
  if (typeof data !== "string") return { dtype, shape, data: [...data] };
  const elements = allocate(dtype, elementCount(shape)) as Exclude<Elements, string[]>;
  new Uint8Array(elements.buffer).set(bytesOfText(data));
  return { dtype, shape, data: elements };
}
