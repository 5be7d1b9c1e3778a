/** Messages of HDF5's newer object headers, as bytes: types, shapes, links, attributes. The counterpart of `messages.ts`. */
import { byteLength, type DType } from "../../base/dtype.ts";
import { lookup3 } from "./checksum.ts";

/** Little-endian bytes that grow. */
export class Encoder {
  private bytes = new Uint8Array(256);
  length = 0;

  private room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
    }
    return at;
  }

  uint(value: number, width: number): this {
    const at = this.room(width);
    let rest = value;
    for (let i = 0; i < width; i++) {
      this.bytes[at + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }
  u8(...values: readonly number[]): this {
    for (const value of values) this.uint(value, 1);
    return this;
  }
  u16(value: number): this {
    return this.uint(value, 2);
  }
  u32(value: number): this {
    return this.uint(value, 4);
  }
  u64(value: number): this {
    return this.uint(value, 8);
  }
  /** An address or a length that is not there. */
  none(): this {
    return this.u8(255, 255, 255, 255, 255, 255, 255, 255);
  }
  put(bytes: Uint8Array): this {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }
  /** Zeros up to a length. */
  fill(length: number): this {
    if (length > this.length) this.bytes.fill(0, this.room(length - this.length), length);
    return this;
  }
  ascii(mark: string): this {
    return this.put(encodeUtf8(mark));
  }
  /** The sum of all so far. */
  sum(): this {
    return this.u32(lookup3(this.done()));
  }
  done(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

export const encodeUtf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export type Message = readonly [type: number, data: Uint8Array];

/** What a message's length, of two bytes, can say. */
export const MAX_MESSAGE = 0xffff;

/** Numbers of header messages. */
export const messageType = { dataspace: 1, linkInfo: 2, datatype: 3, fill: 5, link: 6, layout: 8, groupInfo: 10, attribute: 12 };

/** Of a scalar: no shape. */
export function dataspace(shape: readonly number[] | undefined): Uint8Array {
  const e = new Encoder().u8(2, shape?.length ?? 0, 0, shape ? 1 : 0);
  for (const dim of shape ?? []) e.u64(dim);
  return e.done();
}

/** Sign bit; place and bits of the exponent; bits of the mantissa; bias. */
const floats: Partial<Record<DType, readonly [sign: number, exponentBits: number, mantissa: number, bias: number]>> = {
  float16: [15, 5, 10, 15],
  float32: [31, 8, 23, 127],
  float64: [63, 11, 52, 1023],
};

/** Undefined for types that have no plain counterpart: strings, complex numbers, bfloat16. */
export function datatype(dtype: DType): Uint8Array | undefined {
  const size = byteLength(dtype, 1)!;
  const float = floats[dtype];
  if (float) {
    const [sign, exponent, mantissa, bias] = float;
    // Little-endian; the mantissa's first bit is not written.
    const e = new Encoder()
      .u8(0x11, 0x20, sign, 0)
      .u32(size)
      .u16(0)
      .u16(8 * size);
    return e.u8(mantissa, exponent, 0, mantissa).u32(bias).done();
  }
  const signed = /^(u?)int\d+$/.exec(dtype);
  if (!signed) return undefined;
  return new Encoder()
    .u8(0x10, signed[1] === "" ? 8 : 0, 0, 0)
    .u32(size)
    .u16(0)
    .u16(8 * size)
    .done();
}

/** UTF-8 of `width` bytes each, filled up with zeros. */
const fixedText = (width: number): Uint8Array => new Encoder().u8(0x13, 0x11, 0, 0).u32(width).done();

/** UTF-8 in a heap; each element says its length and place. */
const variableText = (): Uint8Array => new Encoder().u8(0x19, 0x11, 1, 0).u32(16).u8(0x10, 0, 0, 0).u32(1).u16(0).u16(8).done();

/** `data`: the elements' bytes. */
function attribute(name: string, type: Uint8Array, space: Uint8Array, data: Uint8Array): Uint8Array {
  const label = encodeUtf8(`${name}\0`);
  const e = new Encoder().u8(3, 0).u16(label.length).u16(type.length).u16(space.length).u8(1);
  return e.put(label).put(type).put(space).put(data).done();
}

/** One string, which is object `index` of the heap at `heap`. */
export const textAttribute = (name: string, length: number, heap: number, index: number): Uint8Array =>
  attribute(name, variableText(), dataspace(undefined), new Encoder().u32(length).u64(heap).u32(index).done());

/** Strings of one width, that of the longest. */
export function listAttribute(name: string, list: readonly Uint8Array[]): Uint8Array {
  const width = widthOf(list);
  const data = new Encoder();
  for (const [i, each] of list.entries()) data.put(each).fill((i + 1) * width);
  return attribute(name, fixedText(width), dataspace([list.length]), data.done());
}

/** Bytes of each element: a string of none has no type. */
export const widthOf = (list: readonly Uint8Array[]): number => list.reduce((width, { length }) => Math.max(width, length), 1);

export function link(name: string, address: number): Uint8Array {
  const bytes = encodeUtf8(name);
  // Two bytes of length; the name is UTF-8.
  return new Encoder().u8(1, 0x11, 1).u16(bytes.length).put(bytes).u64(address).done();
}

/** Links stand in the header itself: no heap, no tree. */
export const linkInfo = (): Uint8Array => new Encoder().u8(0, 0).none().none().done();
export const groupInfo = (): Uint8Array => new Encoder().u8(0, 0).done();

/** Written late and only where set; none is set. */
export const noFill = (): Uint8Array => new Encoder().u8(3, 0x0a).done();

/** In one piece; of nothing there is no place. */
export const contiguous = (address: number, length: number): Uint8Array => {
  const e = new Encoder().u8(3, 1);
  return (length === 0 ? e.none() : e.u64(address)).u64(length).done();
};

/** A header of version 2. */
export function objectHeader(messages: readonly Message[]): Uint8Array {
  const body = messages.reduce((sum, [, data]) => sum + 4 + data.length, 0);
  const e = new Encoder().ascii("OHDR").u8(2, 2).u32(body);
  for (const [type, data] of messages) {
    if (data.length > MAX_MESSAGE) throw new Error(`a header message of ${data.length} bytes`);
    e.u8(type).u16(data.length).u8(0).put(data);
  }
  return e.sum().done();
}
