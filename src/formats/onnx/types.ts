/** TypeProto and ValueInfoProto → SourceType. */
import { modelError, type Place } from "../../base/problem.ts";
import { dtypeOfCode } from "../../graph/onnx-types.ts";
import type { SourceDim, SourceType } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Context } from "./context.ts";
import { untyped } from "./draft.ts";
import { Dimension, ElementType, MapType, TensorShape, TensorType, TypeProto, ValueInfo } from "./schema.ts";

/** `sequence(map(int64,tensor(float32)))` is the deepest seen. */
const MAX_TYPE_DEPTH = 16;

export interface NamedType {
  readonly name: string;
  readonly type: SourceType;
  readonly doc: string;
}

export function readValueInfo(f: Fields, context: Context, place: Place): NamedType {
  context.spend(1, f.offset);
  let name = "";
  let doc = "";
  let body: Fields | undefined;
  while (f.next()) {
    if (f.field === ValueInfo.name) name = f.string();
    else if (f.field === ValueInfo.type) body = f.message();
    else if (f.field === ValueInfo.doc) doc = f.text();
  }
  return { name, doc, type: body ? readType(body, context, { ...place, tensor: name }) : untyped };
}

export function readType(f: Fields, context: Context, place: Place, depth = 0): SourceType {
  if (depth > MAX_TYPE_DEPTH) throw modelError("too-deep", `types nest deeper than ${MAX_TYPE_DEPTH}`, { offset: f.offset });
  const nested: Nested = (inner) => typeText(readType(inner, context, place, depth + 1));
  let type = untyped;
  while (f.next()) {
    if (f.field === TypeProto.tensor) type = readTensorType(f.message(), context, place);
    else if (f.field === TypeProto.sparseTensor) {
      const dense = readTensorType(f.message(), context, place);
      type = { ...dense, other: `sparse_tensor(${dense.dtype ?? "unknown"})` };
    } else if (f.field === TypeProto.sequence) type = inWords(`sequence(${elementText(f.message(), nested)})`);
    else if (f.field === TypeProto.optional)
      type = optionalType(f.message(), (inner) => readType(inner, context, place, depth + 1));
    else if (f.field === TypeProto.map) type = inWords(mapText(f.message(), nested));
    else if (f.field === TypeProto.opaque) type = inWords("opaque");
  }
  return type;
}

type Nested = (inner: Fields) => string;

const inWords = (text: string): SourceType => ({ dtype: undefined, shape: undefined, other: text });

const typeText = (type: SourceType): string => type.other ?? `tensor(${type.dtype ?? "unknown"})`;

/** An optional tensor keeps the tensor's type. */
function optionalType(f: Fields, nested: (inner: Fields) => SourceType): SourceType {
  let type = untyped;
  while (f.next()) if (f.field === ElementType.elemType) type = nested(f.message());
  const { dtype, shape } = type.other === undefined ? type : untyped;
  return { dtype, shape, other: `optional(${type === untyped ? "unknown" : typeText(type)})` };
}

function elementText(f: Fields, nested: Nested): string {
  let text = "unknown";
  while (f.next()) if (f.field === ElementType.elemType) text = nested(f.message());
  return text;
}

function mapText(f: Fields, nested: Nested): string {
  let key = "unknown";
  let value = "unknown";
  while (f.next()) {
    if (f.field === MapType.keyType) key = dtypeOfCode(f.int()) ?? "unknown";
    else if (f.field === MapType.valueType) value = nested(f.message());
  }
  return `map(${key},${value})`;
}

function readTensorType(f: Fields, context: Context, place: Place): SourceType {
  let code = 0;
  let shape: SourceDim[] | undefined;
  while (f.next()) {
    if (f.field === TensorType.elemType) code = f.int();
    else if (f.field === TensorType.shape) {
      shape = [];
      const dims = f.message();
      while (dims.next()) if (dims.field === TensorShape.dim) shape.push(readDim(dims.message(), context, place));
    }
  }
  const dtype = dtypeOfCode(code);
  if (!dtype && code !== 0)
    context.report("warning", "unknown-dtype", `unknown data type ${code}`, { ...place, offset: f.offset });
  return { dtype, shape };
}

function readDim(f: Fields, context: Context, place: Place): SourceDim {
  context.spend(1, f.offset);
  let dim: SourceDim = null;
  while (f.next()) {
    if (f.field === Dimension.param) dim = f.string() || null;
    else if (f.field === Dimension.value) {
      const size = f.int64();
      if (typeof size === "number" && size >= 0) dim = size;
      else context.report("warning", "bad-dim", `a dimension of ${size}, read as unknown`, { ...place, offset: f.offset });
    }
  }
  return dim;
}
