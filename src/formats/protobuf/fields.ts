/** A cursor over the fields of one message in an image. Positions are file offsets throughout, so that errors and slices need no translation. */
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import { type Cursor, readVarint, signed64 } from "../../base/varint.ts";
import type { Image } from "./image.ts";

/** Fields in a whole file; a million-node graph has about ten million. Bounds the time that a file of empty fields can take. */
const MAX_FIELDS = 2 ** 27;
/** A name. Exporters that write whole module paths stay under a few kilobytes. */
const MAX_NAME = 2 ** 20;

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/**
 * Reads `while (f.next()) switch (f.field) { case …: f.string() }`. Fields that the caller does not ask about are skipped by `next`.
 * A field of another wire type than asked for is a `ModelError` with the offset.
 */
export class Fields implements Cursor {
  /** Of the current field: its number and wire type (0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes). */
  field = 0;
  wire = 0;
  /** Offset of the field's key; before the first field, of the message. */
  offset: number;
  /** Offset and length of its payload. */
  start = 0;
  length = 0;

  /** For `readVarint`: where it reads in the image, and the number it read. An object of its own would double the cost of a message. */
  at = 0;
  lo = 0;
  hi = 0;
  private pos: number;

  /** `hole` is the first hole at or after `from`, `shift` the bytes left out before it. */
  constructor(
    readonly image: Image,
    from = 0,
    readonly end = image.size,
    private hole = 0,
    private shift = 0,
  ) {
    this.pos = from;
    this.offset = from;
  }

  next(): boolean {
    this.passHoles();
    if (this.pos >= this.end) return false;
    const { image, shift } = this;
    if (++image.fields > MAX_FIELDS) throw modelError("too-large", `more than ${MAX_FIELDS} fields`, { offset: this.pos });
    const limit = Math.min(this.end - shift, image.bytes.length);
    this.offset = this.pos;
    this.at = this.pos - shift;
    readVarint(image.bytes, limit, this, shift);
    this.wire = this.lo & 7;
    this.field = (this.lo >>> 3) + this.hi * 2 ** 29;
    if (this.field === 0) throw modelError("malformed", "field number 0", { offset: this.offset });
    this.start = this.at + shift;
    if (this.wire === 0) {
      readVarint(image.bytes, limit, this, shift);
      this.length = this.at + shift - this.start;
    } else if (this.wire === 2) {
      readVarint(image.bytes, limit, this, shift);
      this.start = this.at + shift;
      this.length = this.lo + this.hi * 2 ** 32;
    } else if (this.wire === 1 || this.wire === 5) this.length = this.wire === 1 ? 8 : 4;
    else throw modelError("malformed", `wire type ${this.wire}`, { offset: this.offset });
    this.pos = this.start + this.length;
    if (this.pos > this.end) {
      throw modelError("malformed", `a field of ${this.length} bytes runs past its message, which ends at byte ${this.end}`, {
        offset: this.start,
      });
    }
    return true;
  }

  /** Whether the payload was left in the file. */
  get elided(): boolean {
    return this.wire === 2 && this.image.holes[this.hole]?.at === this.start;
  }

  /** The current field as a message. */
  message(): Fields {
    this.expect(2);
    return new Fields(this.image, this.start, this.pos, this.hole, this.shift);
  }

  /** A name: a string of bounded length. */
  string(): string {
    this.expect(2);
    if (this.elided || this.length > MAX_NAME) {
      throw modelError("too-large", `a name of ${this.length} bytes, more than ${MAX_NAME}`, { offset: this.start });
    }
    return decodeUtf8(this.payload());
  }

  /** Text of any length, or in words how long it is where it was left in the file. */
  text(): string {
    this.expect(2);
    return this.elided ? `(${this.length} bytes)` : decodeUtf8(this.payload());
  }

  /** Shared with the image, not a copy. Not for elided fields. */
  payload(): Uint8Array {
    const from = this.start - this.shift;
    return this.image.bytes.subarray(from, from + this.length);
  }

  /** A signed 64-bit number; in decimal past 2^53. */
  int64(): number | string {
    this.expect(0);
    return signed64(this.lo, this.hi);
  }

  /** A number that must be a safe integer: dims, codes, versions. */
  int(): number {
    const value = this.int64();
    if (typeof value === "string") throw modelError("malformed", `a number out of range: ${value}`, { offset: this.offset });
    return value;
  }

  float(): number {
    this.expect(5);
    return this.float32At(this.start - this.shift);
  }

  /** Appends the numbers of a repeated int64 field, packed or not. */
  appendInts(out: (number | string)[]): void {
    if (this.wire === 0) {
      out.push(this.int64());
      return;
    }
    this.expectPacked();
    const { image, shift } = this;
    const end = this.pos - shift;
    for (this.at = this.start - shift; this.at < end; ) {
      readVarint(image.bytes, end, this, shift);
      out.push(signed64(this.lo, this.hi));
    }
  }

  /** Appends the numbers of a repeated float field, packed or not. */
  appendFloats(out: number[]): void {
    if (this.wire === 5) {
      out.push(this.float());
      return;
    }
    this.expectPacked();
    if (this.length % 4) throw modelError("malformed", `${this.length} bytes of packed floats`, { offset: this.start });
    const end = this.pos - this.shift;
    for (let at = this.start - this.shift; at < end; at += 4) out.push(this.float32At(at));
  }

  private float32At(at: number): number {
    const { bytes } = this.image;
    float32Bits[0] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    return float32[0]!;
  }

  private expectPacked(): void {
    this.expect(2);
    if (this.elided) throw modelError("too-large", `a list of ${this.length} bytes`, { offset: this.start });
  }

  private expect(wire: number): void {
    if (this.wire !== wire)
      throw modelError("malformed", `field ${this.field} has wire type ${this.wire}, not ${wire}`, { offset: this.offset });
  }

  /** Moves past the holes that end at or before the next field. */
  private passHoles(): void {
    const { holes } = this.image;
    for (let hole = holes[this.hole]; hole && hole.at + hole.length <= this.pos; hole = holes[++this.hole])
      this.shift += hole.length;
  }
}
