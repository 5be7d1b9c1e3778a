/** TensorProto and SparseTensorProto in every form that onnx.proto allows. */
import { byteLength, type DType } from "../../src/base/dtype.ts";
import { typedField } from "../../src/formats/onnx/dtypes.ts";
import { dtypeCodes } from "../../src/graph/onnx-types.ts";
import { packTensor } from "../../src/graph/pack.ts";
import { allocate, type Elements, elementCount, type Tensor } from "../../src/graph/tensor.ts";
import { bytes, concat, double, type Field, float, int, join, message, optional, packed, text, varint } from "./protobuf.ts";

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Elements;
  /** Default "raw"; strings are always "typed". "typed" packs, "unpacked" writes a tag an element. */
  readonly storage?: "raw" | "typed" | "unpacked" | External;
  readonly doc?: string;
}

export interface External {
  readonly location: string;
  /** In bytes; left out of the file where undefined. */
  readonly offset?: number;
  readonly length?: number;
}

export interface SparseSpec {
  readonly values: TensorSpec;
  readonly indices: TensorSpec;
  readonly shape: readonly number[];
}

/** A stored tensor of plain numbers, bigints or strings (complex: real and imaginary parts in turn). */
export function tensor(
  name: string,
  dtype: DType,
  shape: readonly number[],
  values: ArrayLike<number | bigint | string>,
  storage?: TensorSpec["storage"],
): TensorSpec {
  const count = elementCount(shape) * (dtype.startsWith("complex") ? 2 : 1);
  if (values.length !== count) throw new Error(`${name}: ${values.length} values for shape ${shape.join("x")}`);
  const data = allocate(dtype, elementCount(shape));
  for (let i = 0; i < values.length; i++) set(data, i, values[i]!);
  return { name, dtype, shape, data, ...(storage === undefined ? {} : { storage }) };
}

function set(data: Elements, i: number, value: number | bigint | string): void {
  if (Array.isArray(data)) data[i] = String(value);
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
  else data[i] = Number(value);
}

/** `indices` is [n, rank] or linear [n], as the ONNX page has it. */
export const sparse = (values: TensorSpec, indices: TensorSpec, shape: readonly number[]): SparseSpec => ({
  values,
  indices,
  shape,
});

/** Puts the tensors into one external file, each at a multiple of `align` bytes. */
export function externalFile(
  location: string,
  tensors: readonly TensorSpec[],
  align = 64,
): { tensors: TensorSpec[]; file: Uint8Array } {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const placed = tensors.map((t) => {
    const data = packTensor(t);
    parts.push(data, new Uint8Array((align - (data.length % align)) % align));
    const storage = { location, offset, length: data.length };
    offset += data.length + parts.at(-1)!.length;
    return { ...t, storage };
  });
  return { tensors: placed, file: concat(parts) };
}

/** The bytes of a TensorProto alone, as in `input_0.pb`. */
export function writeTensorProto(name: string, t: Tensor, storage?: TensorSpec["storage"]): Uint8Array {
  return join(tensorFields({ ...t, name, ...(storage === undefined ? {} : { storage }) }));
}

export function tensorFields(t: TensorSpec): Field[] {
  return [
    ...t.shape.map((dim) => int(1, dim)),
    int(2, dtypeCodes[t.dtype]),
    ...dataFields(t),
    ...optional(t.name || undefined, (v) => text(8, v)),
    ...optional(t.doc, (v) => text(12, v)),
  ];
}

export const sparseFields = (s: SparseSpec): Field[] => [
  message(1, tensorFields(s.values)),
  message(2, tensorFields(s.indices)),
  ...s.shape.map((dim) => int(3, dim)),
];

function dataFields(t: TensorSpec): Field[] {
  const { storage = t.dtype === "string" ? "typed" : "raw" } = t;
  if (typeof storage === "object") return externalFields(storage);
  if (storage === "raw") return [bytes(9, packTensor(t))];
  switch (typedField(t.dtype)) {
    case "string_data":
      return (t.data as string[]).map((s) => text(6, s));
    case "float_data":
      return storage === "typed" ? [bytes(4, packTensor(t))] : Array.from(t.data as Float32Array, (v) => float(4, v));
    case "double_data":
      return storage === "typed" ? [bytes(10, packTensor(t))] : Array.from(t.data as Float64Array, (v) => double(10, v));
    case "int64_data":
      return integers(7, t.data as BigInt64Array, storage);
    case "uint64_data":
      return integers(11, t.data as BigUint64Array, storage);
    default:
      return integers(5, int32Codes(t), storage);
  }
}

/** What int32_data holds: the number, the bits of a half or smaller float, or a byte of packed nibbles. */
function int32Codes(t: TensorSpec): ArrayLike<number> {
  const numeric = ["int8", "int16", "int32", "uint8", "uint16", "bool"].includes(t.dtype);
  if (numeric) return t.data as Int32Array;
  const data = packTensor(t);
  return byteLength(t.dtype, 1) === 2 ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
}

function integers(field: number, values: ArrayLike<number | bigint>, storage: "typed" | "unpacked"): Field[] {
  const all = Array.from(values);
  return storage === "typed" ? [packed(field, all.map(varint))] : all.map((v) => int(field, v));
}

function externalFields({ location, offset, length }: External): Field[] {
  const entry = (k: string, v: string) => message(13, [text(1, k), text(2, v)]);
  return [
    entry("location", location),
    ...optional(offset, (v) => entry("offset", String(v))),
    ...optional(length, (v) => entry("length", String(v))),
    int(14, 1),
  ];
}
