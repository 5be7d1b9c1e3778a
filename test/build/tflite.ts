/**
 * TFLite models made in code. A model, start to end:
 *
 *   const bytes = tfliteModel({
 *     tensors: [
 *       value("x", "float32", [1, 7, 5, 3]),
 *       constant("w", "int8", [2, 3, 3, 3], codes, { scale: [0.1, 0.2], axis: 0 }),
 *       value("y", "float32", [1, 7, 5, 2]),
 *     ],
 *     inputs: ["x"], outputs: ["y"],
 *     operators: [operator("CONV_2D", ["x", "w", ""], ["y"], "Conv2DOptions", { padding: "SAME", stride_w: 1, stride_h: 1 })],
 *   });
 *   const { model, files } = await openTflite(bytes);
 *
 * An input of the name "" is left out. Operators that are no builtins are custom ones.
 */

import { type DType, isFloat } from "../../src/base/dtype.ts";
import { memorySource, memorySources } from "../../src/base/memory.ts";
import { flatbuffer, type TableValue } from "../../src/formats/flatbuffers/write.ts";
import { readTflite } from "../../src/formats/tflite/read.ts";
import { builtinOperators, tflite } from "../../src/formats/tflite/schema.ts";
import { packTensor } from "../../src/graph/pack.ts";
import type { SourceModel } from "../../src/graph/source.ts";
import { type ModelFiles, tensorOf } from "../../src/graph/tensor.ts";
import { flexbuffers } from "./flexbuffers.ts";

export interface Codes {
  readonly scale: readonly number[];
  /** Default 0. */
  readonly zero?: readonly number[];
  readonly axis?: number;
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Of −1 where a dim may change. */
  readonly signature?: readonly number[];
  readonly codes?: Codes;
  readonly bytes?: Uint8Array;
  readonly variable?: true;
  /** Any other fields of the table. */
  readonly more?: TableValue;
}

export interface OperatorSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options?: readonly [table: string, fields: TableValue];
  readonly custom?: Uint8Array;
}

export interface GraphSpec {
  readonly name?: string;
  readonly tensors: readonly TensorSpec[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly operators: readonly OperatorSpec[];
}

export interface ModelSpec extends GraphSpec {
  /** Sub-graphs from 1 on. */
  readonly subgraphs?: readonly GraphSpec[];
  /** Any other fields of Model. */
  readonly more?: TableValue;
  /** Buffers behind those of the tensors, for metadata: their first index is the number of constants plus 1. */
  readonly buffers?: readonly TableValue[];
}

const typeWord = (dtype: DType): string => dtype.toUpperCase();

export const value = (name: string, dtype: DType, shape: readonly number[], codes?: Codes): TensorSpec => ({
  name,
  dtype,
  shape,
  ...(codes && { codes }),
});

/** Elements as numbers; 64-bit integers must be safe. */
export function constant(
  name: string,
  dtype: DType,
  shape: readonly number[],
  data: ArrayLike<number>,
  codes?: Codes,
): TensorSpec {
  const bytes = packTensor(tensorOf(dtype, shape, isFloat(dtype) ? Float32Array.from(data) : data));
  return { ...value(name, dtype, shape, codes), bytes: new Uint8Array(bytes) };
}

export const strings = (name: string, shape: readonly number[], words: readonly string[]): TensorSpec => {
  const parts = words.map((word) => new TextEncoder().encode(word));
  const header = 4 * (words.length + 2);
  const bytes = new Uint8Array(header + parts.reduce((sum, part) => sum + part.length, 0));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, words.length, true);
  let at = header;
  parts.forEach((part, i) => {
    view.setInt32(4 * (i + 1), at, true);
    bytes.set(part, at);
    at += part.length;
  });
  view.setInt32(4 * (words.length + 1), at, true);
  return { ...value(name, "string", shape), bytes };
};

export const variable = (name: string, dtype: DType, shape: readonly number[], codes?: Codes): TensorSpec => ({
  ...value(name, dtype, shape, codes),
  variable: true,
});

export const operator = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  table?: string,
  fields: TableValue = {},
): OperatorSpec => ({ op, inputs, outputs, ...(table !== undefined && { options: [table, fields] as const }) });

/** Options as a flexbuffer map. */
export const custom = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options: Readonly<Record<string, number | boolean | string>> | Uint8Array = {},
): OperatorSpec => ({ op, inputs, outputs, custom: options instanceof Uint8Array ? options : flexbuffers(options) });

export function tfliteModel(spec: ModelSpec): Uint8Array {
  const graphs = [spec, ...(spec.subgraphs ?? [])];
  const ops = [...new Set(graphs.flatMap(({ operators }) => operators.map(({ op }) => op)))];
  const buffers: TableValue[] = [{}];
  const subgraphs = graphs.map((graph) => subgraph(graph, ops, buffers));
  return flatbuffer(
    tflite,
    "Model",
    {
      version: 3,
      operator_codes: ops.map(operatorCode),
      subgraphs,
      description: "made in code",
      buffers: [...buffers, ...(spec.buffers ?? [])],
      ...spec.more,
    },
    "TFL3",
  );
}

/** Of builtins that no runtime has in version 1. */
const versions: Readonly<Record<string, number>> = { BROADCAST_TO: 2 };

function operatorCode(op: string): TableValue {
  const code = builtinOperators.indexOf(op);
  const version = versions[op] ?? 1;
  if (code < 0) return { deprecated_builtin_code: 32, builtin_code: 32, custom_code: op, version: 1 };
  return { deprecated_builtin_code: Math.min(code, 127), builtin_code: code, version };
}

function subgraph(
  { name, tensors, inputs, outputs, operators }: GraphSpec,
  ops: readonly string[],
  buffers: TableValue[],
): TableValue {
  const index = (tensor: string): number => {
    const found = tensor === "" ? -1 : tensors.findIndex((each) => each.name === tensor);
    if (found < 0 && tensor !== "") throw new Error(`no tensor ${tensor}`);
    return found;
  };
  return {
    ...(name !== undefined && { name }),
    tensors: tensors.map((tensor) => tensorTable(tensor, buffers)),
    inputs: inputs.map(index),
    outputs: outputs.map(index),
    operators: operators.map(({ op, inputs: from, outputs: to, options, custom: bytes }) => ({
      opcode_index: ops.indexOf(op),
      inputs: from.map(index),
      outputs: to.map(index),
      ...(options && { [second(options[0]) ? "builtin_options_2" : "builtin_options"]: options }),
      ...(bytes && { custom_options: bytes }),
    })),
  };
}

const second = (table: string): boolean => tflite.unions.BuiltinOptions2.includes(table);

function tensorTable(
  { name, dtype, shape, signature, codes, bytes, variable: isVariable, more }: TensorSpec,
  buffers: TableValue[],
): TableValue {
  if (bytes) buffers.push({ data: bytes });
  return {
    name,
    shape,
    type: typeWord(dtype),
    buffer: bytes ? buffers.length - 1 : 0,
    has_rank: true,
    ...(signature && { shape_signature: signature }),
    ...(codes && {
      quantization: {
        scale: codes.scale,
        zero_point: codes.zero ?? codes.scale.map(() => 0),
        quantized_dimension: codes.axis ?? 0,
      },
    }),
    ...(isVariable && { is_variable: true }),
    ...more,
  };
}

export function openTflite(
  bytes: Uint8Array,
  beside: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ model: SourceModel; files: ModelFiles }> {
  return readTflite(memorySource("model.tflite", bytes), memorySources(beside));
}
