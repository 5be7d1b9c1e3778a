/** The messages that a graph as text may hold, by the names of their fields; schema.ts has those of binary files. */

export type Scalar = "int" | "bool" | "float" | "double" | "bytes" | "type";

/** Fields by name: their number, and what they are. */
export type Message = Readonly<Record<string, readonly [field: number, kind: Scalar | (() => Message)]>>;

const shape: Message = {
  dim: [2, () => ({ size: [1, "int"], name: [2, "bytes"] })],
  unknown_rank: [3, "bool"],
};

const tensor: Message = {
  dtype: [1, "type"],
  tensor_shape: [2, () => shape],
  version_number: [3, "int"],
  tensor_content: [4, "bytes"],
  float_val: [5, "float"],
  double_val: [6, "double"],
  int_val: [7, "int"],
  string_val: [8, "bytes"],
  scomplex_val: [9, "float"],
  int64_val: [10, "int"],
  bool_val: [11, "bool"],
  dcomplex_val: [12, "double"],
  half_val: [13, "int"],
  uint32_val: [16, "int"],
  uint64_val: [17, "int"],
};

const entries = (value: Scalar | (() => Message)) => (): Message => ({ key: [1, "bytes"], value: [2, value] });

const func: Message = { name: [1, "bytes"], attr: [2, entries(() => attribute)] };

const attribute: Message = {
  list: [
    1,
    () => ({
      s: [2, "bytes"],
      i: [3, "int"],
      f: [4, "float"],
      b: [5, "bool"],
      type: [6, "type"],
      shape: [7, () => shape],
      tensor: [8, () => tensor],
      func: [9, () => func],
    }),
  ],
  s: [2, "bytes"],
  i: [3, "int"],
  f: [4, "float"],
  b: [5, "bool"],
  type: [6, "type"],
  shape: [7, () => shape],
  tensor: [8, () => tensor],
  placeholder: [9, "bytes"],
  func: [10, () => func],
};

const node: Message = {
  name: [1, "bytes"],
  op: [2, "bytes"],
  input: [3, "bytes"],
  device: [4, "bytes"],
  attr: [5, entries(() => attribute)],
};

const argument: Message = {
  name: [1, "bytes"],
  description: [2, "bytes"],
  type: [3, "type"],
  type_attr: [4, "bytes"],
  number_attr: [5, "bytes"],
  type_list_attr: [6, "bytes"],
};

export const graph: Message = {
  node: [1, () => node],
  library: [
    2,
    () => ({
      function: [
        1,
        () => ({
          signature: [1, () => ({ name: [1, "bytes"], input_arg: [2, () => argument], output_arg: [3, () => argument] })],
          node_def: [3, () => node],
          ret: [4, entries("bytes")],
          attr: [5, entries(() => attribute)],
        }),
      ],
    }),
  ],
  version: [3, "int"],
  versions: [4, () => ({ producer: [1, "int"], min_consumer: [2, "int"] })],
};

const info: Message = { name: [1, "bytes"], dtype: [2, "type"], tensor_shape: [3, () => shape] };

export const savedModel: Message = {
  saved_model_schema_version: [1, "int"],
  meta_graphs: [
    2,
    () => ({
      meta_info_def: [1, () => ({ tags: [4, "bytes"], tensorflow_version: [5, "bytes"] })],
      graph_def: [2, () => graph],
      signature_def: [
        5,
        entries(() => ({ inputs: [1, entries(() => info)], outputs: [2, entries(() => info)], method_name: [3, "bytes"] })),
      ],
    }),
  ],
};
