/** Attributes and links of which there are many: a tree (B-tree of version 2) names places in a heap (fractal heap) where each lies. */
import { modelError } from "../../base/problem.ts";
import type { Hdf5Bytes, Part } from "./bytes.ts";
import type { Dense } from "./messages.ts";

const MAX_DEPTH = 16;
const MAX_RECORDS = 2 ** 20;

/** What records are, by the type of their tree, and where in one the place in the heap begins. */
const idBegins: Readonly<Record<number, number>> = { 5: 4, 6: 8, 8: 0, 9: 0 };

/** Each object of the heap that the tree names. */
export async function denseObjects(file: Hdf5Bytes, { heap, tree }: Dense): Promise<readonly Part[]> {
  const opened = await Heap.open(file, heap);
  const found: Part[] = [];
  for (const record of await records(file, tree)) found.push(await opened.object(record));
  return found;
}

/** Bytes that count up to `most`. */
const bytesFor = (most: number): number => Math.max(1, Math.ceil(Math.log2(most + 1) / 8));

/** The tree's records, each as from the place in the heap on. */
async function records(file: Hdf5Bytes, address: number): Promise<readonly Part[]> {
  const { offsetSize, lengthSize } = file;
  const size = 16 + offsetSize + 2 + lengthSize;
  const p = await file.part(address, size + 4);
  p.expect("BTHD");
  p.sum(size);
  p.skip(1);
  const type = p.u8();
  const nodeSize = p.u32();
  const recordSize = p.u16();
  const depth = p.u16();
  p.skip(2);
  const begins = idBegins[type];
  if (begins === undefined || recordSize <= begins) throw p.fail(`a tree of type ${type}`);
  if (depth > MAX_DEPTH || nodeSize < 16) throw p.fail(`a tree of depth ${depth}`);
  let level = [{ address: p.address(), count: p.u16() }];
  // How many records a node of each level can hold decides how wide their numbers are written.
  const leafMost = Math.floor((nodeSize - 10) / recordSize);
  const countBytes = bytesFor(leafMost);
  let below = leafMost;
  const pointerBytes = [0];
  for (let i = 1; i <= depth; i++) {
    const width = offsetSize + countBytes + (i > 1 ? bytesFor(below) : 0);
    pointerBytes.push(width);
    const most = Math.floor((nodeSize - 10 - width) / (recordSize + width));
    below = most + (most + 1) * below;
  }
  const found: Part[] = [];
  if (!Number.isFinite(level[0]!.address)) return found;
  for (let at = depth; at >= 0; at--) {
    const next: { address: number; count: number }[] = [];
    for (const node of level) {
      const width = pointerBytes[at]!;
      const length = 6 + node.count * recordSize + (at > 0 ? (node.count + 1) * width : 0);
      const q = await file.part(node.address, length + 4);
      q.expect(at > 0 ? "BTIN" : "BTLF");
      q.sum(length);
      q.skip(2);
      for (let i = 0; i < node.count; i++) {
        const record = q.part(recordSize);
        record.skip(begins);
        found.push(record);
      }
      if (found.length > MAX_RECORDS) throw q.fail(`more than ${MAX_RECORDS} records in a tree`);
      if (at > 0)
        for (let i = 0; i <= node.count; i++) {
          const child = q.address();
          next.push({ address: child, count: q.uint(countBytes) });
          q.skip(width - offsetSize - countBytes);
        }
    }
    level = next;
  }
  return found;
}

/** Rows of blocks: the first two of the starting size, each next twice as large as the one before. */
class Heap {
  private constructor(
    private readonly file: Hdf5Bytes,
    private readonly address: number,
    private readonly offsetBytes: number,
    private readonly lengthBytes: number,
    private readonly width: number,
    private readonly start: number,
    private readonly greatest: number,
    private readonly root: number,
    private readonly rows: number,
  ) {}

  static async open(file: Hdf5Bytes, address: number): Promise<Heap> {
    const { offsetSize, lengthSize } = file;
    const size = 22 + 12 * lengthSize + 3 * offsetSize;
    const p = await file.part(address, size + 4);
    p.expect("FRHP");
    p.skip(3);
    const filters = p.u16();
    if (filters > 0) throw modelError("unsupported", "attributes that are packed", { offset: p.offset });
    p.sum(size);
    p.skip(1);
    const most = p.u32();
    p.skip(10 * lengthSize + 2 * offsetSize);
    const width = p.u16();
    const start = p.length();
    const greatest = p.length();
    const bits = p.u16();
    p.skip(2);
    const root = p.address();
    const rows = p.u16();
    if (width === 0 || start === 0 || bits > 64) throw p.fail("a heap without blocks");
    const lengthBytes = Math.min(bytesFor(greatest), bytesFor(most));
    return new Heap(file, address, Math.ceil(bits / 8), lengthBytes, width, start, greatest, root, rows);
  }

  /** The object at a place: its kind, then where it is and how long. */
  async object(id: Part): Promise<Part> {
    const kind = (id.u8() >> 4) & 3;
    if (kind === 2) throw modelError("unsupported", "an attribute within its own place", { offset: id.offset });
    if (kind !== 0) throw modelError("unsupported", "an attribute larger than a block of its heap", { offset: id.offset });
    const offset = id.uint(this.offsetBytes);
    const length = id.uint(this.lengthBytes);
    if (this.rows === 0) return this.file.part(this.root + offset, length);
    return this.inside(offset, length);
  }

  private async inside(offset: number, length: number): Promise<Part> {
    const { width, file, offsetBytes } = this;
    let [address, rows, at] = [this.root, this.rows, offset];
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      let [row, begins] = [0, 0];
      while (row < rows && begins + width * this.blockSize(row) <= at) begins += width * this.blockSize(row++);
      const size = this.blockSize(row);
      const column = Math.floor((at - begins) / size);
      const entry = row * width + column;
      const head = 5 + file.offsetSize + offsetBytes;
      const p = await file.part(address, head + (entry + 1) * file.offsetSize);
      p.expect("FHIB");
      if (row >= rows) throw p.fail(`a place outside its heap: ${offset}`);
      p.skip(head - 4 + entry * file.offsetSize);
      address = p.address();
      at -= begins + column * size;
      if (size <= this.greatest) return file.part(address + at, length);
      rows = Math.log2(size / this.start) - Math.log2(width) + 1;
    }
    throw modelError("malformed", "a heap that has no end", { offset: this.file.base + this.address });
  }

  private blockSize(row: number): number {
    return this.start * 2 ** Math.max(row - 1, 0);
  }
}
