/** Archives as ML.NET saves them, made in code: headers and names, no trained numbers. */
import { zipSync } from "fflate";

const ascii = (text: string, width = text.length): Uint8Array => {
  const out = new Uint8Array(width);
  new TextEncoder().encodeInto(text, out);
  return out;
};

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const uint64s = (...values: number[]): Uint8Array => new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
const uint32s = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** A header of 256 bytes, the table of strings, the characters. */
export function modelKey(loader: string, strings: readonly string[] = []): Uint8Array {
  const chars = strings.map((text) => new Uint8Array(Uint16Array.from(text, (_, i) => text.charCodeAt(i)).buffer));
  let end = 0;
  const ends = chars.map(({ length }) => {
    end += length;
    return end;
  });
  const table = 8 * strings.length;
  const head = join([
    ascii("ML\0MODEL"),
    uint32s(0x10002, 0x10002),
    uint64s(256, 0, 256, table, 256 + table, end),
    ascii("SOMETHIN"),
    uint32s(0x10001, 0x10001),
    ascii(loader, 24),
  ]);
  return join([head, new Uint8Array(256 - head.length), uint64s(...ends), ...chars]);
}

const named = (text: string): Uint8Array => join([Uint8Array.of(text.length), ascii(text)]);
const counted = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = join(parts);
  return join([Uint8Array.of(all.length), all]);
};

/** Codecs of the columns' types. */
export const single = (type: string): Uint8Array => join([named(type), Uint8Array.of(0)]);
export const vector = (item: string, ...dims: number[]): Uint8Array =>
  join([named("VBuffer"), counted([single(item), uint32s(dims.length, ...dims)])]);
export const key = (storage: string, count: number): Uint8Array =>
  join([named("Key2"), counted([single(storage), uint64s(count)])]);

export function schema(columns: Readonly<Record<string, Uint8Array>>, count = Object.keys(columns).length): Uint8Array {
  const head = join([ascii("CML\0DVB\0"), uint64s(0, 0, 256, 0, 0), uint32s(count)]);
  const rows = Object.entries(columns).map(([name, type]) => join([named(name), type, Uint8Array.of(1, 1), uint64s(256, 0)]));
  return join([head, new Uint8Array(256 - head.length), ...rows]);
}

/** With the separators of .NET on Windows. */
export const mlnetZip = (files: Readonly<Record<string, Uint8Array | string>>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, data]) => [name.replaceAll("/", "\\"), typeof data === "string" ? ascii(data) : data]),
    ),
  );
