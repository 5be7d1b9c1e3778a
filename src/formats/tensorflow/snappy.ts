/** Snappy's raw format: a length, then literals and copies of what was written before. */
import { modelError } from "../../base/problem.ts";
import { readVarint } from "../../base/varint.ts";

/** The unpacked bytes; `base` is the file offset of `bytes[0]`. A `ModelError` where they are damaged or unpack to more than `limit`. */
export function unpackSnappy(bytes: Uint8Array, limit: number, base: number): Uint8Array {
  const cursor = { at: 0, lo: 0, hi: 0 };
  readVarint(bytes, bytes.length, cursor, base);
  if (cursor.hi > 0 || cursor.lo > limit) throw modelError("too-large", `a block of more than ${limit} bytes`, { offset: base });
  const out = new Uint8Array(cursor.lo);
  let at = cursor.at;
  let used = 0;
  const damaged = () => modelError("malformed", "a compressed block that is damaged", { offset: base + at });
  const little = (count: number) => {
    if (at + count > bytes.length) throw damaged();
    let value = 0;
    for (let i = 0; i < count; i++) value += bytes[at + i]! * 2 ** (8 * i);
    at += count;
    return value;
  };
  while (at < bytes.length) {
    const tag = little(1);
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = (short < 60 ? short : little(short - 59)) + 1;
      if (at + length > bytes.length || used + length > out.length) throw damaged();
      out.set(bytes.subarray(at, at + length), used);
      at += length;
      used += length;
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = kind === 1 ? ((tag >> 5) << 8) + little(1) : little(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > used || used + length > out.length) throw damaged();
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < length; i++) out[used + i] = out[used - offset + i]!;
    used += length;
  }
  if (used !== out.length) throw damaged();
  return out;
}
