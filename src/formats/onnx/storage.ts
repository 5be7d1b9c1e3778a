/** TensorProto → where its elements are. Nothing is decoded here; graph/decode.ts knows the encodings. */
import type { DType } from "../../base/dtype.ts";
import { byteLength } from "../../base/dtype.ts";
import { confinedPath } from "../../base/path.ts";
import type { Place } from "../../base/problem.ts";
import { dtypeOfCode } from "../../graph/onnx-types.ts";
import type { Encoding, Slice, SourceTensor } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Fields } from "../protobuf/fields.ts";
import { packedSlices, type Run, taggedSlices } from "../protobuf/runs.ts";
import type { Context } from "./context.ts";
import { record } from "./draft.ts";
import { type Storage, typedField } from "./dtypes.ts";
import { StringEntry, TensorProto } from "./schema.ts";

const EXTERNAL = 1;

export interface NamedTensor {
  readonly name: string;
  readonly doc: string;
  /** Undefined where the file says nothing usable; the reason is among the problems. */
  readonly tensor: SourceTensor | undefined;
}

interface TensorDraft {
  name: string;
  doc: string;
  code: number;
  readonly dims: (number | string)[];
  raw: Slice | undefined;
  /** Maps are made when there is something to put in: most tensors are raw. */
  typed: Map<Storage, Run[]> | undefined;
  external: Map<string, string> | undefined;
  location: number;
  segmented: boolean;
}

const typedFields: Readonly<Record<number, Storage>> = {
  [TensorProto.floatData]: "float_data",
  [TensorProto.int32Data]: "int32_data",
  [TensorProto.stringData]: "string_data",
  [TensorProto.int64Data]: "int64_data",
  [TensorProto.doubleData]: "double_data",
  [TensorProto.uint64Data]: "uint64_data",
};

export function readTensor(f: Fields, context: Context, place: Place): NamedTensor {
  context.spend(1, f.offset);
  const offset = f.offset;
  const draft = readFields(f);
  const { name, doc } = draft;
  const found = locate(draft, context);
  if (typeof found !== "string") return { name, doc, tensor: found };
  context.report("error", "bad-tensor", found, { ...place, ...(name ? { tensor: name } : {}), offset });
  return { name, doc, tensor: undefined };
}

function readFields(f: Fields): TensorDraft {
  const draft: TensorDraft = {
    name: "",
    doc: "",
    code: 0,
    dims: [],
    raw: undefined,
    typed: undefined,
    external: undefined,
    location: 0,
    segmented: false,
  };
  while (f.next()) {
    const storage = typedFields[f.field];
    if (storage) {
      const run = { packed: f.wire === 2 && storage !== "string_data", at: f.offset, start: f.start, end: f.start + f.length };
      draft.typed ??= new Map();
      const runs = draft.typed.get(storage);
      if (runs) runs.push(run);
      else draft.typed.set(storage, [run]);
    } else if (f.field === TensorProto.dims) f.appendInts(draft.dims);
    else if (f.field === TensorProto.dataType) draft.code = f.int();
    else if (f.field === TensorProto.segment) draft.segmented = true;
    else if (f.field === TensorProto.name) draft.name = f.string();
    else if (f.field === TensorProto.rawData) draft.raw = { file: 0, offset: f.start, length: f.length };
    else if (f.field === TensorProto.doc) draft.doc = f.text();
    else if (f.field === TensorProto.externalData) {
      draft.external ??= new Map();
      addEntry(draft.external, f.message());
    } else if (f.field === TensorProto.dataLocation) draft.location = f.int();
  }
  return draft;
}

/** StringStringEntryProto; also metadata_props. */
export function addEntry(into: Map<string, string>, f: Fields): void {
  let key = "";
  let value = "";
  while (f.next()) {
    if (f.field === StringEntry.key) key = f.string();
    else if (f.field === StringEntry.value) value = f.text();
  }
  into.set(key, value);
}

/** The tensor, or in words why there is none. */
function locate(draft: TensorDraft, context: Context): SourceTensor | string {
  const dtype = dtypeOfCode(draft.code);
  if (!dtype) return draft.code === 0 ? "a tensor without a data type" : `unknown data type ${draft.code}`;
  const bad = draft.dims.find((dim) => typeof dim === "string" || dim < 0);
  if (bad !== undefined) return `a tensor with a dimension of ${bad}`;
  const shape = draft.dims as number[];
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) return `a tensor of more elements than can be counted: ${shape.join("×")}`;
  if (draft.segmented) return "a tensor in segments, which no ONNX runtime reads";
  const stored = draft.location === EXTERNAL ? externalData(draft, dtype, count, context) : innerData(draft, dtype, count);
  return typeof stored === "string" ? stored : { dtype, shape, slices: stored.slices, encoding: stored.encoding };
}

type Stored = Pick<SourceTensor, "slices" | "encoding">;

function innerData({ raw, typed }: TensorDraft, dtype: DType, count: number): Stored | string {
  if (raw) return dtype === "string" ? "strings in raw_data" : { slices: [raw], encoding: "raw" };
  const field = typedField(dtype);
  const runs = typed?.get(field);
  if (!runs) {
    const [other] = typed?.keys() ?? [];
    if (other) return `${dtype} elements in ${other}, where ${field} belongs`;
    return count === 0 ? { slices: [], encoding: "raw" } : `a tensor of ${count} elements without data`;
  }
  if (field === "string_data") return { slices: taggedSlices(runs), encoding: "utf8-repeated" };
  const kind: Encoding = field === "float_data" || field === "double_data" ? "raw" : "varint";
  if (runs.every((run) => run.packed)) return { slices: packedSlices(runs), encoding: kind };
  return { slices: taggedSlices(runs), encoding: `${kind}-tagged` };
}

function externalData({ external }: TensorDraft, dtype: DType, count: number, context: Context): Stored | string {
  const { location, offset = "0", length } = record(external ?? []);
  if (location === undefined) return "external data without a location";
  const path = confinedPath(location);
  if (path === undefined) return `external data outside the model's folder: ${location}`;
  const expected = byteLength(dtype, count);
  if (expected === undefined) return "strings in external data";
  const from = wholeNumber(offset);
  const bytes = length === undefined ? expected : wholeNumber(length);
  if (from === undefined || bytes === undefined) return `external data at offset ${offset}, length ${length ?? "unset"}`;
  return { slices: [{ file: context.fileId(path), offset: from, length: bytes }], encoding: "raw" };
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
