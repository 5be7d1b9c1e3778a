/** Bob Jenkins's lookup3, with which HDF5's newer structures are summed. */

const rotated = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** Of all the bytes, with the starting value that HDF5 uses. */
export function lookup3(bytes: Uint8Array): number {
  let [a, b, c] = new Array<number>(3).fill((0xdeadbeef + bytes.length) | 0) as [number, number, number];
  const word = (at: number, left: number): number => {
    let value = 0;
    for (let i = 0; i < Math.min(left, 4); i++) value |= bytes[at + i]! << (8 * i);
    return value;
  };
  let at = 0;
  let left = bytes.length;
  for (; left > 12; at += 12, left -= 12) {
    a = (a + word(at, 4)) | 0;
    b = (b + word(at + 4, 4)) | 0;
    c = (c + word(at + 8, 4)) | 0;
    a = ((a - c) ^ rotated(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotated(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotated(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotated(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotated(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotated(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (left === 0) return c >>> 0;
  a = (a + word(at, left)) | 0;
  if (left > 4) b = (b + word(at + 4, left - 4)) | 0;
  if (left > 8) c = (c + word(at + 8, left - 8)) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return c >>> 0;
}

/** Fletcher's sum of 16-bit big-endian words, as HDF5's filter appends it. */
export function fletcher32(bytes: Uint8Array): number {
  let [low, high] = [0, 0];
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) {
    low = (low + ((bytes[i]! << 8) | bytes[i + 1]!)) % 65535;
    high = (high + low) % 65535;
  }
  if (even < bytes.length) {
    low = (low + (bytes[even]! << 8)) % 65535;
    high = (high + low) % 65535;
  }
  return ((high << 16) | low) >>> 0;
}

/** What zlib writes behind packed bytes. */
export function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; ) {
    // As many as leave the sums below 2³².
    const end = Math.min(at + 3800, bytes.length);
    for (; at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}
