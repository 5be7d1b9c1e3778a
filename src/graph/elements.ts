/** Stored bytes → elements, for every encoding that a reader may name. Synchronous: decode.ts does the reading. */
import { bitsOf, byteLength, type DType } from "../base/dtype.ts";
import { decodeBfloat16, decodeHalf } from "../base/half.ts";
import { decodeMiniFloat, isMiniFloat, type MiniFloatName, miniFloats } from "../base/minifloat.ts";
import { modelError } from "../base/problem.ts";
import { decodeUtf8 } from "../base/utf8.ts";
import { readVarint } from "../base/varint.ts";
import type { Encoding } from "./source.ts";
import { allocate, type Elements, elementCount, MAX_DENSE, type Tensor } from "./tensor.ts";

/**
 * The tensor that `bytes` (the slices of one stored tensor, end to end) hold. Decoded without a copy where bytes are aligned, so the caller
 * must own them. A `ModelError` where there are more or fewer elements than the shape says.
 *
 * - `raw`: little-endian packed elements, sub-byte types lowest bits first; `big-endian`: the same, reversed;
 * - `varint`: packed protobuf varints; halves and smaller floats are their bits, sub-byte types a byte each `8 / bits` elements;
 * - `raw-tagged`, `varint-tagged`: protobuf fields with their keys, one element or a packed run each;
 * - `utf8-repeated`: protobuf fields with their keys, a string each;
 * - any of them with `-last`: fewer elements than the shape takes, the last one stands for the rest; `-splat`: one or none, for all.
 */
export function decodeElements(dtype: DType, shape: readonly number[], encoding: Encoding, bytes: Uint8Array): Tensor {
  return { dtype, shape, data: elementsOf(dtype, elementCount(shape), encoding, bytes) };
}

function elementsOf(dtype: DType, count: number, encoding: Encoding, bytes: Uint8Array): Elements {
  const short = /^(.*)-(last|splat)$/.exec(encoding);
  if (short) return extended(dtype, count, short[1]!, bytes);
  if (count === 0 && bytes.length === 0) return dtype === "string" ? [] : fromRaw(dtype, 0, bytes);
  switch (encoding) {
    case "raw":
      return fromRaw(dtype, count, checked(dtype, count, bytes));
    case "raw-tagged":
      return fromRaw(dtype, count, checked(dtype, count, withoutKeys(bytes)));
    case "big-endian":
      return fromRaw(dtype, count, reversed(dtype, checked(dtype, count, bytes)));
    case "varint":
      return fromVarints(dtype, count, bytes);
    case "varint-tagged":
      return fromVarints(dtype, count, withoutKeys(bytes));
    case "utf8-repeated":
      return strings(count, bytes);
    case "tfjs-strings":
      return prefixedStrings(count, bytes);
    case "tflite-strings":
      return indexedStrings(count, bytes);
    default:
      throw new Error(`no decoder for encoding ${encoding}`);
  }
}

/** Where there is none at all, the rest are zeroes. */
function extended(dtype: DType, count: number, encoding: Encoding, bytes: Uint8Array): Elements {
  const given = storedCount(dtype, encoding, bytes);
  if (given > count) throw modelError("tensor-length", `${given} elements where the shape takes ${count}`);
  if (count > MAX_DENSE) throw modelError("too-large", `a value repeated to ${count} elements`);
  const some = elementsOf(dtype, given, encoding, bytes);
  const all = allocate(dtype, count) as Float32Array;
  const width = dtype.startsWith("complex") ? 2 : 1;
  all.set?.(some as Float32Array);
  if (Array.isArray(all))
    some.forEach((text, i) => {
      all[i] = text;
    });
  if (given > 0) for (let i = given * width; i < all.length; i++) all[i] = all[i - width]!;
  return all;
}

