/**
 * The structure of a protobuf file without its payloads. One pass reads headers through a sliding window, keeps what is structure and leaves
 * holes where weights are, so that a model of gigabytes costs a few megabytes; fields.ts then decodes the image without waiting for any read.
 * Rejected: decoding while reading (an `await` a field, or every decoder written twice, sync and async).
 */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import { readVarint } from "../../base/varint.ts";

/**
 * What the fields of a message are: a message, something to keep whole, or bulk that stays in the file. Fields that are not listed are
 * unknown and treated as bulk. Only length-delimited fields need a row.
 */
export interface Shape {
  readonly [field: number]: Shape | "leaf" | "bulk";
}

export interface Hole {
  /** Offset in the file. */
  readonly at: number;
  readonly length: number;
}

export interface Image {
  /** For messages. */
  readonly name: string;
  /** Of the file. */
  readonly size: number;
  /** The file without the holes. */
  readonly bytes: Uint8Array;
  /** In file order; a hole is always the whole payload of one field. */
  readonly holes: readonly Hole[];
  /** Fields decoded so far, for the limit in fields.ts. */
  fields: number;
}

/** Payloads up to this are kept even when they are bulk: a seek and a hole cost more than the copy. */
const SMALL = 1024;
/** Structure in one field (attribute lists of tree ensembles run to tens of megabytes); past it the field is left in the file. */
const MAX_LEAF = 64 * 2 ** 20;
/** Structure in all. A million-node graph takes about 200 MB; past this, decoding would not fit the heap. */
const MAX_STRUCTURE = 2 ** 30;
/** Deepest nesting descended into. ONNX takes three levels a sub-graph, and protobuf itself refuses past 100. */
const MAX_NESTING = 200;
/** A key and a length, ten bytes each. */
const HEADER = 20;
/** After a jump little is read, since another jump is likely; in sequence the window grows. */
const FIRST_WINDOW = 1024;
const FULL_WINDOW = 64 * 1024;

/** Reads the structure. A `ModelError` with the offset where the wire format is broken or the file ends early. */
export async function readImage(source: ByteSource, shape: Shape): Promise<Image> {
  const kept = new Kept(source);
  const holes: Hole[] = [];
  const stack: { shape: Shape; end: number }[] = [{ shape, end: source.size }];
  const head = { at: 0, lo: 0, hi: 0 };
  let pos = 0;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (pos === top.end) {
      stack.pop();
      continue;
    }
    if (!kept.holds(pos, Math.min(HEADER, source.size - pos))) await kept.moveWindow(pos, HEADER);
    const { window, base } = kept;
    const limit = Math.min(top.end, base + window.length) - base;
    head.at = pos - base;
    readVarint(window, limit, head, base);
    const field = Math.floor((head.lo + head.hi * 2 ** 32) / 8);
    const wire = head.lo & 7;
    let length = payloadLength(wire, pos);
    const mark = head.at;
    if (length < 0) readVarint(window, limit, head, base);
    const start = head.at + base;
    if (wire === 0) length = 0;
    else if (wire === 2) length = head.lo + head.hi * 2 ** 32;
    const end = start + length;
    if (end > top.end) throw pastEnd(source, start, length, top.end);
    if (field === 0) throw modelError("malformed", "field number 0", { offset: pos });
    const kind = wire === 2 ? top.shape[field] : "leaf";
    if (length <= SMALL || (kind === "leaf" && length <= MAX_LEAF)) {
      if (kept.holds(mark + base, end - mark - base)) pos = end;
      else if (length <= FULL_WINDOW / 2) await kept.moveWindow(pos, end - pos);
      else {
        await kept.copy(start, length);
        pos = end;
      }
    } else if (typeof kind === "object") {
      if (stack.length >= MAX_NESTING) throw modelError("too-deep", `messages nest deeper than ${MAX_NESTING}`, { offset: pos });
      stack.push({ shape: kind, end });
      pos = start;
    } else {
      holes.push({ at: start, length });
      kept.skip(start, length);
      pos = end;
    }
  }
  return { name: source.name, size: source.size, bytes: kept.finish(source.size), holes, fields: 0 };
}

/** Payload bytes after the key; −1 where a varint follows (a value, or a length). */
function payloadLength(wire: number, offset: number): number {
  if (wire === 0 || wire === 2) return -1;
  if (wire === 1) return 8;
  if (wire === 5) return 4;
  throw modelError("malformed", `wire type ${wire}`, { offset });
}

function pastEnd(source: ByteSource, offset: number, length: number, end: number) {
  const short = offset + length > source.size;
  const reason = short
    ? `the file ends within a field of ${length} bytes, of which ${source.size - offset} are there`
    : `a field of ${length} bytes runs past its message, which ends at byte ${end}`;
  return modelError(short ? "truncated" : "malformed", reason, { offset }, short ? "is the download complete?" : undefined);
}

/** The bytes kept so far and the window being looked at. Everything is kept that is not skipped. */
class Kept {
  window: Uint8Array = new Uint8Array(0);
  /** File offset of the window. */
  base = 0;
  private buffer = new Uint8Array(FULL_WINDOW);
  private used = 0;
  /** File offset up to which all is kept or skipped. */
  private done = 0;
  private size = FIRST_WINDOW;

  constructor(private readonly source: ByteSource) {}

  holds(offset: number, length: number): boolean {
    return offset >= this.base && offset + length <= this.base + this.window.length;
  }

  async moveWindow(offset: number, atLeast: number): Promise<void> {
    this.flush(offset);
    const sequential = offset < this.base + this.window.length + this.size && this.window.length > 0;
    this.size = sequential ? Math.min(this.size * 2, FULL_WINDOW) : FIRST_WINDOW;
    this.window = await this.source.read(offset, Math.min(Math.max(this.size, atLeast), this.source.size - offset));
    this.base = offset;
  }

  /** Keeps a long field without looking into it. */
  async copy(offset: number, length: number): Promise<void> {
    this.flush(offset);
    this.append(await this.source.read(offset, length));
    this.done = offset + length;
  }

  skip(offset: number, length: number): void {
    this.flush(offset);
    this.done = offset + length;
  }

  finish(size: number): Uint8Array {
    this.flush(size);
    return this.buffer.subarray(0, this.used);
  }

  /** Keeps what the window has up to `offset`. */
  private flush(offset: number): void {
    if (offset > this.done) this.append(this.window.subarray(this.done - this.base, offset - this.base));
    this.done = Math.max(this.done, offset);
  }

  private append(bytes: Uint8Array): void {
    const needed = this.used + bytes.length;
    if (needed > MAX_STRUCTURE)
      throw modelError("too-large", `structure of more than ${MAX_STRUCTURE} bytes`, { offset: this.done });
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.buffer.length * 2, MAX_STRUCTURE)));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.used);
    this.used = needed;
  }
}
