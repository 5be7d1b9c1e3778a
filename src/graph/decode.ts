/** Loads stored tensors: whole, in part, or many small ones at once. */
import { bitsOf } from "../base/dtype.ts";
import { ModelError, modelError } from "../base/problem.ts";
import { decodeElements, fromRaw } from "./elements.ts";
import type { Coding, Slice, SourceTensor } from "./source.ts";
import { decodeSparse } from "./sparse.ts";
import { allocate, type Elements, elementCount, isStored, type ModelFiles, type StoredTensor, type Tensor } from "./tensor.ts";

/** Reads and decodes the whole tensor. A `ModelError` where its bytes are missing or do not fit its shape. */
export async function loadTensor({ stored, files }: StoredTensor): Promise<Tensor> {
  const bytes = await readSlices(stored.slices, files);
  try {
    return decodeStored(stored, bytes);
  } catch (error) {
    throw error instanceof ModelError ? located(error, stored) : error;
  }
}

function decodeStored(stored: SourceTensor, bytes: Uint8Array): Tensor {
  if (stored.sparsity) return decodeSparse(stored, stored.sparsity, bytes);
  if (stored.coding) return decodeCoded(stored, stored.coding, bytes);
  return decodeElements(stored.dtype, stored.shape, stored.encoding, bytes);
}

/** What tensors in memory were decoded from, so that they can be written as small again. */
const codings = new WeakMap<Tensor, Coding>();

/** The codes that the tensor stands for, where it is one of a file's, in memory or not. */
export const codingOf = (tensor: Tensor | StoredTensor): Coding | undefined =>
  isStored(tensor) ? tensor.stored.coding : codings.get(tensor);

function decodeCoded(stored: SourceTensor, coding: Coding, bytes: Uint8Array): Tensor {
  const tensor = decodedFrom(stored, coding, bytes);
  codings.set(tensor, coding);
  return tensor;
}

function decodedFrom({ dtype, shape }: SourceTensor, { codes, scale, min }: Coding, bytes: Uint8Array): Tensor {
  const coded = decodeElements(codes, shape, "raw", bytes);
  if (codes === "float16") return { ...coded, dtype };
  const data = allocate(dtype, coded.data.length) as Float32Array | Int32Array;
  for (let i = 0; i < data.length; i++) {
    const value = (coded.data[i] as number) * scale + min;
    data[i] = dtype === "int32" ? Math.round(value) : value;
  }
  return { dtype, shape, data };
}

/** The decoder counts from the tensor's first byte; people count from the file's. */
function located({ problem }: ModelError, { slices }: SourceTensor): ModelError {
  const { offset: _, ...rest } = problem;
  const [first] = slices;
  return new ModelError(first?.file === 0 ? { ...rest, offset: first.offset } : rest);
}

/** Whether `loadRange` reads only what it is asked for; otherwise it must decode the whole tensor each time. */
export const hasRanges = ({ stored }: StoredTensor): boolean => stored.encoding === "raw" && (bitsOf[stored.dtype] ?? 0) >= 8;

/** Elements `first` to `first + count` in row-major order, for streaming: memory is that of the range where `hasRanges`. */
export async function loadRange(tensor: StoredTensor, first: number, count: number): Promise<Elements> {
  const total = elementCount(tensor.shape);
  if (first < 0 || count < 0 || first + count > total) throw new Error(`elements ${first} to ${first + count} of ${total}`);
  const { dtype, slices } = tensor.stored;
  if (!hasRanges(tensor)) {
    const { data } = await loadTensor(tensor);
    const width = dtype.startsWith("complex") ? 2 : 1;
    return data.slice(first * width, (first + count) * width);
  }
  const size = bitsOf[dtype]! / 8;
  return fromRaw(dtype, count, await readSlices(part(slices, first * size, count * size), tensor.files));
}

/** Read at once of a stream: it stays in the processor's caches, where a fresh array as large as a weight costs a fault a page. */
const BLOCK = 2 ** 20;

/** The bytes of a tensor in blocks, where the file holds just its little-endian four-byte elements; else undefined. Memory is a block's. */
export function storedBlocks({ stored, files }: StoredTensor): AsyncIterable<Uint8Array> | undefined {
  const { dtype, shape, slices, encoding } = stored;
  const length = slices.reduce((sum, slice) => sum + slice.length, 0);
  const plain = encoding === "raw" && (dtype === "float32" || dtype === "int32") && length === 4 * elementCount(shape);
  return plain ? blocks(slices, length, files) : undefined;
}