/** How many elements there are, without decoding them. */
function storedCount(dtype: DType, encoding: Encoding, bytes: Uint8Array): number {
  if (encoding === "utf8-repeated") return [...payloads(bytes)].length;
  const plain = encoding.endsWith("-tagged") ? withoutKeys(bytes) : bytes;
  if (encoding.startsWith("varint")) return plain.reduce((count, byte) => count + (byte < 0x80 ? 1 : 0), 0);
  return Math.floor((plain.length * 8) / (bitsOf[dtype] ?? 8));
}

function checked(dtype: DType, count: number, bytes: Uint8Array): Uint8Array {
  const expected = byteLength(dtype, count);
  if (expected === bytes.length) return bytes;
  throw modelError("tensor-length", `${bytes.length} bytes where ${count} elements of ${dtype} take ${expected ?? "none"}`);
}

/** Elements of little-endian packed bytes, whose length must be right. */
export function fromRaw(dtype: DType, count: number, bytes: Uint8Array): Elements {
  switch (dtype) {
    case "float32":
    case "complex64":
      return new Float32Array(...aligned(bytes, 4));
    case "float64":
    case "complex128":
      return new Float64Array(...aligned(bytes, 8));
    case "int8":
      return new Int8Array(...aligned(bytes, 1));
    case "int16":
      return new Int16Array(...aligned(bytes, 2));
    case "int32":
      return new Int32Array(...aligned(bytes, 4));
    case "int64":
      return new BigInt64Array(...aligned(bytes, 8));
    case "uint8":
      return bytes;
    case "uint16":
      return new Uint16Array(...aligned(bytes, 2));
    case "uint32":
      return new Uint32Array(...aligned(bytes, 4));
    case "uint64":
      return new BigUint64Array(...aligned(bytes, 8));
    case "bool":
      return bytes.some((b) => b > 1) ? bytes.map((b) => (b ? 1 : 0)) : bytes;
    case "float16":
      return decodeHalf(new Uint16Array(...aligned(bytes, 2)));
    case "bfloat16":
      return decodeBfloat16(new Uint16Array(...aligned(bytes, 2)));
    case "int4":
      return Int8Array.from(unpackBits(bytes, count, 4), (x) => (x << 28) >> 28);
    case "int2":
      return Int8Array.from(unpackBits(bytes, count, 2), (x) => (x << 30) >> 30);
    case "uint4":
      return unpackBits(bytes, count, 4);
    case "uint2":
      return unpackBits(bytes, count, 2);
    case "float4e2m1":
      return smallFloats(dtype, unpackBits(bytes, count, 4));
    case "string":
      throw new Error("strings have no packed form");
    default:
      return smallFloats(dtype, bytes);
  }
}

/** Buffer, offset and length for a typed array; copied only where the offset does not fit. */
function aligned(bytes: Uint8Array, size: number): [ArrayBuffer, number, number] {
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return [buffer as ArrayBuffer, byteOffset, bytes.length / size];
}

function unpackBits(bytes: Uint8Array, count: number, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = (bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask;
  return out;
}

function smallFloats(dtype: DType, codes: Uint8Array): Float32Array {
  if (!isMiniFloat(dtype)) throw new Error(`no decoder for ${dtype}`);
  const table = tableOf(dtype);
  const out = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) out[i] = table[codes[i]!]!;
  return out;
}

const tables = new Map<MiniFloatName, Float32Array>();

function tableOf(dtype: MiniFloatName): Float32Array {
  let table = tables.get(dtype);
  if (!table) {
    const format = miniFloats[dtype];
    table = Float32Array.from({ length: 2 ** format.bits }, (_, code) => decodeMiniFloat(format, code));
    tables.set(dtype, table);
  }
  return table;
}

/** Complex numbers are pairs: each half is reversed on its own. */
function reversed(dtype: DType, bytes: Uint8Array): Uint8Array {
  const size = (bitsOf[dtype] ?? 8) / 8 / (dtype.startsWith("complex") ? 2 : 1);
  if (size <= 1) return bytes;
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += size) for (let i = 0; i < size; i++) out[at + i] = bytes[at + size - 1 - i]!;
  return out;
}

