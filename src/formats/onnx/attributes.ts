/** AttributeProto → SourceAttr. */
import type { Place } from "../../base/problem.ts";
import { strictUtf8 } from "../../base/utf8.ts";
import type { GraphId, SourceAttr, SourceTensor, SourceType } from "../../graph/source.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Context } from "./context.ts";
import { Attribute, attributeTypes, SparseTensor } from "./schema.ts";
import { readTensor } from "./storage.ts";
import { readType } from "./types.ts";

export interface NamedAttr {
  readonly name: string;
  readonly attr: SourceAttr;
}

interface AttrDraft {
  name: string;
  type: number;
  ref: string | undefined;
  i: number | string | undefined;
  f: number | undefined;
  s: SourceAttr | undefined;
  readonly ints: (number | string)[];
  readonly floats: number[];
  readonly strings: string[];
  /** Undefined in a list: a tensor that the file states badly; it has been reported. */
  readonly tensors: (SourceTensor | undefined)[];
  readonly t: (SourceTensor | undefined)[];
  readonly graphs: GraphId[];
  readonly g: GraphId[];
  sparse: SourceAttr | undefined;
  tp: SourceType | undefined;
  /** Fields that have no kind of ours. */
  rest: string | undefined;
}

/** `subgraph` reads a graph that the attribute holds. */
export function readAttribute(f: Fields, context: Context, place: Place, subgraph: (f: Fields) => GraphId): NamedAttr {
  context.spend(1, f.offset);
  const offset = f.offset;
  const draft = readFields(f, context, place, subgraph);
  context.spend((draft.ints.length + draft.floats.length) >> 3, offset);
  const attr = attrOf(draft);
  if (attr.kind === "unknown" && draft.type !== attributeTypes.SPARSE_TENSORS && draft.type !== attributeTypes.TYPE_PROTOS) {
    context.report("warning", "bad-attribute", `attribute ${draft.name}: ${attr.value}`, { ...place, offset });
  }
  return { name: draft.name, attr };
}

function readFields(f: Fields, context: Context, place: Place, subgraph: (f: Fields) => GraphId): AttrDraft {
  const draft: AttrDraft = {
    name: "",
    type: 0,
    ref: undefined,
    i: undefined,
    f: undefined,
    s: undefined,
    ints: [],
    floats: [],
    strings: [],
    tensors: [],
    t: [],
    graphs: [],
    g: [],
    sparse: undefined,
    tp: undefined,
    rest: undefined,
  };
  while (f.next()) {
    switch (f.field) {
      case Attribute.name:
        draft.name = f.string();
        break;
      case Attribute.type:
        draft.type = f.int();
        break;
      case Attribute.refAttrName:
        draft.ref = f.string();
        break;
      case Attribute.i:
        draft.i = f.int64();
        break;
      case Attribute.f:
        draft.f = f.float();
        break;
      case Attribute.s:
        draft.s = stringAttr(f);
        break;
      case Attribute.ints:
        f.appendInts(draft.ints);
        break;
      case Attribute.floats:
        f.appendFloats(draft.floats);
        break;
      case Attribute.strings:
        context.spend(1, f.offset);
        draft.strings.push(f.text());
        break;
      case Attribute.t:
        draft.t.push(readTensor(f.message(), context, place).tensor);
        break;
      case Attribute.tensors:
        draft.tensors.push(readTensor(f.message(), context, place).tensor);
        break;
      case Attribute.g:
        draft.g.push(subgraph(f.message()));
        break;
      case Attribute.graphs:
        draft.graphs.push(subgraph(f.message()));
        break;
      case Attribute.sparseTensor:
        draft.sparse = sparseAttr(f.message(), context, place);
        break;
      case Attribute.tp:
        draft.tp = readType(f.message(), context, place);
        break;
      case Attribute.sparseTensors:
        draft.rest = "sparse tensors";
        break;
      case Attribute.typeProtos:
        draft.rest = "types";
        break;
    }
  }
  return draft;
}

