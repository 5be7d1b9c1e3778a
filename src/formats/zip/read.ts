/** Zip archives through `ByteSource`: only the directory is read, then the entries asked for. Stored and deflated entries, zip64, checksums. */
import { inflateSync } from "fflate";
import type { ByteSource } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import { endOfFile, memorySource } from "../../base/memory.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";

export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Unpacks the entry; a `ModelError` where it is damaged, encrypted or packed in another way. */
  read(): Promise<Uint8Array>;
  /** The entry as a file of its own: a part of the archive where it is stored as it is, else unpacked into memory. Its checksum is compared. */
  open(): Promise<ByteSource>;
}

/** End record and the longest comment after it. */
const MAX_END = 22 + 0xffff;
/** A Keras model has some hundreds. */
const MAX_DIRECTORY = 64 * 2 ** 20;
/** Unpacked size of one entry; typed arrays and models both stay below. */
const MAX_ENTRY = 2 ** 32;
/** Of an entry that is unpacked into memory: an archive of some megabytes can promise it. Weights of this size are stored as they are. */
const MAX_UNPACKED = 2 ** 30;
/** Deflate cannot pack better, so that a larger promise is a lie and no memory is set aside for it. */
const MAX_RATIO = 1032;

/** Read at once while a checksum is computed. */
const WINDOW = 2 ** 20;

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** The entries in the archive's order. A `ModelError` where it is no archive. */
export async function readZip(source: ByteSource): Promise<ZipEntry[]> {
  const { offset, length } = await findDirectory(source);
  if (length > MAX_DIRECTORY) throw modelError("too-large", `a directory of ${length} bytes`, { offset });
  const bytes = await source.read(offset, length);
  const view = viewOf(bytes);
  const entries: ZipEntry[] = [];
  for (let at = 0; at + 46 <= length && view.getUint32(at, true) === ENTRY; ) {
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const end = at + 46 + nameLength + extraLength;
    if (end > length) throw modelError("malformed", "a directory entry runs past the end", { offset: offset + at });
    const name = decodeUtf8(bytes.subarray(at + 46, at + 46 + nameLength));
    entries.push(entryOf(source, name, view, at, bytes.subarray(end - extraLength, end)));
    at = end + view.getUint16(at + 32, true);
  }
  return entries;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const uint64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

async function findDirectory(source: ByteSource): Promise<{ offset: number; length: number }> {
  const from = Math.max(source.size - MAX_END, 0);
  const view = viewOf(await source.read(from, source.size - from));
  for (let at = view.byteLength - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== END) continue;
    const small = { length: view.getUint32(at + 12, true), offset: view.getUint32(at + 16, true) };
    if (at < 20 || view.getUint32(at - 20, true) !== LOCATOR64) return small;
    const end64 = uint64(view, at - 12);
    const record = viewOf(await source.read(end64, 56));
    if (record.getUint32(0, true) !== END64) throw modelError("malformed", "no zip64 end record", { offset: end64 });
    return { length: uint64(record, 40), offset: uint64(record, 48) };
  }
  throw modelError("not-a-zip", "no zip archive, or one that is cut", { offset: source.size });
}

function entryOf(source: ByteSource, name: string, view: DataView, at: number, extra: Uint8Array): ZipEntry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const crc = view.getUint32(at + 16, true);
  const long = longSizes(extra);
  const size = long(view.getUint32(at + 24, true));
  const packed = long(view.getUint32(at + 20, true));
  const offset = long(view.getUint32(at + 42, true));
  const fail = (reason: string) => modelError("malformed", `${name}: ${reason}`, { offset });
  const begin = async (): Promise<number> => {
    if (flags & 1) throw fail("encrypted");
    if (size > MAX_ENTRY || size > packed * MAX_RATIO + 64) throw fail(`${packed} bytes said to unpack to ${size}`);
    if (method === DEFLATED && size > MAX_UNPACKED)
      throw modelError("too-large", `${name}: ${size} bytes to unpack where ${MAX_UNPACKED} are the most`, { offset });
    const local = viewOf(await source.read(offset, 30));
    if (local.getUint32(0, true) !== LOCAL) throw fail("no local header");
    return offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  };
  const read = async (): Promise<Uint8Array> => {
    const data = await source.read(await begin(), packed);
    const bytes = unpack(data, method, size, fail);
    if (bytes.length !== size || crc32(bytes) !== crc) throw fail("the checksum does not agree");
    return bytes;
  };
  const open = async (): Promise<ByteSource> => {
    if (method !== STORED || size !== packed) return memorySource(name, await read());
    const start = await begin();
    let sum = 0;
    for (let at = 0; at < size; at += WINDOW) sum = crc32(await source.read(start + at, Math.min(WINDOW, size - at)), sum);
    if (sum !== crc) throw fail("the checksum does not agree");
    return {
      name,
      size,
      read: (from, length) => {
        if (from + length > size) throw endOfFile(name, from, length, size);
        return source.read(start + from, length);
      },
    };
  };
  return { name, size, read, open };
}

/** The fields that do not fit 32 bits follow in the zip64 extra field, in the order size, packed, offset. */
function longSizes(extra: Uint8Array): (short: number) => number {
  const view = viewOf(extra);
  let next = extra.length;
  let end = extra.length;
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    next = at + 4;
    end = Math.min(next + view.getUint16(at + 2, true), extra.length);
  }
  return (short) => {
    if (short !== 0xffffffff || next + 8 > end) return short;
    next += 8;
    return uint64(view, next - 8);
  };
}

function unpack(data: Uint8Array, method: number, size: number, fail: (reason: string) => Error): Uint8Array {
  if (method === STORED) return data;
  if (method !== DEFLATED) throw fail(`packed by method ${method}`);
  try {
    return inflateSync(data, { out: new Uint8Array(size) });
  } catch (error) {
    throw fail(`cannot be unpacked: ${(error as Error).message}`);
  }
}