/** Varints into little-endian packed bytes, low bits kept as every runtime does, then as raw. */
function fromVarints(dtype: DType, count: number, bytes: Uint8Array): Elements {
  const bits = bitsOf[dtype] ?? 0;
  const codes = bits < 8 ? Math.ceil((count * bits) / 8) : count;
  // A varint takes a byte at least: checked before anything is allocated by the file's word.
  if (codes > bytes.length) throw modelError("tensor-length", `${bytes.length} bytes of varints where ${codes} are wanted`);
  const out = new Uint8Array(byteLength(dtype, count) ?? 0);
  const words = bits === 64 || bits === 32 ? new Uint32Array(out.buffer) : undefined;
  const cursor = { at: 0, lo: 0, hi: 0 };
  for (let i = 0; i < codes; i++) {
    readVarint(bytes, bytes.length, cursor, 0);
    if (words && bits === 64) {
      words[2 * i] = cursor.lo;
      words[2 * i + 1] = cursor.hi;
    } else if (words) words[i] = cursor.lo;
    else if (bits === 16) {
      out[2 * i] = cursor.lo;
      out[2 * i + 1] = cursor.lo >> 8;
    } else out[i] = dtype === "bool" ? Number(cursor.lo !== 0 || cursor.hi !== 0) : cursor.lo;
  }
  if (cursor.at !== bytes.length) throw modelError("tensor-length", `more than the ${codes} varints that the shape takes`);
  return fromRaw(dtype, count, out);
}

/** Each behind its length, four bytes. */
function prefixedStrings(count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const out: string[] = [];
  while (at + 4 <= bytes.length && out.length < count) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) break;
    out.push(decodeUtf8(bytes.subarray(at + 4, end)));
    at = end;
  }
  if (out.length !== count) throw modelError("tensor-length", `${out.length} strings where ${count} are wanted`);
  return out;
}

function indexedStrings(count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = 4 * (count + 2);
  if (bytes.length < header || view.getInt32(0, true) !== count)
    throw modelError("tensor-length", `${bytes.length} bytes that do not hold ${count} strings`);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [view.getInt32(4 * (i + 1), true), view.getInt32(4 * (i + 2), true)];
    if (from < header || to < from || to > bytes.length)
      throw modelError("tensor-length", `string ${i} at bytes ${from} to ${to} of ${bytes.length}`);
    return decodeUtf8(bytes.subarray(from, to));
  });
}

/** The payloads of protobuf fields, end to end. */
function withoutKeys(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let used = 0;
  for (const { start, end } of payloads(bytes)) {
    out.set(bytes.subarray(start, end), used);
    used += end - start;
  }
  return out.slice(0, used);
}

function strings(count: number, bytes: Uint8Array): string[] {
  const out: string[] = [];
  for (const { start, end } of payloads(bytes)) out.push(decodeUtf8(bytes.subarray(start, end)));
  if (out.length !== count) throw modelError("tensor-length", `${out.length} strings where ${count} are wanted`);
  return out;
}

function* payloads(bytes: Uint8Array): Generator<{ start: number; end: number }> {
  const cursor = { at: 0, lo: 0, hi: 0 };
  while (cursor.at < bytes.length) {
    readVarint(bytes, bytes.length, cursor, 0);
    const wire = cursor.lo & 7;
    let start = cursor.at;
    if (wire === 0 || wire === 2) readVarint(bytes, bytes.length, cursor, 0);
    let end = cursor.at;
    if (wire === 2) {
      start = cursor.at;
      end = start + cursor.lo + cursor.hi * 2 ** 32;
    } else if (wire !== 0) end += wire === 1 ? 8 : 4;
    if (end > bytes.length) throw modelError("truncated", "an element runs past the end of its tensor");
    cursor.at = end;
    yield { start, end };
  }
}
