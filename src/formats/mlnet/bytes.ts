/** Numbers and strings of .NET's BinaryWriter, from the bytes of one entry of a model's archive: little-endian, every read bounded. */
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";

/** A name longer than this is a length that is wrong. */
const MAX_STRING = 2 ** 20;

export class EntryBytes {
  at = 0;
  private readonly view: DataView;

  constructor(
    /** For messages. */
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offsets count from the beginning of the entry. */
  fail(reason: string): Error {
    return modelError("malformed", `${this.name}: ${reason}`, { offset: this.at });
  }

  seek(offset: number): this {
    if (!(offset >= 0 && offset <= this.bytes.length))
      throw this.fail(`an offset beyond its ${this.bytes.length} bytes: ${offset}`);
    this.at = offset;
    return this;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (!(length >= 0) || end > this.bytes.length) throw this.fail(`${length} bytes past its end at ${this.bytes.length}`);
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  uint32(): number {
    const { at } = this;
    this.take(4);
    return this.view.getUint32(at, true);
  }

  uint64(): number {
    return this.uint32() + this.uint32() * 2 ** 32;
  }

  /** Seven bits a byte, the lowest first. */
  leb128(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const [byte] = this.take(1);
      value += (byte! & 0x7f) * scale;
      if (byte! < 0x80) return value;
    }
    throw this.fail("a number of more than five bytes");
  }

  /** UTF-8 behind its length. */
  string(): string {
    const length = this.leb128();
    if (length > MAX_STRING) throw this.fail(`a name of ${length} bytes`);
    return decodeUtf8(this.take(length));
  }

  /** ASCII in a field of fixed width, filled up with zeros. */
  fixed(width: number): string {
    return decodeUtf8(this.take(width)).replace(/\0+$/, "");
  }

  startsWith(magic: string): boolean {
    return this.bytes.length >= magic.length && [...magic].every((char, i) => this.bytes[i] === char.charCodeAt(0));
  }
}
