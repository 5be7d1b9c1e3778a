/** The messages of an object's header: what a dataset's elements are, how many, and where; attributes. */
import type { DType } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import type { Hdf5Bytes, Part } from "./bytes.ts";
import { type Chunks, readChunks3, readChunks4 } from "./chunks.ts";

export interface ElementType {
  /** Undefined: strings, and what has no counterpart. */
  readonly dtype: DType | undefined;
  readonly bigEndian: boolean;
  /** Fixed: of `size` bytes each; variable: each a reference into a heap. */
  readonly text?: "fixed" | "variable";
  /** Bytes of an element. */
  readonly size: number;
}

export type Layout =
  | { readonly kind: "contiguous"; readonly offset: number; readonly length: number }
  | { readonly kind: "empty" }
  | { readonly kind: "chunked"; readonly chunks: Chunks | undefined };

/** Undefined: a null dataspace, which holds nothing. */
export function readDataspace(p: Part): readonly number[] | undefined {
  const version = p.u8();
  const rank = p.u8();
  p.skip(1);
  const type = p.u8();
  if (version === 1) p.skip(4);
  else if (version !== 2) throw p.fail(`a dataspace of version ${version}`);
  if (version === 2 && type === 2) return undefined;
  return Array.from({ length: rank }, () => p.length());
}

const integers: Readonly<Record<number, DType>> = { 1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64" };
const floats: Readonly<Record<number, DType>> = { 2: "float16", 4: "float32", 8: "float64" };

const [INTEGER, FLOAT, STRING, ENUM, VARIABLE] = [0, 1, 3, 8, 9];

export function readType(p: Part): ElementType {
  const kind = p.u8() & 15;
  const bits = p.u8() | (p.u8() << 8) | (p.u8() << 16);
  const size = p.u32();
  const bigEndian = (bits & 1) === 1;
  const other = { dtype: undefined, bigEndian: false, size };
  switch (kind) {
    case INTEGER: {
      const name = integers[size];
      return { dtype: bits & 8 ? (name?.slice(1) as DType | undefined) : name, bigEndian, size };
    }
    case FLOAT: {
      p.skip(2);
      const precision = p.u16();
      p.skip(1);
      const exponent = p.u8();
      const bfloat = size === 2 && exponent === 8;
      return { dtype: precision !== 8 * size ? undefined : bfloat ? "bfloat16" : floats[size], bigEndian, size };
    }
    case STRING:
      return { ...other, text: "fixed" };
    case ENUM:
      // h5py's booleans: FALSE and TRUE, each a byte.
      return size === 1 ? { dtype: "bool", bigEndian: false, size } : other;
    case VARIABLE:
      return (bits & 15) === 1 ? { ...other, text: "variable" } : other;
    default:
      return other;
  }
}

export function readLayout(p: Part): Layout {
  const version = p.u8();
  if (version === 3 || version === 4) {
    const kind = p.u8();
    if (kind === 0) {
      const length = p.u16();
      return { kind: "contiguous", offset: p.offset + p.at, length };
    }
    if (kind === 1) return contiguous(p.address(), p.length(), p);
    if (kind === 2) return { kind: "chunked", chunks: version === 3 ? readChunks3(p) : readChunks4(p) };
    return { kind: "chunked", chunks: undefined };
  }
  if (version === 5)
    throw modelError("unsupported-version", "a data layout of HDF5 2.0", { offset: p.offset }, "save it with an older libver");
  if (version !== 1 && version !== 2) throw p.fail(`a data layout of version ${version}`);
  const rank = p.u8();
  const kind = p.u8();
  p.skip(5);
  if (kind === 2) return { kind: "chunked", chunks: undefined };
  if (kind === 1) {
    const address = p.address();
    let length = 1;
    for (let i = 0; i < rank; i++) length *= p.u32();
    return contiguous(address, length, p);
  }
  p.skip(4 * rank);
  const length = p.u32();
  return { kind: "contiguous", offset: p.offset + p.at, length };
}

/** Space that was never written has no address. */
const contiguous = (address: number, length: number, p: Part): Layout =>
  Number.isFinite(address) ? { kind: "contiguous", offset: p.inFile(address), length } : { kind: "empty" };

/** Bytes of the element that stands where nothing was written; undefined: zeros. */
export function readFill(p: Part): Uint8Array | undefined {
  const version = p.u8();
  if (version < 1 || version > 3) throw p.fail(`a fill value of version ${version}`);
  const flags = version === 3 ? p.u8() : 0;
  if (version < 3) p.skip(2);
  const defined = version === 3 ? (flags & 0x20) !== 0 : p.u8() !== 0 || version === 1;
  const size = defined ? p.u32() : 0;
  return size > 0 && size < 2 ** 31 ? p.part(size).bytes.slice() : undefined;
}

export interface Link {
  readonly name: string;
  /** Undefined: a link to a name, or into another file. */
  readonly address: number | undefined;
}

export function readLink(p: Part): Link {
  const version = p.u8();
  if (version !== 1) throw p.fail(`a link of version ${version}`);
  const flags = p.u8();
  const type = flags & 8 ? p.u8() : 0;
  if (flags & 4) p.skip(8);
  if (flags & 16) p.skip(1);
  const name = decodeUtf8(p.part(p.uint(1 << (flags & 3))).bytes);
  return { name, address: type === 0 ? p.address() : undefined };
}

/** Where attributes or links are that do not fit the header: a heap, and a tree of places in it. */
export interface Dense {
  readonly heap: number;
  readonly tree: number;
}

/** `indexBytes` of the greatest creation index, where the flags say that there is one. */
export function readDense(p: Part, indexBytes: number): Dense | undefined {
  p.skip(1);
  if (p.u8() & 1) p.skip(indexBytes);
  const [heap, tree] = [p.address(), p.address()];
  return Number.isFinite(heap) && Number.isFinite(tree) ? { heap, tree } : undefined;
}

export interface Attribute {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[] | undefined;
  readonly data: Part;
}

export function readAttribute(p: Part): Attribute {
  const version = p.u8();
  if (version < 1 || version > 3) throw p.fail(`an attribute of version ${version}`);
  p.skip(1);
  const sizes = [p.u16(), p.u16(), p.u16()] as const;
  if (version === 3) p.skip(1);
  const [name, type, space] = sizes.map((size) => p.part(version === 1 ? Math.ceil(size / 8) * 8 : size)) as [Part, Part, Part];
  return {
    name: text(name.bytes.subarray(0, sizes[0])),
    type: readType(type),
    shape: readDataspace(space),
    data: p.part(p.left),
  };
}

/** Up to the first NUL. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A string in a global heap: its length, the heap's address, its place there. */
export async function heapText(p: Part, file: Hdf5Bytes): Promise<string> {
  const length = p.u32();
  const address = p.address();
  const index = p.u32();
  if (length === 0 || index === 0) return "";
  const head = await file.part(address, 8 + file.lengthSize);
  head.expect("GCOL");
  head.skip(4);
  const heap = await file.part(address, head.length());
  heap.skip(8 + file.lengthSize);
  while (heap.left >= 8 + file.lengthSize) {
    const found = heap.u16();
    heap.skip(6);
    const size = heap.length();
    if (found === 0) break;
    if (found === index) return decodeUtf8(heap.part(Math.min(length, size)).bytes);
    heap.skip(Math.min(Math.ceil(size / 8) * 8, heap.left));
  }
  throw head.fail(`a string that its heap does not hold: ${index}`);
}
