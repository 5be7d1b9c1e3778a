/** Tensors to bytes: little-endian, packed, row-major. Every platform that runs JavaScript engines of ours is little-endian. */
import type { DType } from "../base/dtype.ts";
import { isFloat } from "../base/dtype.ts";
import { encodeBfloat16, encodeHalf } from "../base/half.ts";
import { encodeMiniFloat, isMiniFloat, miniFloats } from "../base/minifloat.ts";
import type { Elements, Tensor } from "./tensor.ts";

/**
 * The elements as stored bytes. Two and four-bit types are packed lowest bits first, the last byte padded with zeroes.
 * `dtype` may name another float type (rounded to nearest even); any other change of type is a job for a Cast, which checks ranges.
 * Strings have no packed form: an Error.
 */
export function packTensor(tensor: Tensor, dtype: DType = tensor.dtype): Uint8Array {
  const { data } = tensor;
  if (Array.isArray(data)) throw new Error("strings have no packed form");
  if (dtype !== tensor.dtype && !(isFloat(dtype) && isFloat(tensor.dtype))) {
    throw new Error(`packTensor changes only float types, not ${tensor.dtype} to ${dtype}`);
  }
  if (dtype === "float32") return bytesOf(data instanceof Float32Array ? data : Float32Array.from(data as Float64Array));
  if (dtype === "float64") return bytesOf(data instanceof Float64Array ? data : Float64Array.from(data as Float32Array));
  if (data instanceof Float32Array && dtype === "float16") return bytesOf(encodeHalf(data));
  if (data instanceof Float32Array && dtype === "bfloat16") return bytesOf(encodeBfloat16(data));
  if (isMiniFloat(dtype)) return packMiniFloats(data as Float32Array | Float64Array, dtype);
  if (dtype === "int4" || dtype === "uint4") return packBits(data as Int8Array | Uint8Array, 4);
  if (dtype === "int2" || dtype === "uint2") return packBits(data as Int8Array | Uint8Array, 2);
  return bytesOf(data);
}

/** The bytes behind a typed array, shared and not copied. */
export function bytesOf(data: Exclude<Elements, string[]>): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

function packMiniFloats(values: Float32Array | Float64Array, dtype: keyof typeof miniFloats): Uint8Array {
  const format = miniFloats[dtype];
  const codes = new (format.bits === 16 ? Uint16Array : Uint8Array)(values.length);
  for (let i = 0; i < values.length; i++) codes[i] = encodeMiniFloat(format, values[i]!);
  return format.bits === 4 ? packBits(codes as Uint8Array, 4) : bytesOf(codes);
}

function packBits(values: Int8Array | Uint8Array, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const out = new Uint8Array(Math.ceil(values.length / perByte));
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / perByte);
    out[at] = out[at]! | ((values[i]! & mask) << ((i % perByte) * bits));
  }
  return out;
}
