/** onnx.proto messages of a model to be written; lengths and places of the weights are given, their bytes come later. */
import type { Shape, Value } from "../../graph/graph.ts";
import type { OnnxAttr, OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../graph/onnx-graph.ts";
import { dtypeCodes } from "../../graph/onnx-types.ts";
import { Message } from "../protobuf/write.ts";
import {
  Attribute,
  attributeTypes,
  Dimension,
  ElementType,
  Graph,
  Model,
  NodeProto,
  OpsetId,
  StringEntry,
  TensorProto,
  TensorShape,
  TensorType,
  TypeProto,
  ValueInfo,
} from "./schema.ts";

/** What a late content is of: an initializer, or an attribute that is a tensor. */
export interface Weight {
  readonly value: Value;
}

/** Where the elements are. */
export type Placement =
  | { readonly kind: "inline"; readonly length: number }
  | { readonly kind: "external"; readonly location: string; readonly offset: number; readonly length: number }
  | { readonly kind: "strings"; readonly strings: readonly Uint8Array[] };
export type Placements = ReadonlyMap<Weight, Placement>;

export interface About {
  readonly producer: { readonly name: string; readonly version: string };
  readonly metadata?: Readonly<Record<string, string>>;
}

type Out = Message<Weight>;

/** TensorProto.DataLocation. */
const EXTERNAL = 1;

/** The oldest IR version that has the opset: older runtimes take the file. */
export function irVersion(opset: number): number {
  if (opset <= 13) return 7;
  if (opset <= 18) return 8;
  return opset <= 20 ? 9 : 10;
}

export function modelMessage({ graph, opsets }: OnnxModel, placements: Placements, { producer, metadata }: About): Out {
  const out: Out = new Message();
  out.int(Model.irVersion, irVersion(opsets.get("") ?? 0));
  out.string(Model.producerName, producer.name).string(Model.producerVersion, producer.version);
  out.message(Model.graph, graphMessage(graph, placements));
  for (const [domain, version] of opsets)
    out.message(Model.opsetImport, new Message().string(OpsetId.domain, domain).int(OpsetId.version, version));
  for (const [key, text] of Object.entries(metadata ?? {})) out.message(Model.metadata, entry(key, text));
  return out;
}

const entry = (key: string, text: string): Message => new Message().string(StringEntry.key, key).string(StringEntry.value, text);

function graphMessage({ name, nodes, initializers, inputs, outputs, valueInfo }: OnnxGraph, placements: Placements): Out {
  const out: Out = new Message();
  for (const node of nodes) out.message(Graph.node, nodeMessage(node, placements));
  out.string(Graph.name, name);
  for (const each of initializers) out.message(Graph.initializer, tensorMessage(each.name, each, placements));
  for (const value of inputs) out.message(Graph.input, valueMessage(value));
  for (const value of outputs) out.message(Graph.output, valueMessage(value));
  for (const value of valueInfo) out.message(Graph.valueInfo, valueMessage(value));
  return out;
}

function nodeMessage({ op, domain, name, inputs, outputs, attrs }: OnnxNode, placements: Placements): Out {
  const out: Out = new Message();
  for (const input of inputs) out.string(NodeProto.input, input);
  for (const output of outputs) out.string(NodeProto.output, output);
  out.string(NodeProto.name, name).string(NodeProto.op, op);
  for (const [key, attr] of Object.entries(attrs)) out.message(NodeProto.attribute, attributeMessage(key, attr, placements));
  if (domain !== "") out.string(NodeProto.domain, domain);
  return out;
}

function attributeMessage(name: string, attr: OnnxAttr, placements: Placements): Out {
  const { kind, value } = attr;
  const out: Out = new Message<Weight>().string(Attribute.name, name);
  switch (kind) {
    case "int":
      return out.int(Attribute.i, value).int(Attribute.type, attributeTypes.INT);
    case "ints":
      return out.ints(Attribute.ints, value).int(Attribute.type, attributeTypes.INTS);
    case "float":
      return out.float(Attribute.f, value).int(Attribute.type, attributeTypes.FLOAT);
    case "floats":
      return out.floats(Attribute.floats, value).int(Attribute.type, attributeTypes.FLOATS);
    case "string":
      return out.string(Attribute.s, value).int(Attribute.type, attributeTypes.STRING);
    case "strings":
      for (const text of value) out.string(Attribute.strings, text);
      return out.int(Attribute.type, attributeTypes.STRINGS);
    case "tensor":
      return out.message(Attribute.t, tensorMessage(name, attr, placements)).int(Attribute.type, attributeTypes.TENSOR);
    case "graph":
      return out.message(Attribute.g, graphMessage(value, placements)).int(Attribute.type, attributeTypes.GRAPH);
  }
}

function tensorMessage(name: string, weight: Weight, placements: Placements): Out {
  const { dtype, staticShape } = weight.value;
  const out: Out = new Message();
  out.ints(TensorProto.dims, staticShape!).int(TensorProto.dataType, dtypeCodes[dtype]).string(TensorProto.name, name);
  const place = placements.get(weight)!;
  switch (place.kind) {
    case "inline":
      return out.later(TensorProto.rawData, place.length, weight);
    case "strings":
      for (const text of place.strings) out.bytes(TensorProto.stringData, text);
      return out;
    case "external":
      for (const key of ["location", "offset", "length"] as const)
        out.message(TensorProto.externalData, entry(key, String(place[key])));
      return out.int(TensorProto.dataLocation, EXTERNAL);
  }
}

function valueMessage({ name, dtype, shape, sequence }: OnnxValue): Message {
  const tensor = new Message().int(TensorType.elemType, dtypeCodes[dtype]);
  if (shape) tensor.message(TensorType.shape, shapeMessage(shape));
  const element = new Message().message(TypeProto.tensor, tensor);
  const type = sequence
    ? new Message().message(TypeProto.sequence, new Message().message(ElementType.elemType, element))
    : element;
  return new Message().string(ValueInfo.name, name).message(ValueInfo.type, type);
}

/** A dim that is not known is a Dimension that says nothing. */
function shapeMessage(shape: Shape): Message {
  const dims = new Message();
  for (const dim of shape) {
    const one = new Message();
    if (typeof dim === "number") one.int(Dimension.value, dim);
    else if (dim !== undefined) one.string(Dimension.param, dim);
    dims.message(TensorShape.dim, one);
  }
  return dims;
}
