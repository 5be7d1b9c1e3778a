/** Datasets in chunks, each somewhere in the file and perhaps packed, as one run of bytes that is put together where it is read. */
import type { ByteSource } from "../../base/bytes.ts";
import { endOfFile } from "../../base/memory.ts";
import { modelError } from "../../base/problem.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Hdf5Bytes, Part } from "./bytes.ts";
import { type Filter, unpackChunk } from "./filters.ts";

/** Where chunks are listed. */
export type ChunkIndex =
  | { readonly kind: "tree"; readonly address: number }
  | { readonly kind: "single"; readonly address: number; readonly length: number | undefined; readonly mask: number }
  | { readonly kind: "implicit"; readonly address: number }
  | { readonly kind: "array"; readonly address: number }
  | { readonly kind: "other"; readonly name: string };

export interface Chunks {
  readonly index: ChunkIndex;
  /** Elements of a chunk along each axis. */
  readonly dims: readonly number[];
}

interface Chunk {
  /** In the file on disk. */
  readonly offset: number;
  readonly length: number;
  readonly mask: number;
}

/** A chunk is held whole while it is read. */
const MAX_CHUNK = 2 ** 30;
const MAX_CHUNKS = 2 ** 22;
const MAX_DEPTH = 32;

/** Data layout of version 3: chunks in a tree. */
export function readChunks3(p: Part): Chunks {
  const rank = p.u8() - 1;
  const index: ChunkIndex = { kind: "tree", address: p.address() };
  return { index, dims: Array.from({ length: rank }, () => p.u32()) };
}

/** Of version 4: five ways. */
export function readChunks4(p: Part): Chunks {
  const flags = p.u8();
  const rank = p.u8();
  const width = p.u8();
  if (width > 8) throw p.fail(`sizes of ${width} bytes`);
  const dims = Array.from({ length: rank }, () => p.uint(width)).slice(0, -1);
  return { index: readIndex(p, flags), dims };
}

function readIndex(p: Part, flags: number): ChunkIndex {
  const type = p.u8();
  switch (type) {
    case 1: {
      const filtered = (flags & 2) !== 0;
      const length = filtered ? p.length() : undefined;
      const mask = filtered ? p.u32() : 0;
      return { kind: "single", address: p.address(), length, mask };
    }
    case 2:
      return { kind: "implicit", address: p.address() };
    case 3:
      p.skip(1);
      return { kind: "array", address: p.address() };
    case 4:
      return { kind: "other", name: "an extensible array" };
    case 5:
      return { kind: "other", name: "a tree of version 2" };
    default:
      throw p.fail(`a list of chunks of type ${type}`);
  }
}

/** The dataset as a file of its own: its elements in order. Only the chunks that are asked for are read. */
export class ChunkedSource implements ByteSource {
  readonly size: number;
  private found: Promise<ReadonlyMap<string, Chunk>> | undefined;
  private readonly chunkBytes: number;

