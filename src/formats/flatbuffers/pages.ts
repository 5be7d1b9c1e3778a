/**
 * A file seen through pages that are read when they are first looked at, so that a synchronous decoder costs the structure it visits and
 * never the weights between. A look at a page that is not there throws `Missing`; `each` reads it and starts that one item again.
 * Rejected: flatbuffers' own ByteBuffer, which wants the whole file in memory and takes a read past its end for a zero.
 */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";

const PAGE = 64 * 1024;
/** Structure in all; past it decoding would not fit the heap. */
const MAX_STRUCTURE = 2 ** 30;

class Missing {
  constructor(
    readonly first: number,
    readonly last: number,
  ) {}
}

export class Pages {
  private readonly pages = new Map<number, DataView>();
  private readonly scratch = new DataView(new ArrayBuffer(8));
  private held = 0;

  constructor(private readonly source: ByteSource) {}

  /** Of a file that is in memory: no look ever misses. */
  static whole(source: ByteSource, { buffer, byteOffset, length }: Uint8Array): Pages {
    const pages = new Pages(source);
    for (let at = 0; at < length; at += PAGE)
      pages.pages.set(at / PAGE, new DataView(buffer, byteOffset + at, Math.min(PAGE, length - at)));
    return pages;
  }

  get size(): number {
    return this.source.size;
  }

  u8(at: number): number {
    return this.view(at, 1).getUint8(this.start);
  }
  i8(at: number): number {
    return this.view(at, 1).getInt8(this.start);
  }
  u16(at: number): number {
    return this.view(at, 2).getUint16(this.start, true);
  }
  i16(at: number): number {
    return this.view(at, 2).getInt16(this.start, true);
  }
  u32(at: number): number {
    return this.view(at, 4).getUint32(this.start, true);
  }
  i32(at: number): number {
    return this.view(at, 4).getInt32(this.start, true);
  }
  f32(at: number): number {
    return this.view(at, 4).getFloat32(this.start, true);
  }
  f64(at: number): number {
    return this.view(at, 8).getFloat64(this.start, true);
  }
  u64(at: number): bigint {
    return this.view(at, 8).getBigUint64(this.start, true);
  }
  i64(at: number): bigint {
    return this.view(at, 8).getBigInt64(this.start, true);
  }

  /** A copy. The caller bounds `length`. */
  bytes(at: number, length: number): Uint8Array {
    this.check(at, length);
    const out = new Uint8Array(length);
    const [first, last] = [Math.floor(at / PAGE), Math.floor((at + Math.max(length, 1) - 1) / PAGE)];
    for (let page = first; page <= last; page++) if (!this.pages.has(page)) throw new Missing(page, last);
    for (let page = first; page <= last; page++) {
      const view = this.pages.get(page)!;
      const from = Math.max(at - page * PAGE, 0);
      const to = Math.min(at + length - page * PAGE, view.byteLength);
      out.set(new Uint8Array(view.buffer, view.byteOffset + from, to - from), page * PAGE + from - at);
    }
    return out;
  }

  /** A `ModelError` where the file ends before `at + length`. */
  check(at: number, length: number): void {
    if (at >= 0 && length >= 0 && at + length <= this.size) return;
    if (at < 0 || at > this.size)
      throw modelError("malformed", `an offset to byte ${at} of a file of ${this.size}`, {
        offset: Math.min(Math.max(at, 0), this.size),
      });
    throw modelError("truncated", `the file ends within ${length} bytes, of which ${this.size - at} are there`, { offset: at });
  }

  /** Runs `work` for 0 … count − 1. It may run more than once for an item: `mark` says what to restore before the next try. */
  async each(count: number, work: (i: number) => void, mark: () => () => void): Promise<void> {
    for (let i = 0; i < count; ) {
      const restore = mark();
      try {
        work(i);
        i++;
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        restore();
        await this.load(error);
      }
    }
  }

  private async load({ first, last }: Missing): Promise<void> {
    const from = first * PAGE;
    const length = Math.min((last + 1) * PAGE, this.size) - from;
    this.held += length;
    if (this.held > MAX_STRUCTURE)
      throw modelError("too-large", `more than ${MAX_STRUCTURE} bytes of structure`, { offset: from });
    const { buffer, byteOffset } = await this.source.read(from, length);
    for (let page = first; page <= last; page++) {
      const at = (page - first) * PAGE;
      this.pages.set(page, new DataView(buffer, byteOffset + at, Math.min(PAGE, length - at)));
    }
  }

  /** Where in the page the last `view` begins. */
  private start = 0;

  private view(at: number, width: number): DataView {
    this.check(at, width);
    const page = Math.floor(at / PAGE);
    const view = this.pages.get(page);
    if (!view) throw new Missing(page, page);
    this.start = at - page * PAGE;
    if (this.start + width <= view.byteLength) return view;
    // Only in a file that breaks flatbuffers' alignment.
    const bytes = this.bytes(at, width);
    for (let i = 0; i < width; i++) this.scratch.setUint8(i, bytes[i]!);
    this.start = 0;
    return this.scratch;
  }
}
