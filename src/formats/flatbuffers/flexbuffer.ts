/**
 * FlexBuffers: the schema-less format in which TFLite's custom operators keep their options. Small values, decoded whole; depth, size and
 * every offset are checked.
 */
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";

export type FlexValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly FlexValue[]
  | { readonly [key: string]: FlexValue };

/** Options nest two or three deep. */
const MAX_DEPTH = 32;
const MAX_VALUES = 2 ** 16;

/** Packed type: kind in the high six bits, width of what it refers to in the low two. */
enum Kind {
  Null = 0,
  Int = 1,
  UInt = 2,
  Float = 3,
  Key = 4,
  String = 5,
  IndirectInt = 6,
  IndirectUInt = 7,
  IndirectFloat = 8,
  Map = 9,
  Vector = 10,
  VectorInt = 11,
  VectorUInt = 12,
  VectorFloat = 13,
  VectorKey = 14,
  VectorString = 15,
  VectorInt2 = 16,
  VectorFloat4 = 24,
  Blob = 25,
  Bool = 26,
  VectorBool = 36,
}

/** A `ModelError` where the bytes are no flexbuffer; offsets in it count from the first byte. `raw`: strings as their bytes, which are shared. */
export function readFlexbuffer(bytes: Uint8Array, raw = false): FlexValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 3) throw modelError("malformed", `a flexbuffer of ${bytes.length} bytes`, { offset: 0 });
  const width = bytes[bytes.length - 1]!;
  if (![1, 2, 4, 8].includes(width) || bytes.length < 2 + width) throw modelError("malformed", `a flexbuffer of width ${width}`);
  return new Flex(view, raw).value(bytes.length - 2 - width, width, bytes[bytes.length - 2]!, 0);
}

class Flex {
  private values = 0;

  constructor(
    private readonly view: DataView,
    private readonly raw: boolean,
  ) {}

  /** The value whose slot of `width` bytes is at `at`. */
  value(at: number, width: number, packed: number, depth: number): FlexValue {
    if (depth > MAX_DEPTH) throw modelError("too-deep", `values nest deeper than ${MAX_DEPTH}`, { offset: at });
    if (++this.values > MAX_VALUES) throw modelError("too-large", `more than ${MAX_VALUES} values`, { offset: at });
    const kind = packed >> 2;
    const inner = 1 << (packed & 3);
    switch (kind) {
      case Kind.Null:
        return null;
      case Kind.Bool:
        return this.uint(at, width) !== 0;
      case Kind.Int:
        return this.int(at, width);
      case Kind.UInt:
        return this.uint(at, width);
      case Kind.Float:
        return this.float(at, width);
      case Kind.IndirectInt:
        return this.int(this.follow(at, width), inner);
      case Kind.IndirectUInt:
        return this.uint(this.follow(at, width), inner);
      case Kind.IndirectFloat:
        return this.float(this.follow(at, width), inner);
      case Kind.Key:
        return this.key(this.follow(at, width));
      case Kind.String: {
        const bytes = this.blob(this.follow(at, width), inner);
        return this.raw ? bytes : decodeUtf8(bytes);
      }
      case Kind.Blob:
        return this.blob(this.follow(at, width), inner);
      case Kind.Map:
        return this.map(this.follow(at, width), inner, depth);
      case Kind.Vector:
        return this.vector(this.follow(at, width), inner, depth);
      default:
        return this.typed(this.follow(at, width), inner, kind, depth);
    }
  }

  private map(at: number, width: number, depth: number): FlexValue {
    const keys = this.follow(this.check(at - 3 * width, width), width);
    const keyWidth = this.uint(this.check(at - 2 * width, width), width);
    if (![1, 2, 4, 8].includes(keyWidth)) throw modelError("malformed", `keys of width ${keyWidth}`, { offset: at });
    const values = this.vector(at, width, depth);
    const found: [string, FlexValue][] = values.map((value, i) => [this.key(this.follow(keys + i * keyWidth, keyWidth)), value]);
    return Object.fromEntries(found);
  }

  private vector(at: number, width: number, depth: number): readonly FlexValue[] {
    const length = this.length(at, width, width + 1);
    return Array.from({ length }, (_, i) =>
      this.value(at + i * width, width, this.view.getUint8(this.check(at + length * width + i, 1)), depth + 1),
    );
  }

  private typed(at: number, width: number, kind: number, depth: number): FlexValue {
    const [element, fixed] = elementOf(kind);
    if (element === undefined) throw modelError("malformed", `a value of type ${kind}`, { offset: at });
    const length = fixed ?? this.length(at, width, width);
    return Array.from({ length }, (_, i) => this.value(at + i * width, width, element << 2, depth + 1));
  }

  private length(at: number, width: number, each: number): number {
    const length = this.uint(this.check(at - width, width), width);
    this.check(at, length * each);
    return length;
  }

  private blob(at: number, width: number): Uint8Array {
    const length = this.length(at, width, 1);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + at, length);
  }

  private key(at: number): string {
    let end = at;
    while (this.view.getUint8(this.check(end, 1)) !== 0) end++;
    return decodeUtf8(new Uint8Array(this.view.buffer, this.view.byteOffset + at, end - at));
  }

  private follow(at: number, width: number): number {
    const back = this.uint(at, width);
    if (back === 0) throw modelError("malformed", "an offset of 0", { offset: at });
    return this.check(at - back, 1);
  }

  private uint(at: number, width: number): number {
    this.check(at, width);
    if (width === 1) return this.view.getUint8(at);
    if (width === 2) return this.view.getUint16(at, true);
    return width === 4 ? this.view.getUint32(at, true) : Number(this.view.getBigUint64(at, true));
  }

  private int(at: number, width: number): number {
    this.check(at, width);
    if (width === 1) return this.view.getInt8(at);
    if (width === 2) return this.view.getInt16(at, true);
    return width === 4 ? this.view.getInt32(at, true) : Number(this.view.getBigInt64(at, true));
  }

  private float(at: number, width: number): number {
    this.check(at, width);
    if (width === 4) return this.view.getFloat32(at, true);
    if (width === 8) return this.view.getFloat64(at, true);
    throw modelError("malformed", `a float of ${width} bytes`, { offset: at });
  }

  private check(at: number, length: number): number {
    if (at >= 0 && at + length <= this.view.byteLength) return at;
    throw modelError("malformed", `an offset to byte ${at} of a flexbuffer of ${this.view.byteLength}`, {
      offset: Math.min(Math.max(at, 0), this.view.byteLength),
    });
  }
}

/** Element kind of a typed vector, and its length where the type says it. */
function elementOf(kind: number): readonly [element: number | undefined, length?: number] {
  if (kind === Kind.VectorBool) return [Kind.Bool];
  if (kind === Kind.VectorString) return [Kind.String];
  if (kind >= Kind.VectorInt && kind <= Kind.VectorKey) return [kind - Kind.VectorInt + Kind.Int];
  if (kind >= Kind.VectorInt2 && kind <= Kind.VectorFloat4) {
    const i = kind - Kind.VectorInt2;
    return [(i % 3) + Kind.Int, Math.floor(i / 3) + 2];
  }
  return [undefined];
}
