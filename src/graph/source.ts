/**
 * What a file says, whole: names and integer ids, file order, dead and dangling nodes, cycles, duplicate names.
 * JSON-able: no object links, no bytes; tensors are places in files. The viewer, the text and `inspect` use only this.
 */
import type { DType } from "../base/dtype.ts";
import type { Problem } from "../base/problem.ts";

export type Dialect = "onnx" | "tflite" | "tensorflow" | "tfjs" | "keras";

/** Index into `SourceGraph.values`. */
export type ValueId = number;
/** Index into `SourceModel.graphs`. */
export type GraphId = number;

/** A number, a symbol (`batch`), or unknown. Unknown is `null` so that JSON keeps it. */
export type SourceDim = number | string | null;

export interface SourceType {
  readonly dtype: DType | undefined;
  /** Undefined: rank unknown. */
  readonly shape: readonly SourceDim[] | undefined;
  /** `sequence(tensor(float32))`, `map(int64,float32)` …: what is not a tensor, in words. */
  readonly other?: string;
  /** What integer elements stand for, where the file says so of a value itself and not by operators. */
  readonly quantization?: Quantization;
}

/** real = (code − zero point) · scale: one pair, or a pair for each slice of `axis`, or for each block of the last axis. */
export interface Quantization {
  readonly scale: readonly number[];
  /** As many as scales. */
  readonly zeroPoint: readonly number[];
  readonly axis: number;
  /** Scales and zero points that are values of the graph; `scale` and `zeroPoint` are empty then. */
  readonly block?: { readonly scales: ValueId; readonly zeroPoints?: ValueId; readonly size: number };
}

/** How stored bytes become little-endian packed elements of the tensor's dtype; graph/tensor.ts decodes. */
export type Encoding = "raw" | "varint" | "big-endian" | "utf8-repeated" | (string & {});

/** A run of bytes in one of the model's files. */
export interface Slice {
  /** Index into `SourceModel.files`. */
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

export interface SourceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where the elements are; more than one run for unpacked repeated fields. Empty for a tensor of no elements. */
  readonly slices: readonly Slice[];
  readonly encoding: Encoding;
  /** Encoding `sparse` only: the slices are the values, then of each compressed level its segments and its indices. */
  readonly sparsity?: Sparsity;
  /** Encoding `coded` only: what the bytes are, and what they stand for. */
  readonly coding?: Coding;
}

/** TF.js's quantised weights: value = code · scale + min, computed in double precision; halves stand for themselves. */
export interface Coding {
  readonly codes: "uint8" | "uint16" | "float16";
  readonly scale: number;
  readonly min: number;
}

/** TACO's format, outermost level first: a level of all its coordinates, or one of those listed. Elements not stored are zero. */
export interface Sparsity {
  /** Of the shape's axes, and past them of the axes within a block. */
  readonly order: readonly number[];
  /** Which axis each axis within a block is cut from. */
  readonly blocks: readonly number[];
  readonly levels: readonly (
    | { readonly size: number }
    | { readonly segments: "int32" | "uint16" | "uint8"; readonly indices: "int32" | "uint16" | "uint8" }
  )[];
}

export type SourceAttr =
  | { readonly kind: "int"; readonly value: number | string /* decimal, beyond 2^53 */ }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "ints"; readonly value: readonly (number | string)[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "dtype"; readonly value: DType }
  | { readonly kind: "shape"; readonly value: readonly SourceDim[] | null }
  | { readonly kind: "tensor"; readonly value: SourceTensor }
  | { readonly kind: "tensors"; readonly value: readonly SourceTensor[] }
  | { readonly kind: "sparse"; readonly values: SourceTensor; readonly indices: SourceTensor; readonly shape: readonly number[] }
  | { readonly kind: "graph"; readonly value: GraphId }
  | { readonly kind: "graphs"; readonly value: readonly GraphId[] }
  | { readonly kind: "type"; readonly value: SourceType }
  /** A function body's reference to an attribute of the call. */
  | { readonly kind: "ref"; readonly value: string }
  /** Held by the file and not understood; kept so that the viewer can say so. */
  | { readonly kind: "unknown"; readonly value: string };

