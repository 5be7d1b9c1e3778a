/** Protobuf's variable-length integers, as two 32-bit halves: BigInt costs an allocation a field. */
import { modelError } from "./problem.ts";

/** Where to read, and after reading where the varint ended and its 64 bits. */
export interface Cursor {
  at: number;
  lo: number;
  hi: number;
}

/**
 * Reads a varint of `bytes` at `cursor.at`, which must end before `limit`. `base` is the file offset of `bytes[0]`, for messages.
 * Bits past the 64th are dropped, as protobuf does; an eleventh byte is an error.
 */
export function readVarint(bytes: Uint8Array, limit: number, cursor: Cursor, base: number): void {
  let at = cursor.at;
  let lo = 0;
  let hi = 0;
  for (let shift = 0; ; shift += 7) {
    if (at >= limit) throw modelError("truncated", "a number runs past the end", { offset: base + at });
    if (shift === 70) throw modelError("malformed", "a number of more than ten bytes", { offset: base + cursor.at });
    const byte = bytes[at++]!;
    const low = byte & 0x7f;
    if (shift < 28) lo |= low << shift;
    else if (shift === 28) {
      lo |= low << 28;
      hi = low >> 4;
    } else if (shift < 63 + 7) hi |= shift === 63 ? (low & 1) << 31 : low << (shift - 32);
    if (byte < 0x80) break;
  }
  cursor.at = at;
  cursor.lo = lo >>> 0;
  cursor.hi = hi >>> 0;
}

/** The 64 bits as a signed number, or in decimal past 2^53. */
export function signed64(lo: number, hi: number): number | string {
  const value = (hi | 0) * 2 ** 32 + lo;
  return Number.isSafeInteger(value) ? value : String(BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo)));
}