  constructor(
    readonly name: string,
    private readonly file: Hdf5Bytes,
    private readonly shape: readonly number[],
    private readonly width: number,
    private readonly chunks: Chunks,
    private readonly filters: readonly Filter[],
    /** Bytes of an element that no chunk holds. */
    private readonly fill: Uint8Array | undefined,
  ) {
    this.size = elementCount(shape) * width;
    this.chunkBytes = elementCount(chunks.dims) * width;
    if (chunks.dims.length !== shape.length || chunks.dims.includes(0))
      throw modelError("malformed", `chunks of ${chunks.dims.join("×")} of a dataset of ${shape.join("×")}`);
    if (this.chunkBytes > MAX_CHUNK) throw modelError("too-large", `a chunk of ${this.chunkBytes} bytes`);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset + length > this.size) throw endOfFile(this.name, offset, length, this.size);
    if (length === 0) return new Uint8Array(0);
    this.found ??= this.list();
    const found = await this.found;
    // Whole rows of the first axis, from which the bytes are cut.
    const row = this.size / this.shape[0]!;
    const [first, last] = [Math.floor(offset / row), Math.floor((offset + length - 1) / row)];
    const rows = new Uint8Array((last - first + 1) * row);
    const grid = this.chunks.dims.map((dim, axis) => Math.ceil(this.shape[axis]! / dim));
    const [from, to] = [Math.floor(first / this.chunks.dims[0]!), Math.floor(last / this.chunks.dims[0]!)];
    for (const place of places([to - from + 1, ...grid.slice(1)])) {
      const at = place.map((each, axis) => (axis === 0 ? each + from : each));
      this.copy(await this.chunk(found.get(at.join())), at, first, last, rows);
    }
    return rows.slice(offset - first * row, offset - first * row + length);
  }

  private async chunk(chunk: Chunk | undefined): Promise<Uint8Array> {
    if (chunk) {
      const packed = await this.file.source.read(chunk.offset, chunk.length);
      return unpackChunk(packed, this.filters, chunk.mask, this.chunkBytes, chunk.offset);
    }
    const bytes = new Uint8Array(this.chunkBytes);
    if (this.fill?.length === this.width) for (let i = 0; i < bytes.length; i += this.width) bytes.set(this.fill, i);
    return bytes;
  }

  /** The part of the chunk at `at` of the grid that lies in the rows. */
  private copy(bytes: Uint8Array, at: readonly number[], first: number, last: number, rows: Uint8Array): void {
    const { dims } = this.chunks;
    const low = at.map((each, axis) => (axis === 0 ? Math.max(each * dims[0]!, first) : each * dims[axis]!));
    const high = at.map((each, axis) =>
      Math.min((each + 1) * dims[axis]!, axis === 0 ? last + 1 : this.shape[axis]!, this.shape[axis]!),
    );
    const inner = dims.length - 1;
    const run = (high[inner]! - low[inner]!) * this.width;
    for (const place of places(low.slice(0, -1).map((each, axis) => high[axis]! - each))) {
      let [source, target] = [0, 0];
      for (let axis = 0; axis <= inner; axis++) {
        const whole = (place[axis] ?? 0) + low[axis]!;
        source = source * dims[axis]! + whole - at[axis]! * dims[axis]!;
        target = target * this.shape[axis]! + (axis === 0 ? whole - first : whole);
      }
      rows.set(bytes.subarray(source * this.width, source * this.width + run), target * this.width);
    }
  }

  /** All chunks, by their place in the grid. */
  private async list(): Promise<ReadonlyMap<string, Chunk>> {
    const { index, dims } = this.chunks;
    const chunks = new Map<string, Chunk>();
    if (index.kind === "other") throw modelError("unsupported", `weights in chunks that are listed by ${index.name}`);
    if (!Number.isFinite(index.address)) return chunks;
    if (index.kind === "tree") await this.fromTree(index.address, chunks);
    else if (index.kind === "single") {
      const { address, length, mask } = index;
      chunks.set(dims.map(() => 0).join(), { offset: this.file.base + address, length: length ?? this.chunkBytes, mask });
    } else {
      const listed = index.kind === "array" ? await this.fromArray(index.address) : undefined;
      const grid = dims.map((dim, axis) => Math.ceil(this.shape[axis]! / dim));
      if (elementCount(grid) > MAX_CHUNKS) throw modelError("too-large", `${elementCount(grid)} chunks`);
      let i = 0;
      for (const place of places(grid)) {
        const plain = { offset: this.file.base + index.address + i * this.chunkBytes, length: this.chunkBytes, mask: 0 };
        const chunk = listed ? listed[i] : plain;
        if (chunk) chunks.set(place.join(), chunk);
        i++;
      }
    }
    return chunks;
  }

  private async fromTree(root: number, chunks: Map<string, Chunk>): Promise<void> {
    const { offsetSize } = this.file;
    const rank = this.shape.length;
    let level = [root];
    for (let depth = 0; level.length > 0; depth++) {
      const next: number[] = [];
      for (const address of level) {
        const head = await this.file.part(address, 8 + 2 * offsetSize);
        head.expect("TREE");
        if (head.u8() !== 1 || depth > MAX_DEPTH) throw head.fail("a tree that is none of chunks");
        const leaf = head.u8() === 0;
        const count = head.u16();
        const p = await this.file.part(address + 8 + 2 * offsetSize, count * (8 + 8 * (rank + 1) + offsetSize));
        for (let i = 0; i < count; i++) {
          const length = p.u32();
          const mask = p.u32();
          const place = this.chunks.dims.map((dim) => p.u64() / dim);
          p.skip(8);
          const child = p.address();
          if (!leaf) next.push(child);
          else if (!place.every(Number.isInteger)) throw p.fail("a chunk that lies across others");
          else chunks.set(place.join(), { offset: this.file.base + child, length, mask });
        }
        if (chunks.size + next.length > MAX_CHUNKS) throw head.fail(`more than ${MAX_CHUNKS} chunks`);
      }
      level = next;
    }
  }

  /** A fixed array: its header, and a block of all elements. */
  private async fromArray(address: number): Promise<readonly (Chunk | undefined)[]> {
    const { offsetSize, lengthSize } = this.file;
    const size = 8 + lengthSize + offsetSize;
    const head = await this.file.part(address, size + 4);
    head.expect("FAHD");
    head.sum(size);
    head.skip(1);
    const filtered = head.u8() === 1;
    const width = head.u8();
    const pageBits = head.u8();
    const count = head.length();
    const block = head.address();
    if (count > MAX_CHUNKS) throw head.fail(`${count} chunks`);
    if (count > 2 ** pageBits)
      throw modelError("unsupported", "weights in chunks that are listed in pages", { offset: head.offset });
    const length = 6 + offsetSize + count * width;
    const p = await this.file.part(block, length + 4);
    p.expect("FADB");
    p.sum(length);
    p.skip(2 + offsetSize);
    return Array.from({ length: count }, () => {
      const at = p.address();
      const bytes = filtered ? p.uint(width - offsetSize - 4) : this.chunkBytes;
      const mask = filtered ? p.u32() : 0;
      return Number.isFinite(at) ? { offset: this.file.base + at, length: bytes, mask } : undefined;
    });
  }
}

/** All places of a grid, the last axis fastest. */
function* places(grid: readonly number[]): Generator<number[]> {
  const place = grid.map(() => 0);
  if (grid.includes(0)) return;
  for (;;) {
    yield [...place];
    let axis = grid.length - 1;
    while (axis >= 0 && ++place[axis]! === grid[axis]) place[axis--] = 0;
    if (axis < 0) return;
  }
}
