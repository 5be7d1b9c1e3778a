/** Builds protobuf messages whose large contents are not at hand yet: a length stands in front of a message, so only sizes must be known. */
import { bytesOf } from "../../graph/pack.ts";

/** Bytes that are there, or `length` bytes that come later. */
export type Piece<T> = Uint8Array | { readonly length: number; readonly later: T };

const [varintWire, eightBytes, delimited, fourBytes] = [0, 1, 2, 5];
const initialBytes = 64;
const utf8 = new TextEncoder();

/** One message; `T` says what its late contents are. Fields are written in the order of the calls. */
export class Message<T = never> {
  /** Of the message, without the key and length that an outer one puts before it. */
  size = 0;
  private readonly done: Piece<T>[] = [];
  private buffer = new Uint8Array(initialBytes);
  private at = 0;

  /** A varint field: int32, int64, uint64, bool, enum. Negative numbers take ten bytes, as protobuf has it. */
  int(field: number, value: number | bigint): this {
    this.key(field, varintWire);
    this.varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.key(field, fourBytes);
    return this.append(bytesOf(Float32Array.of(value)));
  }

  double(field: number, value: number): this {
    this.key(field, eightBytes);
    return this.append(bytesOf(Float64Array.of(value)));
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** Copied. */
  bytes(field: number, value: Uint8Array): this {
    this.key(field, delimited);
    this.varint(value.length);
    return this.append(value);
  }

  /** A packed repeated varint field. */
  ints(field: number, values: readonly (number | bigint)[]): this {
    const packed = new Message();
    for (const value of values) packed.varint(value);
    return this.message(field, packed);
  }

  /** A packed repeated float field. */
  floats(field: number, values: readonly number[]): this {
    return this.bytes(field, bytesOf(Float32Array.from(values)));
  }

  message(field: number, inner: Message<T> | Message): this {
    this.key(field, delimited);
    this.varint(inner.size);
    for (const piece of inner.pieces() as Piece<T>[]) this.piece(piece);
    return this;
  }

  /** A bytes field whose `length` bytes are written when they are at hand. */
  later(field: number, length: number, later: T): this {
    this.key(field, delimited);
    this.varint(length);
    return this.piece({ length, later });
  }

  /** The message in order: what is there, in as few pieces as possible, and what comes later. */
  pieces(): readonly Piece<T>[] {
    return this.at === 0 ? this.done : [...this.done, this.buffer.subarray(0, this.at)];
  }

  private piece(piece: Piece<T>): this {
    if (piece instanceof Uint8Array) return this.append(piece);
    this.done.push(...this.pieces().slice(this.done.length), piece);
    this.buffer = new Uint8Array(initialBytes);
    this.at = 0;
    this.size += piece.length;
    return this;
  }

  private key(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  private varint(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && value < 128) {
      this.reserve(1);
      this.buffer[this.at++] = value;
      this.size++;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.append(bytes);
  }

  private append(bytes: Uint8Array | readonly number[]): this {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
    this.size += bytes.length;
    return this;
  }

  private reserve(count: number): void {
    if (this.at + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.at + count, 2 * this.buffer.length));
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }
}
