/** NumPy's .npy (versions 1 to 3) and .npz. */
import type { ByteSource } from "../../base/bytes.ts";
import type { DType } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import { decodeElements } from "../../graph/elements.ts";
import { type Elements, elementCount, type Tensor } from "../../graph/tensor.ts";
import { readZip } from "../zip/read.ts";

/** Kind and size as in a `descr`, without the byte order. */
const dtypes: Readonly<Record<string, DType>> = {
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Offset of the elements. */
  readonly start: number;
}

/** One array. A `ModelError` for objects (they are pickled code), records, and what is no .npy. May share memory with `bytes`. */
export function readNpy(bytes: Uint8Array): Tensor {
  const { descr, fortran, shape, start } = readHeader(bytes);
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) throw modelError("malformed", `more elements than can be counted: ${shape.join("×")}`);
  const order = descr[0];
  const type = descr.slice(1);
  const body = bytes.subarray(start);
  const [, letter, width] = /^([US])(\d+)$/.exec(type) ?? [];
  const stored: Tensor = letter
    ? { dtype: "string", shape, data: strings(body, count, Number(width), letter === "U", order === ">") }
    : decodeElements(dtypeOf(descr), shape, order === ">" ? "big-endian" : "raw", body);
  return fortran && shape.length > 1 ? { ...stored, data: rowMajor(stored) } : stored;
}

/** The arrays of an .npz by name, without the ending. */
export async function readNpz(source: ByteSource): Promise<{ name: string; tensor: Tensor }[]> {
  const arrays: { name: string; tensor: Tensor }[] = [];
  for (const entry of await readZip(source)) {
    if (entry.name.endsWith(".npy")) arrays.push({ name: entry.name.slice(0, -4), tensor: readNpy(await entry.read()) });
  }
  return arrays;
}

function dtypeOf(descr: string): DType {
  const dtype = Object.hasOwn(dtypes, descr.slice(1)) ? dtypes[descr.slice(1)] : undefined;
  if (dtype && "<>|=".includes(descr[0]!)) return dtype;
  const hint = descr.endsWith("O") ? "save it without pickled objects" : undefined;
  throw modelError("npy-dtype", `an array of ${descr}`, {}, hint);
}

function readHeader(bytes: Uint8Array): Header {
  const fail = (reason: string, offset: number) => modelError("malformed", reason, { offset });
  if (decodeUtf8(bytes.subarray(1, 6)) !== "NUMPY" || bytes[0] !== 0x93) throw fail("no .npy file", 0);
  const major = bytes[6]!;
  if (bytes.length < 12 || major < 1 || major > 3) throw fail(`.npy version ${major}`, 6);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = major === 1 ? 10 : 12;
  const start = from + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) throw modelError("truncated", "the file ends within its header", { offset: bytes.length });
  const text = decodeUtf8(bytes.subarray(from, start));
  const descr = /'descr':\s*'([^']{2,})'/.exec(text)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (/'descr':\s*\[/.test(text)) throw modelError("npy-dtype", "an array of records");
  if (descr === undefined || fortran === undefined || dims === undefined)
    throw fail(`no .npy header: ${text.slice(0, 100).trim()}`, from);
  const shape = dims
    .split(",")
    .filter((dim) => dim.trim() !== "")
    .map(Number);
  return { descr, fortran: fortran === "True", shape, start };
}

/** Fixed width, filled up with zeroes; U is UTF-32, S bytes. */
function strings(bytes: Uint8Array, count: number, width: number, wide: boolean, bigEndian: boolean): string[] {
  const size = width * (wide ? 4 : 1);
  if (bytes.length !== count * size) throw modelError("tensor-length", `${bytes.length} bytes for ${count} strings of ${size}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => {
    if (!wide) return decodeUtf8(bytes.subarray(i * size, (i + 1) * size)).replace(/\0+$/, "");
    let text = "";
    for (let at = i * size; at < (i + 1) * size; at += 4) text += codePoint(view.getUint32(at, !bigEndian));
    return text.replace(/\0+$/, "");
  });
}

const codePoint = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");

/** Column-major elements in row-major order. */
function rowMajor({ shape, data, dtype }: Tensor): Elements {
  const width = dtype.startsWith("complex") ? 2 : 1;
  const out = data.slice();
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to += width) {
    for (let part = 0; part < width; part++) out[to + part] = data[from * width + part]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
