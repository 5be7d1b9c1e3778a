/** Writes protobuf wire format; enough for the fixtures, and able to write what a well-behaved writer would not. */

export type Field = readonly Uint8Array[];

const utf8 = new TextEncoder();
const mask64 = (1n << 64n) - 1n;

export function varint(value: number | bigint): Uint8Array {
  // Lengths and keys, of which a large model has a million.
  if (typeof value === "number" && value >= 0 && value < 128) return Uint8Array.of(value);
  let rest = BigInt(value) & mask64;
  const out: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(out);
}

const key = (field: number, wire: number) => varint(field * 8 + wire);

export const int = (field: number, value: number | bigint): Field => [key(field, 0), varint(value)];
export const float = (field: number, value: number): Field => [key(field, 5), new Uint8Array(Float32Array.of(value).buffer)];
export const double = (field: number, value: number): Field => [key(field, 1), new Uint8Array(Float64Array.of(value).buffer)];
export const bytes = (field: number, value: Uint8Array): Field => [key(field, 2), varint(value.length), value];
export const text = (field: number, value: string): Field => bytes(field, utf8.encode(value));
export const message = (field: number, fields: readonly Field[]): Field => bytes(field, join(fields));
export const packed = (field: number, values: readonly Uint8Array[]): Field => bytes(field, concat(values));

/** The fields of `values` that are there. */
export function optional<T>(value: T | undefined, write: (value: T) => Field): Field[] {
  return value === undefined ? [] : [write(value)];
}

export const join = (fields: readonly Field[]): Uint8Array => concat(fields.flat());

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
