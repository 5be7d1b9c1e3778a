/** Tar archives through `ByteSource`: headers are walked, contents stay where they are. ustar, GNU's long names, pax paths. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { endOfFile } from "../../base/memory.ts";
import { confinedPath } from "../../base/path.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";

const BLOCK = 512;
/** A SavedModel has some tens; its assets may be thousands. */
const MAX_ENTRIES = 100_000;
/** A name, or the attributes of one. */
const MAX_NAME = 64 * 1024;

export interface TarEntry {
  /** Without `./`; never leads out of the archive. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Its files in order; folders and links are left out. A `ModelError` where it is none, is cut, or names a file outside itself. */
export async function readTar(source: ByteSource): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  let long: string | undefined;
  for (let at = 0; at + BLOCK <= source.size; ) {
    const header = await source.read(at, BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!isHeader(header)) throw modelError("malformed", "a header that fails its checksum", { offset: at });
    const size = numberIn(header, 124, 12, at);
    const start = at + BLOCK;
    if (start + size > source.size) throw endOfFile(source.name, start, size, source.size);
    const kind = String.fromCharCode(header[156]!);
    if (kind === "L" || kind === "x") {
      if (size > MAX_NAME) throw modelError("too-large", `a name of ${size} bytes`, { offset: at });
      const bytes = await source.read(start, size);
      long = kind === "L" ? textIn(bytes, 0, size) : (paxPath(bytes) ?? long);
    } else {
      if (kind === "0" || kind === "\0" || kind === "7") entries.push(entryOf(long ?? nameIn(header), start, size, at));
      if (entries.length > MAX_ENTRIES) throw modelError("too-large", `more than ${MAX_ENTRIES} files`, { offset: at });
      long = undefined;
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  if (entries.length === 0) throw modelError("malformed", "no tar archive, or one without files", { offset: 0 });
  return entries;
}

function entryOf(written: string, offset: number, size: number, at: number): TarEntry {
  const name = confinedPath(written);
  if (name === undefined) throw modelError("file-outside", `a file outside the archive: ${written}`, { offset: at });
  return { name, offset, size };
}

/** The sum of its bytes, with blanks in the place of the sum. */
function isHeader(header: Uint8Array): boolean {
  const [from, to] = [148, 156];
  const sum = header.reduce((total, byte, i) => total + (i >= from && i < to ? 0x20 : byte), 0);
  return Number.parseInt(textIn(header, from, to - from).trim(), 8) === sum;
}

/** Octal digits; or, with the first bit set, a binary number. */
function numberIn(header: Uint8Array, from: number, length: number, at: number): number {
  const field = header.subarray(from, from + length);
  const binary = (field[0]! & 0x80) !== 0;
  const value = binary
    ? field.reduce((total, byte, i) => total * 256 + (i === 0 ? byte & 0x7f : byte), 0)
    : Number.parseInt(textIn(field, 0, length).trim() || "0", 8);
  if (!Number.isSafeInteger(value) || value < 0) throw modelError("malformed", "a size that is no number", { offset: at });
  return value;
}

function nameIn(header: Uint8Array): string {
  const name = textIn(header, 0, 100);
  const prefix = textIn(header, 257, 5) === "ustar" ? textIn(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textIn(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return decodeUtf8(end < 0 ? field : field.subarray(0, end));
}

/** `LENGTH path=…\n` among records of that form. */
function paxPath(bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(decodeUtf8(bytes.subarray(at, space)));
    if (space < 0 || !(length > space - at)) return undefined;
    const record = decodeUtf8(bytes.subarray(space + 1, at + length - 1));
    if (record.startsWith("path=")) return record.slice("path=".length);
    at += length;
  }
  return undefined;
}

/** The archive's files below `folder` (with its slash, or empty), by their names in there. */
export function sourcesIn(archive: ByteSource, entries: readonly TarEntry[], folder: string): ByteSources {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    open: async (name) => {
      const plain = confinedPath(name);
      const entry = plain === undefined ? undefined : byName.get(folder + plain);
      if (!entry) throw modelError("file-missing", `no such file in ${archive.name}: ${folder}${name}`);
      return fileIn(archive, entry);
    },
  };
}

export function fileIn(archive: ByteSource, { name, offset, size }: TarEntry): ByteSource {
  const own = name.slice(name.lastIndexOf("/") + 1);
  return {
    name: own,
    size,
    read: async (from, length) => {
      if (from < 0 || length < 0 || from + length > size) throw endOfFile(own, from, length, size);
      return archive.read(offset + from, length);
    },
  };
}