function attrOf(d: AttrDraft): SourceAttr {
  if (d.ref) return { kind: "ref", value: d.ref };
  const type = d.type || impliedType(d);
  switch (type) {
    case attributeTypes.INT:
      return d.i === undefined && holdsOther(d) ? unknown("says INT, holds another") : { kind: "int", value: d.i ?? 0 };
    case attributeTypes.FLOAT:
      return d.f === undefined && holdsOther(d) ? unknown("says FLOAT, holds another") : { kind: "float", value: d.f ?? 0 };
    case attributeTypes.STRING:
      return d.s ?? (holdsOther(d) ? unknown("says STRING, holds another") : { kind: "string", value: "" });
    case attributeTypes.INTS:
      return d.ints.length === 0 && holdsOther(d) ? unknown("says INTS, holds another") : { kind: "ints", value: d.ints };
    case attributeTypes.FLOATS:
      return d.floats.length === 0 && holdsOther(d) ? unknown("says FLOATS, holds another") : { kind: "floats", value: d.floats };
    case attributeTypes.STRINGS:
      return d.strings.length === 0 && holdsOther(d)
        ? unknown("says STRINGS, holds another")
        : { kind: "strings", value: d.strings };
    case attributeTypes.TENSOR: {
      const value = d.t.at(-1);
      return value ? { kind: "tensor", value } : unknown("a tensor that cannot be read");
    }
    case attributeTypes.TENSORS:
      return d.tensors.every((t) => t !== undefined)
        ? { kind: "tensors", value: d.tensors }
        : unknown("tensors that cannot be read");
    case attributeTypes.GRAPH: {
      const value = d.g.at(-1);
      return value === undefined ? unknown("a graph that is missing") : { kind: "graph", value };
    }
    case attributeTypes.GRAPHS:
      return { kind: "graphs", value: d.graphs };
    case attributeTypes.SPARSE_TENSOR:
      return d.sparse ?? unknown("a sparse tensor that is missing");
    case attributeTypes.TYPE_PROTO:
      return d.tp ? { kind: "type", value: d.tp } : unknown("a type that is missing");
    default:
      return unknown(d.rest ?? (type === 0 ? "without type or value" : `of type ${type}`));
  }
}

const unknown = (value: string): SourceAttr => ({ kind: "unknown", value });

/** Before IR 2 attributes had no type: the field that is there tells. */
function impliedType(d: AttrDraft): number {
  if (d.i !== undefined) return attributeTypes.INT;
  if (d.f !== undefined) return attributeTypes.FLOAT;
  if (d.s) return attributeTypes.STRING;
  if (d.ints.length) return attributeTypes.INTS;
  if (d.floats.length) return attributeTypes.FLOATS;
  if (d.strings.length) return attributeTypes.STRINGS;
  if (d.t.length) return attributeTypes.TENSOR;
  if (d.tensors.length) return attributeTypes.TENSORS;
  if (d.g.length) return attributeTypes.GRAPH;
  return d.graphs.length ? attributeTypes.GRAPHS : 0;
}

/** A zero or an empty list may be left out of the file; a value of another type in its place is a fault. */
const holdsOther = (d: AttrDraft): boolean => impliedType(d) !== 0;

/** Bytes that are not text (whole engines and tokenizers are kept in attributes) are named by their length. */
function stringAttr(f: Fields): SourceAttr {
  if (f.elided) return { kind: "string", value: f.text() };
  const value = f.length === 0 ? "" : strictUtf8(f.payload());
  return value === undefined ? { kind: "unknown", value: `${f.length} bytes that are not text` } : { kind: "string", value };
}

function sparseAttr(f: Fields, context: Context, place: Place): SourceAttr {
  const { sparse } = readSparse(f, context, place);
  return sparse ? { kind: "sparse", ...sparse } : unknown("a sparse tensor that cannot be read");
}

export interface NamedSparse {
  readonly name: string;
  readonly sparse:
    | { readonly values: SourceTensor; readonly indices: SourceTensor; readonly shape: readonly number[] }
    | undefined;
}

/** SparseTensorProto; its name is that of its values. */
export function readSparse(f: Fields, context: Context, place: Place): NamedSparse {
  const offset = f.offset;
  const dims: (number | string)[] = [];
  let name = "";
  let values: SourceTensor | undefined;
  let indices: SourceTensor | undefined;
  while (f.next()) {
    if (f.field === SparseTensor.values) ({ name, tensor: values } = readTensor(f.message(), context, place));
    else if (f.field === SparseTensor.indices) indices = readTensor(f.message(), context, place).tensor;
    else if (f.field === SparseTensor.dims) f.appendInts(dims);
  }
  const bad = dims.find((dim) => typeof dim === "string" || dim < 0);
  const shape = dims as number[];
  if (values && indices && bad === undefined && Number.isSafeInteger(elementCount(shape)))
    return { name, sparse: { values, indices, shape } };
  context.report("error", "bad-tensor", "a sparse tensor without values, indices or dimensions", {
    ...place,
    tensor: name,
    offset,
  });
  return { name, sparse: undefined };
}