export interface SourceNode {
  /** Index in `SourceGraph.nodes`: file order. */
  readonly id: number;
  /** As the file says; may be empty, may repeat. */
  readonly name: string;
  readonly op: string;
  /** "" for the dialect's own. */
  readonly domain: string;
  readonly inputs: readonly (ValueId | undefined)[];
  readonly outputs: readonly (ValueId | undefined)[];
  readonly attrs: Readonly<Record<string, SourceAttr>>;
  /** Outer values that the node's sub-graphs read, explicit. */
  readonly captures: readonly ValueId[];
  readonly doc?: string;
  /** Key/value pairs that an exporter attached. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SourceValue {
  readonly id: ValueId;
  readonly name: string;
  /** As declared by the file; what lowering infers is another matter. */
  readonly type: SourceType;
  /** Node that makes it (the first, where a broken file has two); undefined for inputs, initializers and dangling names. */
  readonly producer?: number;
  /** The stored tensor, for initializers and constants. */
  readonly tensor?: SourceTensor;
  readonly sparse?: { readonly values: SourceTensor; readonly indices: SourceTensor; readonly shape: readonly number[] };
  /** In a sub-graph: the value of the enclosing graph that this name refers to. */
  readonly outer?: { readonly graph: GraphId; readonly value: ValueId };
  /** Kept from one run of the model to the next, zero at first (TFLite's variable tensors). */
  readonly variable?: true;
  readonly doc?: string;
}

export interface SourceGraph {
  readonly id: GraphId;
  readonly name: string;
  readonly role: "main" | "subgraph" | "function";
  /** The graph that holds this sub-graph. */
  readonly parent?: GraphId;
  readonly nodes: readonly SourceNode[];
  readonly values: readonly SourceValue[];
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  /** What a signature calls them, where that is not the name of the value. */
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
  /** Values that a run computes although they are no outputs: what it leaves in variables. Made for lowering; no reader sets them. */
  readonly effects?: readonly ValueId[];
  readonly doc?: string;
  /** Functions only: domain and the names of the attributes a call may set. */
  readonly domain?: string;
  readonly attributes?: readonly string[];
  /** Functions only: defaults of those attributes that have one. */
  readonly attributeDefaults?: Readonly<Record<string, SourceAttr>>;
  /** Functions carry their own imports. */
  readonly opsets?: Readonly<Record<string, number>>;
}

/** A way to call the model, with its own names for values of one of its graphs. */
export interface Signature {
  readonly key: string;
  readonly graph: GraphId;
  readonly inputs: readonly { readonly name: string; readonly value: ValueId }[];
  readonly outputs: readonly { readonly name: string; readonly value: ValueId }[];
}

/** What a file says of how an input is made, or an output is read, beyond its type. */
export interface TensorNote {
  readonly value: ValueId;
  /** What is fed is (x − mean) / std: one value, or one a channel. */
  readonly normalization?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly colours?: string;
  /** Names of the classes: a file attached to the model. */
  readonly labels?: string;
}

export interface SourceModel {
  readonly name: string;
  readonly dialect: Dialect;
  /** Of the container: `IR 8`, `schema v3`. */
  readonly formatVersion: string;
  readonly producer?: string;
  /** Domain → version; "" is the dialect's own. */
  readonly opsets: Readonly<Record<string, number>>;
  /** [0] is the main graph. */
  readonly graphs: readonly SourceGraph[];
  /** Files that slices point into, relative to the model's folder; [0] is the model itself. */
  readonly files: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** `userDefinedMetadata` of a TF.js model, as it is: a model made of this one keeps it. */
  readonly userMetadata?: Readonly<Record<string, unknown>>;
  readonly signatures?: readonly Signature[];
  /** Of the main graph. */
  readonly notes?: readonly TensorNote[];
  readonly doc?: string;
  /** What is odd or wrong; never prevents opening. */
  readonly problems: readonly Problem[];
}

/** What a node is called in messages, maps and the text: its name, else its first output's, else its place in the file. */
export function nodeLabel(graph: Pick<SourceGraph, "values">, node: Pick<SourceNode, "id" | "name" | "outputs">): string {
  if (node.name) return node.name;
  const first = node.outputs.find((output) => output !== undefined);
  return (first !== undefined && graph.values[first]?.name) || `#${node.id}`;
}

/** `Conv`, `com.microsoft.Gelu`. */
export const opLabel = (node: Pick<SourceNode, "op" | "domain">): string =>
  node.domain && node.domain !== "ai.onnx" ? `${node.domain}.${node.op}` : node.op;
