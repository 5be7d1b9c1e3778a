/** TensorFlow graphs made in code: GraphDefs, functions, SavedModels, and checkpoints with their checksums. */
import { crc32c } from "../../src/base/crc32c.ts";
import type { DType } from "../../src/base/dtype.ts";
import { packTensor } from "../../src/graph/pack.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { bytes, concat, type Field, float, int, join, message, packed, text, varint } from "./protobuf.ts";

export const dataTypes: Partial<Record<DType, number>> = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
};

export const dataType = (dtype: DType): number => dataTypes[dtype]!;
/** DT_RESOURCE. */
export const resource = 20;

/** −1 for a dim that is not known; undefined for an unknown rank. */
export type Dims = readonly number[] | undefined;

export const shapeProto = (dims: Dims): Field[] => (dims ? dims.map((dim) => message(2, [int(1, dim)])) : [int(3, 1)]);

/** A TensorProto with its elements packed. */
export function tensorProto(tensor: Tensor): Field[] {
  const head = [int(1, dataType(tensor.dtype)), message(2, shapeProto(tensor.shape))];
  if (Array.isArray(tensor.data)) return [...head, ...tensor.data.map((each) => text(8, each))];
  return [...head, bytes(4, packTensor(tensor))];
}

/** One of the typed fields of a TensorProto, as Python's `tf.constant` writes small tensors. */
export const typedProto = (dtype: DType, dims: readonly number[], field: number, values: readonly Uint8Array[]): Field[] => [
  int(1, dataType(dtype)),
  message(2, shapeProto(dims)),
  packed(field, values),
];

export type Attribute =
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly s: string }
  | { readonly type: DType | number }
  | { readonly shape: Dims }
  | { readonly tensor: Tensor | readonly Field[] }
  | { readonly func: string }
  | { readonly funcs: readonly string[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly ints: readonly number[] }
  | { readonly types: readonly (DType | number)[] }
  | { readonly shapes: readonly Dims[] };

const code = (type: DType | number): number => (typeof type === "number" ? type : dataType(type));

function attrValue(attr: Attribute): Field[] {
  if ("i" in attr) return [int(3, attr.i)];
  if ("f" in attr) return [float(4, attr.f)];
  if ("b" in attr) return [int(5, attr.b ? 1 : 0)];
  if ("s" in attr) return [text(2, attr.s)];
  if ("type" in attr) return [int(6, code(attr.type))];
  if ("shape" in attr) return [message(7, shapeProto(attr.shape))];
  if ("tensor" in attr) return [message(8, "dtype" in attr.tensor ? tensorProto(attr.tensor) : attr.tensor)];
  if ("func" in attr) return [message(10, [text(1, attr.func)])];
  if ("funcs" in attr)
    return [
      message(
        1,
        attr.funcs.map((name) => message(9, [text(1, name)])),
      ),
    ];
  if ("floats" in attr)
    return [
      message(1, [
        packed(
          4,
          attr.floats.map((each) => new Uint8Array(Float32Array.of(each).buffer)),
        ),
      ]),
    ];
  if ("strings" in attr)
    return [
      message(
        1,
        attr.strings.map((each) => text(2, each)),
      ),
    ];
  if ("ints" in attr) return [message(1, [packed(3, attr.ints.map(varint))])];
  if ("types" in attr)
    return [
      message(1, [
        packed(
          6,
          attr.types.map((type) => varint(code(type))),
        ),
      ]),
    ];
  return [
    message(
      1,
      attr.shapes.map((dims) => message(7, shapeProto(dims))),
    ),
  ];
}

export interface NodeSpec {
  readonly name: string;
  readonly op: string;
  readonly inputs?: readonly string[];
  readonly attrs?: Readonly<Record<string, Attribute>>;
}

export const nodeDef = ({ name, op, inputs = [], attrs = {} }: NodeSpec): Field[] => [
  text(1, name),
  text(2, op),
  ...inputs.map((input) => text(3, input)),
  ...Object.entries(attrs).map(([key, attr]) => message(5, [text(1, key), message(2, attrValue(attr))])),
];

export const placeholder = (name: string, dtype: DType, shape: Dims): NodeSpec => ({
  name,
  op: "Placeholder",
  attrs: { dtype: { type: dtype }, shape: { shape } },
});

export const constant = (name: string, tensor: Tensor): NodeSpec => ({
  name,
  op: "Const",
  attrs: { dtype: { type: tensor.dtype }, value: { tensor } },
});

export interface FunctionSpec {
  readonly name: string;
  readonly inputs: readonly (readonly [name: string, type: DType | number])[];
  /** Name, type, and what gives it. */
  readonly outputs: readonly (readonly [name: string, type: DType | number, value: string])[];
  readonly nodes: readonly NodeSpec[];
}

const argument = ([name, type]: readonly [string, DType | number, ...unknown[]]): Field[] => [text(1, name), int(3, code(type))];

const functionDef = ({ name, inputs, outputs, nodes }: FunctionSpec): Field[] => [
  message(1, [
    text(1, name),
    ...inputs.map((each) => message(2, argument(each))),
    ...outputs.map((each) => message(3, argument(each))),
  ]),
  ...nodes.map((node) => message(3, nodeDef(node))),
  ...outputs.map(([output, , value]) => message(4, [text(1, output), text(2, value)])),
];

export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly functions?: readonly FunctionSpec[];
  readonly producer?: number;
}

