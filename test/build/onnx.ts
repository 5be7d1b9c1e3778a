/**
 * ONNX models made in code. A model, start to end:
 *
 *   const bytes = onnxModel({
 *     graph: {
 *       inputs: [value("x", "float32", ["batch", 3])],
 *       outputs: [value("y", "float32", ["batch", 5])],
 *       initializers: [tensor("w", "float32", [3, 5], random(15))],
 *       nodes: [node("MatMul", ["x", "w"], ["y"], {}, "fc")],
 *     },
 *   });
 *   const { model, files } = await openOnnx(bytes);
 *
 * Attributes: a whole number or bigint is INT, an array of them INTS, `float(1)` and `floats([…])` are FLOAT(S), strings STRING(S),
 * `tensor(…)` TENSOR, a graph (an object with `nodes`) GRAPH, `ref("alpha")` a function's reference; `attr(…)` writes anything else.
 */
import type { DType } from "../../src/base/dtype.ts";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { readOnnx } from "../../src/formats/onnx/read.ts";
import { attributeTypes } from "../../src/formats/onnx/schema.ts";
import { dtypeCodes } from "../../src/graph/onnx-types.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import type { ModelFiles } from "../../src/graph/tensor.ts";
import {
  bytes,
  concat,
  type Field,
  float as floatField,
  int,
  join,
  message,
  optional,
  packed,
  text,
  varint,
} from "./protobuf.ts";
import { type SparseSpec, sparseFields, type TensorSpec, tensorFields } from "./tensors.ts";

export type { SparseSpec, TensorSpec } from "./tensors.ts";
export { externalFile, sparse, tensor, writeTensorProto } from "./tensors.ts";

/** A number, a symbol, or null for a dim that says nothing. */
export type Dim = number | string | null;

/** Raw fields of a TypeProto, for what is not a tensor. */
export interface ValueSpec {
  readonly name: string;
  readonly type: readonly Field[];
  readonly doc?: string;
}

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly name?: string;
  readonly inputs?: readonly ValueSpec[];
  readonly outputs?: readonly ValueSpec[];
  readonly initializers?: readonly TensorSpec[];
  readonly sparseInitializers?: readonly SparseSpec[];
  readonly valueInfo?: readonly ValueSpec[];
  readonly doc?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly name?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly doc?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface FunctionSpec {
  readonly name: string;
  readonly domain: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  /** Names of the attributes a call must set. */
  readonly attributes?: readonly string[];
  /** Attributes with a default. */
  readonly defaults?: Readonly<Record<string, AttrValue>>;
  readonly opsets?: Readonly<Record<string, number>>;
  readonly valueInfo?: readonly ValueSpec[];
  readonly doc?: string;
}