async function* blocks(slices: readonly Slice[], length: number, files: ModelFiles): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += BLOCK) yield await readSlices(part(slices, at, Math.min(BLOCK, length - at)), files);
}

/** The bytes `from` to `from + length` of the slices laid end to end. */
function part(slices: readonly Slice[], from: number, length: number): Slice[] {
  const out: Slice[] = [];
  let start = 0;
  for (const slice of slices) {
    const low = Math.max(from - start, 0);
    const high = Math.min(from + length - start, slice.length);
    if (low < high) out.push({ file: slice.file, offset: slice.offset + low, length: high - low });
    start += slice.length;
  }
  if (from + length > start) throw modelError("tensor-length", `${start} bytes where ${from + length} are wanted`);
  return out;
}

/** Bytes of `slices`, end to end; the caller owns them. */
async function readSlices(slices: readonly Slice[], files: ModelFiles): Promise<Uint8Array> {
  const [only] = slices;
  if (only && slices.length === 1) return (await files.open(only.file)).read(only.offset, only.length);
  const parts: Uint8Array[] = [];
  for (const { file, offset, length } of slices) parts.push(await (await files.open(file)).read(offset, length));
  return joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const bytes of parts) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** What the dry run may look at: shapes, axes, small tables. */
const SMALL_TENSOR = 16 * 1024;
/** A gap worth reading over: a read costs as much as copying this. */
const MAX_GAP = 4 * 1024;
/** Read at once. */
const MAX_GROUP = 2 ** 20;

/** The bytes of a tensor's slices, as far as they have been read. */
type Parts = (Uint8Array | undefined)[];

interface Wanted {
  readonly slice: Slice;
  readonly tensor: SourceTensor;
  readonly index: number;
}

/**
 * Loads those tensors that take at most `limit` bytes in their file, neighbours in one read. Keyed by the stored tensor. A tensor that cannot be
 * decoded is left out; `loadTensor` says why.
 */
export async function prefetch(tensors: Iterable<StoredTensor>, limit = SMALL_TENSOR): Promise<Map<SourceTensor, Tensor>> {
  const parts = new Map<SourceTensor, Parts>();
  const byFiles = new Map<ModelFiles, Wanted[]>();
  for (const { stored, files } of tensors) {
    if (parts.has(stored) || stored.slices.reduce((sum, { length }) => sum + length, 0) > limit) continue;
    parts.set(stored, []);
    const wanted = byFiles.get(files) ?? [];
    if (!wanted.length) byFiles.set(files, wanted);
    stored.slices.forEach((slice, index) => {
      wanted.push({ slice, tensor: stored, index });
    });
  }
  for (const [files, wanted] of byFiles) await readGroups(files, wanted, parts);
  const loaded = new Map<SourceTensor, Tensor>();
  for (const [stored, bytes] of parts) {
    const complete = bytes.filter((part) => part !== undefined);
    const tensor = complete.length === stored.slices.length ? decodeIfSound(stored, complete) : undefined;
    if (tensor) loaded.set(stored, tensor);
  }
  return loaded;
}

function decodeIfSound(stored: SourceTensor, parts: readonly Uint8Array[]): Tensor | undefined {
  try {
    return decodeStored(stored, joined(parts));
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

async function readGroups(files: ModelFiles, wanted: Wanted[], parts: Map<SourceTensor, Parts>): Promise<void> {
  wanted.sort((a, b) => a.slice.file - b.slice.file || a.slice.offset - b.slice.offset);
  for (let first = 0; first < wanted.length; ) {
    const { file, offset } = wanted[first]!.slice;
    let end = offset + wanted[first]!.slice.length;
    let next = first + 1;
    for (; next < wanted.length; next++) {
      const { slice } = wanted[next]!;
      const reach = Math.max(end, slice.offset + slice.length);
      if (slice.file !== file || slice.offset > end + MAX_GAP || reach - offset > MAX_GROUP) break;
      end = reach;
    }
    const bytes = await readIfThere(files, file, offset, end - offset);
    for (const { slice, tensor, index } of wanted.slice(first, next)) {
      const at = slice.offset - offset;
      if (bytes) parts.get(tensor)![index] = bytes.subarray(at, at + slice.length);
    }
    first = next;
  }
}

/** Undefined where the file is missing or too short. */
async function readIfThere(files: ModelFiles, file: number, offset: number, length: number): Promise<Uint8Array | undefined> {
  try {
    return await (await files.open(file)).read(offset, length);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
