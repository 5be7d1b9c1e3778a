/** onnx.proto as data: field numbers by message, and for the reader which fields are messages, structure, or bulk. */
import type { Shape } from "../protobuf/image.ts";

export const Model = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  domain: 4,
  modelVersion: 5,
  doc: 6,
  graph: 7,
  opsetImport: 8,
  metadata: 14,
  trainingInfo: 20,
  functions: 25,
} as const;

export const Graph = {
  node: 1,
  name: 2,
  initializer: 5,
  doc: 10,
  input: 11,
  output: 12,
  valueInfo: 13,
  quantizationAnnotation: 14,
  sparseInitializer: 15,
  metadata: 16,
} as const;

export const NodeProto = {
  input: 1,
  output: 2,
  name: 3,
  op: 4,
  attribute: 5,
  doc: 6,
  domain: 7,
  overload: 8,
  metadata: 9,
} as const;

export const Attribute = {
  name: 1,
  f: 2,
  i: 3,
  s: 4,
  t: 5,
  g: 6,
  floats: 7,
  ints: 8,
  strings: 9,
  tensors: 10,
  graphs: 11,
  doc: 13,
  tp: 14,
  typeProtos: 15,
  type: 20,
  refAttrName: 21,
  sparseTensor: 22,
  sparseTensors: 23,
} as const;

export const FunctionProto = {
  name: 1,
  input: 4,
  output: 5,
  attribute: 6,
  node: 7,
  doc: 8,
  opsetImport: 9,
  domain: 10,
  attributeProto: 11,
  valueInfo: 12,
  overload: 13,
  metadata: 14,
} as const;

export const TensorProto = {
  dims: 1,
  dataType: 2,
  segment: 3,
  floatData: 4,
  int32Data: 5,
  stringData: 6,
  int64Data: 7,
  name: 8,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  doc: 12,
  externalData: 13,
  dataLocation: 14,
  metadata: 16,
} as const;

export const SparseTensor = { values: 1, indices: 2, dims: 3 } as const;
export const ValueInfo = { name: 1, type: 2, doc: 3, metadata: 4 } as const;
export const TypeProto = { tensor: 1, sequence: 4, map: 5, denotation: 6, opaque: 7, sparseTensor: 8, optional: 9 } as const;
export const TensorType = { elemType: 1, shape: 2 } as const;
/** TypeProto.Sequence and TypeProto.Optional. */
export const ElementType = { elemType: 1 } as const;
export const MapType = { keyType: 1, valueType: 2 } as const;
export const TensorShape = { dim: 1 } as const;
export const Dimension = { value: 1, param: 2, denotation: 3 } as const;
/** SequenceProto and OptionalProto (onnx-data.proto). */
export const Sequence = { name: 1, elemType: 2, tensors: 3, sparseTensors: 4, sequences: 5, maps: 6, optionals: 7 } as const;
export const Optional = { name: 1, elemType: 2, tensor: 3, sparseTensor: 4, sequence: 5, map: 6, optional: 7 } as const;
export const OpsetId = { domain: 1, version: 2 } as const;
export const StringEntry = { key: 1, value: 2 } as const;

/** AttributeProto.AttributeType. */
export const attributeTypes = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const;

type Rows = Record<number, Shape[number]>;

/** Every field of the message, kept whole unless `others` says otherwise. */
function rows(message: Readonly<Record<string, number>>, others: Shape): Rows {
  const leaves = Object.fromEntries(Object.values(message).map((field) => [field, "leaf" as const]));
  return { ...leaves, ...others };
}

export const tensorShape: Shape = rows(TensorProto, {
  [TensorProto.floatData]: "bulk",
  [TensorProto.int32Data]: "bulk",
  [TensorProto.int64Data]: "bulk",
  [TensorProto.rawData]: "bulk",
  [TensorProto.doubleData]: "bulk",
  [TensorProto.uint64Data]: "bulk",
});

const sparseShape: Shape = rows(SparseTensor, { [SparseTensor.values]: tensorShape, [SparseTensor.indices]: tensorShape });

const attributeShape: Rows = rows(Attribute, {
  [Attribute.t]: tensorShape,
  [Attribute.tensors]: tensorShape,
  [Attribute.sparseTensor]: sparseShape,
  [Attribute.sparseTensors]: sparseShape,
});

const nodeShape: Shape = rows(NodeProto, { [NodeProto.attribute]: attributeShape });

const graphShape: Shape = rows(Graph, {
  [Graph.node]: nodeShape,
  [Graph.initializer]: tensorShape,
  [Graph.sparseInitializer]: sparseShape,
});

// An attribute holds graphs, whose nodes hold attributes: here the knot is tied.
attributeShape[Attribute.g] = graphShape;
attributeShape[Attribute.graphs] = graphShape;

/** Training graphs are not read: no converter can use them, and `inspect` says that they are there. */
export const modelShape: Shape = rows(Model, {
  [Model.graph]: graphShape,
  [Model.functions]: rows(FunctionProto, { [FunctionProto.node]: nodeShape, [FunctionProto.attributeProto]: attributeShape }),
  [Model.trainingInfo]: "bulk",
});
