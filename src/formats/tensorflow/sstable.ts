/** LevelDB's sorted string table, which a checkpoint's index is: blocks of prefix-compressed keys, found through an index block. */
import type { ByteSource } from "../../base/bytes.ts";
import { crc32c, unmaskCrc } from "../../base/crc32c.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import { readVarint } from "../../base/varint.ts";
import { unpackSnappy } from "./snappy.ts";

const FOOTER = 48;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/** A type byte and a checksum behind each block. */
const TRAILER = 5;
/** Blocks are 256 KiB by TensorFlow's own setting, larger where one entry is. */
const MAX_BLOCK = 64 * 2 ** 20;
/** The index of a model of a million variables. */
const MAX_INDEX = 2 ** 30;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** All entries in order. A `ModelError` with the offset where the table is cut, damaged, or fails its checksums. */
export async function readTable(source: ByteSource): Promise<Map<string, Uint8Array>> {
  if (source.size < FOOTER) throw modelError("truncated", `${source.name} is shorter than a checkpoint's index`, { offset: 0 });
  if (source.size > MAX_INDEX) throw modelError("too-large", `${source.name} has ${source.size} bytes`, { offset: 0 });
  const start = source.size - FOOTER;
  const footer = await source.read(start, FOOTER);
  if (!MAGIC.every((byte, i) => footer[FOOTER - 8 + i] === byte))
    throw modelError("malformed", `${source.name} does not end as a checkpoint's index does`, { offset: source.size - 8 });
  const cursor = { at: 0, lo: 0, hi: 0 };
  readHandle(footer, cursor, start); // of the meta index, which is empty
  const entries = new Map<string, Uint8Array>();
  for (const { value, offset } of await readBlock(source, readHandle(footer, cursor, start), start)) {
    const handle = readHandle(value, { at: 0, lo: 0, hi: 0 }, offset);
    for (const each of await readBlock(source, handle, start)) entries.set(textOf(each.key), each.value);
  }
  return entries;
}

/** Keys are names; those of parts of a variable begin with a 0 and are no UTF-8, so that a byte becomes a character. */
const textOf = (key: Uint8Array): string =>
  key[0] === 0 ? Array.from(key, (code) => String.fromCharCode(code)).join("") : decodeUtf8(key);

function readHandle(bytes: Uint8Array, cursor: { at: number; lo: number; hi: number }, base: number): Handle {
  const number = () => {
    readVarint(bytes, bytes.length, cursor, base);
    return cursor.lo + cursor.hi * 2 ** 32;
  };
  return { offset: number(), size: number() };
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of its block in the file. */
  readonly offset: number;
}

async function readBlock(source: ByteSource, { offset, size }: Handle, end: number): Promise<Entry[]> {
  if (size > MAX_BLOCK) throw modelError("too-large", `a block of ${size} bytes`, { offset });
  if (offset + size + TRAILER > end) throw modelError("malformed", "a block that lies outside the table", { offset });
  const stored = await source.read(offset, size + TRAILER);
  const checked = new DataView(stored.buffer, stored.byteOffset).getUint32(size + 1, true);
  if (unmaskCrc(checked) !== crc32c(stored.subarray(0, size + 1)))
    throw modelError(
      "checksum",
      `a block of ${source.name} fails its checksum`,
      { offset },
      "the file is damaged: fetch it again",
    );
  const kind = stored[size]!;
  if (kind > 1) throw modelError("malformed", `a block compressed in way ${kind}`, { offset });
  const body = stored.subarray(0, size);
  return entriesOf(kind === 1 ? unpackSnappy(body, MAX_BLOCK, offset) : body, offset);
}

function entriesOf(block: Uint8Array, offset: number): Entry[] {
  const damaged = () => modelError("malformed", "a block that is damaged", { offset });
  if (block.length < 4) throw damaged();
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const restarts = view.getUint32(block.length - 4, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw damaged();
  const entries: Entry[] = [];
  const cursor = { at: 0, lo: 0, hi: 0 };
  let key: Uint8Array = new Uint8Array(0);
  while (cursor.at < end) {
    const [shared, unshared, length] = [0, 0, 0].map(() => {
      readVarint(block, end, cursor, offset);
      return cursor.hi > 0 ? Number.POSITIVE_INFINITY : cursor.lo;
    }) as [number, number, number];
    if (shared > key.length || cursor.at + unshared + length > end) throw damaged();
    const next = new Uint8Array(shared + unshared);
    next.set(key.subarray(0, shared));
    next.set(block.subarray(cursor.at, cursor.at + unshared), shared);
    key = next;
    const start = cursor.at + unshared;
    entries.push({ key, value: block.slice(start, start + length), offset });
    cursor.at = start + length;
  }
  return entries;
}