export interface ModelSpec {
  readonly graph: GraphSpec;
  /** Default 10. */
  readonly ir?: number;
  /** Default `{"": 21}`. */
  readonly opsets?: Readonly<Record<string, number>>;
  readonly functions?: readonly FunctionSpec[];
  readonly producer?: readonly [name: string, version: string];
  readonly domain?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Bytes of the AttributeProto but its name. */
export class AttrFields {
  constructor(readonly fields: readonly Field[]) {}
}

export type AttrValue =
  | number
  | bigint
  | string
  | readonly (number | bigint)[]
  | readonly string[]
  | TensorSpec
  | readonly TensorSpec[]
  | SparseSpec
  | GraphSpec
  | readonly GraphSpec[]
  | AttrFields;

export const attr = (type: keyof typeof attributeTypes | number, ...fields: Field[]) =>
  new AttrFields([...fields, int(20, typeof type === "number" ? type : attributeTypes[type])]);
export const float = (value: number) => attr("FLOAT", floatField(2, value));
export const floats = (values: readonly number[]) => attr("FLOATS", ...values.map((v) => floatField(7, v)));
/** Packed, as proto3 writers have it; the plain array is unpacked, as onnx.proto says. */
export const packedFloats = (values: readonly number[]) =>
  attr("FLOATS", bytes(7, new Uint8Array(Float32Array.from(values).buffer)));
export const packedInts = (values: readonly number[]) => attr("INTS", packed(8, values.map(varint)));
export const emptyInts = () => attr("INTS");
/** A function body's reference to an attribute of its call. */
export const ref = (name: string, type: keyof typeof attributeTypes) => attr(type, text(21, name));
export const typeAttr = (spec: ValueSpec) => attr("TYPE_PROTO", message(14, spec.type));

export interface NodeOptions {
  readonly domain?: string;
  readonly overload?: string;
  readonly doc?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A node; `name` is the node's name ("" writes none). */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attrs: Readonly<Record<string, AttrValue>> = {},
  name = "",
  options: NodeOptions = {},
): NodeSpec {
  return { op, inputs, outputs, attrs, ...(name ? { name } : {}), ...options };
}

/** A tensor value; shape undefined: rank unknown. */
export function value(name: string, dtype: DType, shape?: readonly Dim[], doc?: string): ValueSpec {
  return { name, type: [message(1, tensorType(dtype, shape))], ...(doc === undefined ? {} : { doc }) };
}

export const untyped = (name: string): ValueSpec => ({ name, type: [] });
export const sequence = (name: string, element: ValueSpec): ValueSpec => ({
  name,
  type: [message(4, [message(1, element.type)])],
});
export const optionalOf = (name: string, element: ValueSpec): ValueSpec => ({
  name,
  type: [message(9, [message(1, element.type)])],
});
export const map = (name: string, key: DType, element: ValueSpec): ValueSpec => ({
  name,
  type: [message(5, [int(1, dtypeCodes[key]), message(2, element.type)])],
});

function tensorType(dtype: DType, shape: readonly Dim[] | undefined): Field[] {
  return [int(1, dtypeCodes[dtype]), ...optional(shape, (dims) => message(2, dims.map(dimField)))];
}

function dimField(dim: Dim): Field {
  if (dim === null) return message(1, []);
  return message(1, [typeof dim === "number" ? int(1, dim) : text(2, dim)]);
}

/** The bytes of a ModelProto. */
export function onnxModel(spec: ModelSpec): Uint8Array {
  const { ir = 10, opsets = { "": 21 }, producer = ["modelwright-test", "1"] } = spec;
  return join([
    int(1, ir),
    text(2, producer[0]),
    text(3, producer[1]),
    ...optional(spec.domain, (v) => text(4, v)),
    ...optional(spec.version, (v) => int(5, v)),
    ...optional(spec.doc, (v) => text(6, v)),
    message(7, graphFields(spec.graph)),
    ...opsetFields(8, opsets),
    ...metadataFields(14, spec.metadata),
    ...(spec.functions ?? []).map((f) => message(25, functionFields(f))),
  ]);
}

function graphFields(g: GraphSpec): Field[] {
  return [
    ...g.nodes.map((n) => message(1, nodeFields(n))),
    text(2, g.name ?? "main"),
    ...(g.initializers ?? []).map((t) => message(5, tensorFields(t))),
    ...optional(g.doc, (v) => text(10, v)),
    ...(g.inputs ?? []).map((v) => message(11, valueFields(v))),
    ...(g.outputs ?? []).map((v) => message(12, valueFields(v))),
    ...(g.valueInfo ?? []).map((v) => message(13, valueFields(v))),
    ...(g.sparseInitializers ?? []).map((s) => message(15, sparseFields(s))),
    ...metadataFields(16, g.metadata),
  ];
}

function nodeFields(n: NodeSpec): Field[] {
  return [
    ...n.inputs.map((name) => text(1, name)),
    ...n.outputs.map((name) => text(2, name)),
    ...optional(n.name, (v) => text(3, v)),
    text(4, n.op),
    ...Object.entries(n.attrs).map(([name, v]) => message(5, [text(1, name), ...attrFields(v)])),
    ...optional(n.doc, (v) => text(6, v)),
    ...optional(n.domain, (v) => text(7, v)),
    ...optional(n.overload, (v) => text(8, v)),
    ...metadataFields(9, n.metadata),
  ];
}

function functionFields(f: FunctionSpec): Field[] {
  return [
    text(1, f.name),
    ...f.inputs.map((name) => text(4, name)),
    ...f.outputs.map((name) => text(5, name)),
    ...(f.attributes ?? []).map((name) => text(6, name)),
    ...f.nodes.map((n) => message(7, nodeFields(n))),
    ...optional(f.doc, (v) => text(8, v)),
    ...opsetFields(9, f.opsets ?? { "": 21 }),
    text(10, f.domain),
    ...Object.entries(f.defaults ?? {}).map(([name, v]) => message(11, [text(1, name), ...attrFields(v)])),
    ...(f.valueInfo ?? []).map((v) => message(12, valueFields(v))),
    ...optional(f.overload, (v) => text(13, v)),
  ];
}

const valueFields = (v: ValueSpec): Field[] => [text(1, v.name), message(2, v.type), ...optional(v.doc, (d) => text(3, d))];

const opsetFields = (field: number, opsets: Readonly<Record<string, number>>): Field[] =>
  Object.entries(opsets).map(([domain, version]) => message(field, [text(1, domain), int(2, version)]));

const metadataFields = (field: number, pairs: Readonly<Record<string, string>> = {}): Field[] =>
  Object.entries(pairs).map(([k, v]) => message(field, [text(1, k), text(2, v)]));

function attrFields(v: AttrValue): readonly Field[] {
  if (v instanceof AttrFields) return v.fields;
  if (Array.isArray(v)) return listFields(v as readonly unknown[]);
  if (typeof v === "string") return attr("STRING", text(4, v)).fields;
  if (typeof v === "number" || typeof v === "bigint") return attr("INT", int(3, whole(v))).fields;
  if ("nodes" in v) return attr("GRAPH", message(6, graphFields(v))).fields;
  if ("indices" in v) return attr("SPARSE_TENSOR", message(22, sparseFields(v))).fields;
  return attr("TENSOR", message(5, tensorFields(v as TensorSpec))).fields;
}

function listFields(list: readonly unknown[]): readonly Field[] {
  const [first] = list;
  if (typeof first === "string") return attr("STRINGS", ...list.map((v) => text(9, v as string))).fields;
  if (typeof first === "object" && first !== null) {
    if ("nodes" in first) return attr("GRAPHS", ...list.map((g) => message(11, graphFields(g as GraphSpec)))).fields;
    return attr("TENSORS", ...list.map((t) => message(10, tensorFields(t as TensorSpec)))).fields;
  }
  return attr("INTS", ...list.map((v) => int(8, whole(v as number | bigint)))).fields;
}

function whole(v: number | bigint): number | bigint {
  if (typeof v === "number" && !Number.isInteger(v)) throw new Error(`write float(${v}): plain numbers are INT attributes`);
  return v;
}

/** Reads a model built here; `files` are its external data by name. */
export function openOnnx(
  model: Uint8Array,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ model: SourceModel; files: ModelFiles }> {
  return readOnnx(memorySource("model.onnx", model), memorySources(files));
}

/** Joins the bytes of several protobuf pieces: a ModelProto may be written in parts, which merge. */
export const joinBytes = concat;