export const graphFields = ({ nodes, functions = [], producer = 1395 }: GraphSpec): Field[] => [
  ...nodes.map((node) => message(1, nodeDef(node))),
  message(
    2,
    functions.map((each) => message(1, functionDef(each))),
  ),
  message(4, [int(1, producer)]),
];

/** A frozen graph. */
export const graphDef = (spec: GraphSpec): Uint8Array => join(graphFields(spec));

/** Name → `node:port` with its type. */
export type SignatureSide = Readonly<Record<string, { readonly value: string; readonly dtype: DType; readonly shape: Dims }>>;

export interface SignatureSpec {
  readonly inputs: SignatureSide;
  readonly outputs: SignatureSide;
}

const side = (field: number, entries: SignatureSide): Field[] =>
  Object.entries(entries).map(([key, { value, dtype, shape }]) =>
    message(field, [text(1, key), message(2, [text(1, value), int(2, dataType(dtype)), message(3, shapeProto(shape))])]),
  );

export interface MetaSpec {
  readonly tags: readonly string[];
  readonly graph: GraphSpec;
  readonly signatures: Readonly<Record<string, SignatureSpec>>;
  /** File names by the value that stands for each. */
  readonly assets?: Readonly<Record<string, string>>;
}

export const savedModel = (...metas: readonly MetaSpec[]): Uint8Array =>
  join([
    int(1, 1),
    ...metas.map(({ tags, graph, signatures, assets = {} }) =>
      message(2, [
        message(1, [...tags.map((tag) => text(4, tag)), text(5, "2.15.0")]),
        message(2, graphFields(graph)),
        ...Object.entries(assets).map(([value, file]) => message(6, [message(1, [text(1, value)]), text(2, file)])),
        ...Object.entries(signatures).map(([key, { inputs, outputs }]) =>
          message(5, [text(1, key), message(2, [...side(1, inputs), ...side(2, outputs), text(3, "predict")])]),
        ),
      ]),
    ),
  ]);

/** LevelDB's form of a checksum. */
export function masked(crc: number): Uint8Array {
  const rotated = ((crc >>> 15) | (crc << 17)) >>> 0;
  return new Uint8Array(Uint32Array.of((rotated + 0xa282ead8) >>> 0).buffer);
}

/** Snappy's raw format: its length, then everything as literals of at most 60 bytes. */
export function snappyLiterals(content: Uint8Array): Uint8Array {
  const parts = [varint(content.length)];
  for (let at = 0; at < content.length; at += 60) {
    const run = content.subarray(at, at + 60);
    parts.push(Uint8Array.of((run.length - 1) << 2), run);
  }
  return concat(parts);
}

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

const handleBytes = ({ offset, size }: BlockHandle): Uint8Array => concat([varint(offset), varint(size)]);

