/** Protobuf's wire format as it grows; also plain bytes. */
export class WireWriter {
  private buffer = new Uint8Array(64);
  private used = 0;

  add(bytes: Uint8Array): void {
    const needed = this.used + bytes.length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.used);
    this.used = needed;
  }

  varint(field: number, value: bigint): void {
    this.number(field * 8);
    this.big(value);
  }

  bytes(field: number, content: Uint8Array): void {
    this.number(field * 8 + 2);
    this.number(content.length);
    this.add(content);
  }

  float(field: number, value: number, width: 4 | 8): void {
    this.number(field * 8 + (width === 4 ? 5 : 1));
    this.add(new Uint8Array(width === 4 ? Float32Array.of(value).buffer : Float64Array.of(value).buffer));
  }

  done(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  private number(value: number): void {
    this.big(BigInt(value));
  }

  private big(value: bigint): void {
    const out: number[] = [];
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
    out.push(Number(rest));
    this.add(Uint8Array.from(out));
  }
}
