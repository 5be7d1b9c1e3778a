/** AttrValue → attributes of a node. */
import type { DType } from "../../base/dtype.ts";
import { modelError, type Place } from "../../base/problem.ts";
import type { GraphId, SourceAttr, SourceDim, SourceTensor } from "../../graph/source.ts";
import type { Fields } from "../protobuf/fields.ts";
import type { Reading } from "../protobuf/reading.ts";
import { dtypeOf, typeName } from "./dtypes.ts";
import { AttrValue, FunctionName, ListValue, MapEntry } from "./schema.ts";
import { readShape, readTensor } from "./tensor.ts";

/** What an attribute is read with: the graphs of the library by name, and where problems are told. */
export interface AttrContext {
  readonly reading: Reading;
  readonly functions: ReadonlyMap<string, GraphId>;
}

/** Shapes of a node's outputs, which exporters leave behind as an attribute of every node. */
export const outputShapes = "_output_shapes";

export interface Attributes {
  readonly attrs: Readonly<Record<string, SourceAttr>>;
  readonly shapes: readonly (readonly SourceDim[] | undefined)[];
}

/** `fields` are the entries of a map<string, AttrValue>. */
export function readAttributes(fields: readonly Fields[], context: AttrContext, place: Place): Attributes {
  const attrs = new Map<string, SourceAttr>();
  let shapes: readonly (readonly SourceDim[] | undefined)[] = [];
  for (const f of fields) {
    context.reading.spend(1, f.offset);
    const { key, value } = entry(f);
    if (!value) attrs.set(key, { kind: "unknown", value: "nothing" });
    else if (key === outputShapes) shapes = readShapes(value);
    else attrs.set(key, readValue(value, context, { ...place, tensor: key }));
  }
  return { attrs: Object.fromEntries(attrs), shapes };
}

/** Key and value of a map's entry. */
export function entry(f: Fields): { readonly key: string; readonly value: Fields | undefined } {
  let key = "";
  let value: Fields | undefined;
  while (f.next()) {
    if (f.field === MapEntry.key) key = f.string();
    else if (f.field === MapEntry.value) value = f.message();
  }
  return { key, value };
}

function readValue(f: Fields, context: AttrContext, place: Place): SourceAttr {
  let found: SourceAttr = { kind: "unknown", value: "nothing" };
  while (f.next()) {
    switch (f.field) {
      case AttrValue.s:
        found = { kind: "string", value: f.text() };
        break;
      case AttrValue.i:
        found = { kind: "int", value: f.int64() };
        break;
      case AttrValue.f:
        found = { kind: "float", value: f.float() };
        break;
      case AttrValue.b:
        found = { kind: "bool", value: f.int() !== 0 };
        break;
      case AttrValue.type:
        found = typeAttr(f.int());
        break;
      case AttrValue.shape:
        found = { kind: "shape", value: readShape(f.message()) ?? null };
        break;
      case AttrValue.tensor: {
        const tensor = readTensor(f.message(), context.reading, place);
        found = tensor ? { kind: "tensor", value: tensor } : { kind: "unknown", value: "a tensor that cannot be read" };
        break;
      }
      case AttrValue.placeholder:
        found = { kind: "ref", value: f.string() };
        break;
      case AttrValue.func:
        found = functionAttr(functionName(f.message()), context);
        break;
      case AttrValue.list:
        found = readList(f.message(), context, place);
        break;
    }
  }
  return found;
}

function typeAttr(code: number): SourceAttr {
  const dtype = dtypeOf(code);
  return dtype ? { kind: "dtype", value: dtype } : { kind: "unknown", value: typeName(code) };
}

function functionName(f: Fields): string {
  let name = "";
  while (f.next()) if (f.field === FunctionName.name) name = f.string();
  return name;
}

function functionAttr(name: string, { functions }: AttrContext): SourceAttr {
  const id = functions.get(name);
  return id === undefined ? { kind: "unknown", value: `the function ${name}, which is not there` } : { kind: "graph", value: id };
}

/** An empty list has no type of its own in the file, and is taken for one of integers. */
function readList(f: Fields, context: AttrContext, place: Place): SourceAttr {
  const ints: (number | string)[] = [];
  const floats: number[] = [];
  const strings: string[] = [];
  const types: (number | string)[] = [];
  const tensors: SourceTensor[] = [];
  const graphs: GraphId[] = [];
  let shapes = 0;
  while (f.next()) {
    if (f.field === ListValue.i || f.field === ListValue.b) f.appendInts(ints);
    else if (f.field === ListValue.f) f.appendFloats(floats);
    else if (f.field === ListValue.s) strings.push(f.text());
    else if (f.field === ListValue.type) f.appendInts(types);
    else if (f.field === ListValue.shape) shapes++;
    else if (f.field === ListValue.tensor) {
      const tensor = readTensor(f.message(), context.reading, place);
      if (tensor) tensors.push(tensor);
    } else if (f.field === ListValue.func) {
      const attr = functionAttr(functionName(f.message()), context);
      if (attr.kind !== "graph") return attr;
      graphs.push(attr.value);
    }
  }
  context.reading.spend((ints.length + floats.length + strings.length + types.length) / 8, f.offset);
  if (floats.length > 0) return { kind: "floats", value: floats };
  if (strings.length > 0) return { kind: "strings", value: strings };
  if (types.length > 0) return { kind: "strings", value: types.map((code) => typeName(Number(code))) };
  if (tensors.length > 0) return { kind: "tensors", value: tensors };
  if (graphs.length > 0) return { kind: "graphs", value: graphs };
  return shapes > 0 ? { kind: "unknown", value: `${shapes} shapes` } : { kind: "ints", value: ints };
}

function readShapes(f: Fields): (readonly SourceDim[] | undefined)[] {
  const shapes: (readonly SourceDim[] | undefined)[] = [];
  while (f.next()) {
    if (f.field !== AttrValue.list) continue;
    const list = f.message();
    while (list.next()) if (list.field === ListValue.shape) shapes.push(readShape(list.message()));
  }
  return shapes;
}

export function dtypeAttr(attrs: Readonly<Record<string, SourceAttr>>, name: string): DType | undefined {
  const attr = attrs[name];
  return attr?.kind === "dtype" ? attr.value : undefined;
}

/** An attribute that must be a number for the graph to be read at all. */
export function countAttr(attrs: Readonly<Record<string, SourceAttr>>, name: string, place: Place): number {
  const attr = attrs[name];
  const count = attr?.kind === "int" ? Number(attr.value) : 0;
  if (!Number.isSafeInteger(count) || count < 0) throw modelError("malformed", `attribute ${name} is ${count}`, place);
  return count;
}