/** Entries with the part of the key that they share with the one before left out. */
function blockBytes(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  let before: Uint8Array = new Uint8Array(0);
  const parts = entries.flatMap(([key, value]) => {
    let shared = 0;
    while (shared < before.length && before[shared] === key[shared]) shared++;
    before = key;
    const rest = key.subarray(shared);
    return [varint(shared), varint(rest.length), varint(value.length), rest, value];
  });
  return concat([...parts, new Uint8Array(4), new Uint8Array(Uint32Array.of(1).buffer)]);
}

/** A sorted string table of one data block. */
export function sstable(entries: Readonly<Record<string, Uint8Array>>, snappy = false): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (content: Uint8Array, kind: 0 | 1): BlockHandle => {
    const handle = { offset: length, size: content.length };
    const typed = concat([content, Uint8Array.of(kind)]);
    const block = concat([typed, masked(crc32c(typed))]);
    parts.push(block);
    length += block.length;
    return handle;
  };
  const utf8 = new TextEncoder();
  const sorted = Object.entries(entries)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    // Keys of parts of a variable are bytes, a character each.
    .map(
      ([key, value]) => [key.startsWith("\0") ? Uint8Array.from(key, (c) => c.charCodeAt(0)) : utf8.encode(key), value] as const,
    );
  const data = blockBytes(sorted);
  const first = add(snappy ? snappyLiterals(data) : data, snappy ? 1 : 0);
  const meta = add(blockBytes([]), 0);
  const index = add(blockBytes([[sorted.at(-1)?.[0] ?? new Uint8Array(0), handleBytes(first)]]), 0);
  const footer = new Uint8Array(48);
  footer.set(concat([handleBytes(meta), handleBytes(index)]));
  footer.set([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb], 40);
  return concat([...parts, footer]);
}

/** A variable that is saved in parts: of what shape and where they begin and end is in their keys. */
export interface Sliced {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Start and length of each axis; a length of −1 is all of it. */
  readonly slices: readonly (readonly (readonly [start: number, length: number])[])[];
}

const extent = ([start, length]: readonly [number, number]): Field =>
  message(1, [...(start > 0 ? [int(1, start)] : []), ...(length < 0 ? [] : [int(2, length)])]);

/** Bytes of a tensor in a checkpoint, and their checksum: that of strings counts their lengths as 32 bits each. */
function stored(tensor: Tensor | Uint8Array): { readonly content: Uint8Array; readonly sum: number } {
  const isText = tensor instanceof Uint8Array || tensor.dtype === "string";
  if (!isText) {
    const content = packTensor(tensor);
    return { content, sum: crc32c(content) };
  }
  const words = tensor instanceof Uint8Array ? [tensor] : (tensor.data as string[]).map((word) => new TextEncoder().encode(word));
  const lengths = crc32c(new Uint8Array(Uint32Array.from(words, (word) => word.length).buffer));
  const rest = concat([masked(lengths), ...words]);
  return { content: concat([...words.map((word) => varint(word.length)), rest]), sum: crc32c(rest, lengths) };
}

/** A checkpoint of one shard: files by name. Bytes are a string that is no text. Parts of `sliced` are among the tensors, by their keys. */
export function bundle(
  prefix: string,
  tensors: Readonly<Record<string, Tensor | Uint8Array>>,
  snappy = false,
  sliced: Readonly<Record<string, Sliced>> = {},
): Record<string, Uint8Array> {
  const entries: Record<string, Uint8Array> = { "": join([int(1, 1)]) };
  for (const [name, { dtype, shape, slices }] of Object.entries(sliced))
    entries[name] = join([
      int(1, dataType(dtype)),
      message(2, shapeProto(shape)),
      ...slices.map((slice) => message(7, slice.map(extent))),
    ]);
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const { content, sum } = stored(tensor);
    const { dtype, shape } = tensor instanceof Uint8Array ? { dtype: "string" as const, shape: [] } : tensor;
    const crc = new DataView(masked(sum).buffer).getUint32(0, true);
    entries[name] = join([
      int(1, dataType(dtype)),
      message(2, shapeProto(shape)),
      int(4, offset),
      int(5, content.length),
      [varint(6 * 8 + 5), new Uint8Array(Uint32Array.of(crc).buffer)],
    ]);
    data.push(content);
    offset += content.length;
  }
  return { [`${prefix}.index`]: sstable(entries, snappy), [`${prefix}.data-00000-of-00001`]: concat(data) };
}
