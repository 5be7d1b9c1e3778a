/** MurmurHash3 of 32 bits, over each element's bytes. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

function murmur(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const turned = (x: number, by: number) => (x << by) | (x >>> (32 - by));
  const mixed = (word: number) => Math.imul(turned(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  const whole = bytes.length & ~3;
  let hash = seed;
  for (let at = 0; at < whole; at += 4)
    hash = (Math.imul(turned(hash ^ mixed(view.getUint32(at, true)), 13), 5) + 0xe6546b64) | 0;
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  if (whole < bytes.length) hash ^= mixed(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Attributes seed, wide (integers of 8 bytes), unsigned, modulus: what is left of the hash without a sign, 0 for the hash itself. */
function murmurHash(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const modulus = attrs["modulus"] as number;
  const bytesOf = (value: number | string): Uint8Array => {
    if (typeof value === "string") return new TextEncoder().encode(value);
    const view = new DataView(new ArrayBuffer(attrs["wide"] === true ? 8 : 4));
    if (x!.dtype === "float32") view.setFloat32(0, value, true);
    else view.setInt32(0, value, true);
    if (attrs["wide"] === true) view.setInt32(4, value < 0 && attrs["unsigned"] !== true ? -1 : 0, true);
    return new Uint8Array(view.buffer);
  };
  const values = x!.dataSync() as unknown as ArrayLike<number | string>;
  const hashes = Int32Array.from({ length: values.length }, (_, i) => {
    const hash = murmur(bytesOf(values[i]!), attrs["seed"] as number);
    return modulus > 0 ? (hash >>> 0) % modulus : hash;
  });
  return tf.tensor(hashes, x!.shape, "int32");
}

export const hashOps: Readonly<Record<string, CustomOp>> = { MurmurHash3: { run: murmurHash, uses: [murmur] } };
