/** float16 and bfloat16 in bulk: weights come by the hundred million, so these are bit tricks; minifloat.ts is the definition. */
import { decodeMiniFloat, miniFloats } from "./minifloat.ts";

let halves: Float32Array | undefined;

/** Value of each of the 65 536 codes; 256 KiB, made at first use. */
function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 0x10000 }, (_, code) => decodeMiniFloat(miniFloats.float16, code));
  return halves;
}

export function decodeHalf(codes: Uint16Array): Float32Array {
  const table = halfTable();
  const out = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) out[i] = table[codes[i]!]!;
  return out;
}

export function decodeBfloat16(codes: Uint16Array): Float32Array {
  const bits = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) bits[i] = codes[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Nearest, ties to even; past 65 504 infinity. */
export function encodeHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfOfBits(bits[i]!);
  return out;
}

function halfOfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) {
    // Normal: rebias, then add just under half a unit, plus one where the kept part is odd. 65 520 and up carries into infinity.
    const code = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    return sign | Math.min(code, 0x7c00);
  }
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** Whether float16 holds every element just as it is; the first that it does not ends the search. */
export function areHalves(values: Float32Array): boolean {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bits.every(isHalf);
}

function isHalf(bits: number): boolean {
  const magnitude = bits & 0x7fffffff;
  if (magnitude === 0) return true;
  const exponent = magnitude >>> 23;
  // Below 2^-24, or past the greatest exponent.
  if (exponent < 103 || exponent > 142) return false;
  const lost = Math.max(13, 126 - exponent);
  return (magnitude & ((1 << lost) - 1)) === 0;
}

/** Nearest, ties to even; past the greatest value infinity. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    out[i] = (b & 0x7fffffff) > 0x7f800000 ? ((b >>> 16) & 0x8000) | 0x7fc0 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}
