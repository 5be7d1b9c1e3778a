/** A checkpoint (TensorBundle): an index of tensors by name, and shards that hold their bytes. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { crc32c, unmaskCrc } from "../../base/crc32c.ts";
import type { DType } from "../../base/dtype.ts";
import { memorySource } from "../../base/memory.ts";
import { modelError } from "../../base/problem.ts";
import { readVarint } from "../../base/varint.ts";
import { Fields } from "../protobuf/fields.ts";
import { readImage } from "../protobuf/image.ts";
import { dtypeOf } from "./dtypes.ts";
import { BundleEntry, BundleHeader } from "./schema.ts";
import { type Region, readRegion } from "./slices.ts";
import { readTable } from "./sstable.ts";
import { readShape } from "./tensor.ts";

export interface StoredVariable {
  /** Undefined for types that no variable of a model has (variants). */
  readonly dtype: DType | undefined;
  /** Undefined where not all dims are numbers. */
  readonly shape: readonly number[] | undefined;
  readonly shard: number;
  readonly offset: number;
  readonly size: number;
  /** Of the bytes. */
  readonly crc: number | undefined;
  /** Saved in parts, each under a key of its own; empty where it is in one piece. */
  readonly parts: readonly Region[];
}

export interface Bundle {
  readonly entries: ReadonlyMap<string, StoredVariable>;
  /** By shard number, relative to the model's folder. */
  readonly shards: readonly string[];
  readonly bigEndian: boolean;
}

/** A message as a whole: index entries are tens of bytes. */
const leaves = Object.fromEntries(Object.values(BundleEntry).map((field) => [field, "leaf" as const]));
/** Shards in all; TensorFlow writes one a machine. */
const MAX_SHARDS = 100_000;

/** Reads `prefix.index`. A `ModelError` where it is absent, cut or damaged. */
export async function readBundle(sources: ByteSources, prefix: string): Promise<Bundle> {
  const table = await readTable(await sources.open(`${prefix}.index`));
  const entries = new Map<string, StoredVariable>();
  let header = { shards: 1, bigEndian: false };
  for (const [key, value] of table) {
    const f = new Fields(await readImage(memorySource(`${prefix}.index`, value), leaves));
    if (key === "") header = readHeader(f);
    else entries.set(key, readEntry(f));
  }
  if (header.shards > MAX_SHARDS) throw modelError("too-large", `a checkpoint of ${header.shards} shards`);
  const digits = (n: number) => String(n).padStart(5, "0");
  const shards = Array.from({ length: header.shards }, (_, i) => `${prefix}.data-${digits(i)}-of-${digits(header.shards)}`);
  return { entries, shards, bigEndian: header.bigEndian };
}

function readHeader(f: Fields): { shards: number; bigEndian: boolean } {
  let shards = 0;
  let endianness = 0;
  while (f.next()) {
    if (f.field === BundleHeader.shards) shards = f.int();
    else if (f.field === BundleHeader.endianness) endianness = f.int();
  }
  return { shards, bigEndian: endianness === 1 };
}

function readEntry(f: Fields): StoredVariable {
  let [dtype, shard, offset, size] = [0, 0, 0, 0];
  let crc: number | undefined;
  let shape: ReturnType<typeof readShape> = [];
  const parts: Region[] = [];
  while (f.next()) {
    switch (f.field) {
      case BundleEntry.dtype:
        dtype = f.int();
        break;
      case BundleEntry.shape:
        shape = readShape(f.message());
        break;
      case BundleEntry.shard:
        shard = f.int();
        break;
      case BundleEntry.offset:
        offset = f.int();
        break;
      case BundleEntry.size:
        size = f.int();
        break;
      case BundleEntry.crc32c: {
        if (f.wire !== 5) throw modelError("malformed", "a checksum that is no 32-bit number", { offset: f.offset });
        const bytes = f.payload();
        crc = unmaskCrc(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
        break;
      }
      case BundleEntry.slices:
        parts.push(readRegion(f.message()));
        break;
    }
  }
  const numbers = shape?.every((dim) => typeof dim === "number") ? (shape as readonly number[]) : undefined;
  return { dtype: dtypeOf(dtype), shape: numbers, shard, offset, size, crc, parts };
}

/** A string scalar: its length as a varint, a checksum of the lengths, then the bytes. */
export async function readString(sources: ByteSources, bundle: Bundle, key: string): Promise<Uint8Array | undefined> {
  const entry = bundle.entries.get(key);
  if (entry?.dtype !== "string" || entry.size > MAX_STRING) return undefined;
  const shard = bundle.shards[entry.shard];
  if (shard === undefined) return undefined;
  const bytes = await (await sources.open(shard)).read(entry.offset, entry.size);
  const cursor = { at: 0, lo: 0, hi: 0 };
  readVarint(bytes, bytes.length, cursor, entry.offset);
  const start = cursor.at + 4;
  return bytes.subarray(start, start + cursor.lo);
}

/** The graph of Python objects is the only string that is read. */
const MAX_STRING = 256 * 2 ** 20;
/** Read at once while a checksum is computed. */
const CHUNK = 2 ** 20;

/** The same sources, but that bytes of the bundle's tensors are checked before they are first given out. */
export function checkedSources(sources: ByteSources, bundle: Bundle): ByteSources {
  return {
    open: async (name) => {
      const source = await sources.open(name);
      const shard = bundle.shards.indexOf(name);
      return shard < 0 ? source : checkedSource(source, bundle, shard);
    },
  };
}

interface Checked {
  readonly key: string;
  readonly entry: StoredVariable;
  done: boolean;
}

function checkedSource(source: ByteSource, bundle: Bundle, shard: number): ByteSource {
  const tensors: Checked[] = [...bundle.entries]
    .filter(([, entry]) => entry.shard === shard && entry.crc !== undefined && entry.dtype !== "string")
    .map(([key, entry]) => ({ key, entry, done: false }))
    .sort((a, b) => a.entry.offset - b.entry.offset);
  return {
    name: source.name,
    size: source.size,
    read: async (offset, length) => {
      const bytes = await source.read(offset, length);
      for (let i = firstFrom(tensors, offset); i < tensors.length; i++) {
        const tensor = tensors[i]!;
        const { entry } = tensor;
        if (entry.offset >= offset + length) break;
        if (tensor.done || entry.size === 0) continue;
        const whole = entry.offset >= offset && entry.offset + entry.size <= offset + length;
        const from = entry.offset - offset;
        const crc = whole ? crc32c(bytes.subarray(from, from + entry.size)) : await streamedCrc(source, entry);
        if (crc !== entry.crc)
          throw modelError(
            "checksum",
            `the weight fails its checksum in ${source.name}`,
            { tensor: tensor.key },
            "the file is damaged: fetch it again",
          );
        tensor.done = true;
      }
      return bytes;
    },
  };
}

/** The first tensor that ends behind `offset`; they do not overlap. */
function firstFrom(tensors: readonly Checked[], offset: number): number {
  let [low, high] = [0, tensors.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { entry } = tensors[middle]!;
    if (entry.offset + entry.size <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function streamedCrc(source: ByteSource, { offset, size }: StoredVariable): Promise<number> {
  let crc = 0;
  for (let at = 0; at < size; at += CHUNK) crc = crc32c(await source.read(offset + at, Math.min(CHUNK, size - at)), crc);
  return crc;
}
