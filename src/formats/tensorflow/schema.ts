/** TensorFlow's graph protos as data: field numbers by message, and for the reader which fields are messages, structure, or bulk. */
import type { Shape } from "../protobuf/image.ts";

export const SavedModel = { schemaVersion: 1, metaGraphs: 2 } as const;
export const MetaGraph = {
  metaInfo: 1,
  graph: 2,
  saver: 3,
  collections: 4,
  signatures: 5,
  assets: 6,
  objectGraph: 7,
} as const;
export const MetaInfo = { tags: 4, tensorflowVersion: 5 } as const;
/** AssetFileDef. */
export const Asset = { tensor: 1, filename: 2 } as const;
export const Signature = { inputs: 1, outputs: 2, method: 3 } as const;
export const TensorInfo = { name: 1, dtype: 2, shape: 3, sparse: 4, composite: 5 } as const;
export const GraphDef = { node: 1, library: 2, version: 3, versions: 4 } as const;
export const Versions = { producer: 1, minConsumer: 2 } as const;
export const NodeDef = { name: 1, op: 2, input: 3, device: 4, attr: 5 } as const;
/** Any map field: its entries are messages of two fields. */
export const MapEntry = { key: 1, value: 2 } as const;
export const AttrValue = {
  list: 1,
  s: 2,
  i: 3,
  f: 4,
  b: 5,
  type: 6,
  shape: 7,
  tensor: 8,
  placeholder: 9,
  func: 10,
} as const;
export const ListValue = { s: 2, i: 3, f: 4, b: 5, type: 6, shape: 7, tensor: 8, func: 9 } as const;
/** NameAttrList. */
export const FunctionName = { name: 1, attr: 2 } as const;
export const Library = { function: 1 } as const;
export const FunctionDef = { signature: 1, node: 3, ret: 4, attr: 5 } as const;
export const OpDef = { name: 1, inputArg: 2, outputArg: 3, attr: 4 } as const;
export const ArgDef = { name: 1, type: 3, typeAttr: 4, numberAttr: 5, typeListAttr: 6 } as const;
export const TensorProto = {
  dtype: 1,
  shape: 2,
  content: 4,
  float: 5,
  double: 6,
  int: 7,
  string: 8,
  complex64: 9,
  int64: 10,
  bool: 11,
  complex128: 12,
  half: 13,
  uint32: 16,
  uint64: 17,
} as const;
export const TensorShape = { dim: 2, unknownRank: 3 } as const;
export const Dimension = { size: 1, name: 2 } as const;
/** The entries of a checkpoint's index. */
export const BundleHeader = { shards: 1, endianness: 2 } as const;
export const BundleEntry = { dtype: 1, shape: 2, shard: 3, offset: 4, size: 5, crc32c: 6, slices: 7 } as const;
export const TensorSlice = { extent: 1 } as const;
export const Extent = { start: 1, length: 2 } as const;
/** TrackableObjectGraph, within a checkpoint. */
export const ObjectGraph = { nodes: 1 } as const;
export const ObjectNode = { attributes: 2 } as const;
export const ObjectAttribute = { name: 1, fullName: 2, checkpointKey: 3 } as const;

type Rows = Record<number, Shape[number]>;

/** Every field of the message, kept whole unless `others` says otherwise. */
function rows(message: Readonly<Record<string, number>>, others: Shape): Rows {
  const leaves = Object.fromEntries(Object.values(message).map((field) => [field, "leaf" as const]));
  return { ...leaves, ...others };
}

const { dtype, shape, string, ...elements } = TensorProto;
const tensorShape: Shape = {
  [dtype]: "leaf",
  [shape]: "leaf",
  [string]: "leaf",
  ...Object.fromEntries(Object.values(elements).map((field) => [field, "bulk" as const])),
};

const attrShape: Shape = rows(AttrValue, {
  [AttrValue.tensor]: tensorShape,
  [AttrValue.list]: rows(ListValue, { [ListValue.tensor]: tensorShape }),
});

const nodeShape: Shape = rows(NodeDef, { [NodeDef.attr]: rows(MapEntry, { [MapEntry.value]: attrShape }) });

export const graphShape: Shape = rows(GraphDef, {
  [GraphDef.node]: nodeShape,
  [GraphDef.library]: rows(Library, { [Library.function]: rows(FunctionDef, { [FunctionDef.node]: nodeShape }) }),
});

/** Collections are what a training loop keeps; the object graph names Python objects. */
export const metaGraphShape: Shape = rows(MetaGraph, {
  [MetaGraph.graph]: graphShape,
  [MetaGraph.collections]: "bulk",
  [MetaGraph.objectGraph]: "bulk",
});

export const savedModelShape: Shape = rows(SavedModel, { [SavedModel.metaGraphs]: metaGraphShape });
