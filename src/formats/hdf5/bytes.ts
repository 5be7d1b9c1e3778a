/** Bytes of an HDF5 file: little-endian numbers, addresses that count from the file's own beginning, every read bounded. */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import { lookup3 } from "./checksum.ts";

/** Of one structure: a header, a heap, a node. Model configurations are the largest, some megabytes. */
const MAX_PART = 2 ** 28;
/** Structures lie close together, so a little more is read than is asked for. */
const PAGE = 4096;

export class Hdf5Bytes {
  private from = 0;
  private page = new Uint8Array();
  /** Where the file begins in its container, and widths of addresses and of lengths. */
  base = 0;
  offsetSize = 8;
  lengthSize = 8;

  constructor(readonly source: ByteSource) {}

  /** `length` bytes at an address. */
  async part(address: number, length: number): Promise<Part> {
    const at = this.base + address;
    if (length > MAX_PART) throw modelError("too-large", `${length} bytes in one structure of the HDF5 file`, { offset: at });
    if (at < this.from || at + length > this.from + this.page.length) {
      const wanted = Math.min(Math.max(length, PAGE), Math.max(this.source.size - at, length));
      this.page = new Uint8Array(await this.source.read(at, wanted));
      this.from = at;
    }
    return new Part(this, this.page.subarray(at - this.from, at - this.from + length), at);
  }
}

/** A run of bytes that is read from front to back. */
export class Part {
  at = 0;
  private readonly view: DataView;

  constructor(
    private readonly file: Hdf5Bytes,
    readonly bytes: Uint8Array,
    /** Of the first byte, in the file on disk. */
    readonly offset: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  fail(reason: string): Error {
    return modelError("malformed", reason, { offset: this.offset + this.at });
  }

  private take(length: number): number {
    const { at } = this;
    if (!(length >= 0) || at + length > this.bytes.length) throw this.fail("a structure of the HDF5 file is cut");
    this.at += length;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  u64(): number {
    const low = this.u32();
    const high = this.u32();
    return high === 0xffffffff && low === 0xffffffff ? Number.POSITIVE_INFINITY : high * 2 ** 32 + low;
  }
  /** Of any number of bytes up to eight. */
  uint(width: number): number {
    const at = this.take(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.bytes[at + i]!;
    return value;
  }
  private sized(size: number): number {
    return size === 8 ? this.u64() : size === 4 ? this.u32() : this.u16();
  }
  /** Infinity: undefined. */
  address(): number {
    return this.sized(this.file.offsetSize);
  }
  length(): number {
    return this.sized(this.file.lengthSize);
  }
  /** An address as an offset in the file on disk. */
  inFile(address: number): number {
    return this.file.base + address;
  }
  skip(length: number): void {
    this.take(length);
  }
  part(length: number): Part {
    const at = this.take(length);
    return new Part(this.file, this.bytes.subarray(at, at + length), this.offset + at);
  }
  /** Compares the sum of the first `length` bytes with the one behind them. */
  sum(length: number): void {
    if (length + 4 > this.bytes.length) throw this.fail("a structure of the HDF5 file is cut");
    if (this.view.getUint32(length, true) !== lookup3(this.bytes.subarray(0, length)))
      throw modelError("malformed", "the checksum of a structure of the HDF5 file does not agree", { offset: this.offset });
  }
  expect(mark: string): void {
    const at = this.take(mark.length);
    for (let i = 0; i < mark.length; i++)
      if (this.bytes[at + i] !== mark.charCodeAt(i)) {
        this.at = at;
        throw this.fail(`no ${mark} where the HDF5 file says there is one`);
      }
  }
}
