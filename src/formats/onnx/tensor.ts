/** Tensors in files of their own: TensorProto, SequenceProto and OptionalProto, as in `input_0.pb` of ONNX's tests. */
import { modelError } from "../../base/problem.ts";
import { decodeElements } from "../../graph/elements.ts";
import type { SourceTensor } from "../../graph/source.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { Fields } from "../protobuf/fields.ts";
import type { Image } from "../protobuf/image.ts";
import { Context } from "./context.ts";
import { Optional, Sequence } from "./schema.ts";
import { readTensor } from "./storage.ts";

/** Which of the three a file holds is not written in it: the type of the model's input says. */
export type ProtoKind = "tensor" | "sequence" | "optional";

/** A tensor, a list of values, or undefined for an empty optional. */
export type ProtoValue = Tensor | readonly ProtoValue[] | undefined;

export interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** `sequence(optional(…))` is as deep as ONNX's types go in practice. */
const MAX_DEPTH = 16;

/** A TensorProto; a `ModelError` where it is none or its data is elsewhere. The tensor may share memory with `bytes`. */
export function readTensorProto(bytes: Uint8Array): { name: string; tensor: Tensor } {
  const { name, value } = tensorOf(new Fields(imageOf(bytes)), new Context("tensor", 0));
  return { name, tensor: value };
}

/** A value of the given kind; see `ProtoKind`. */
export function readValueProto(bytes: Uint8Array, kind: ProtoKind): Named<ProtoValue> {
  const f = new Fields(imageOf(bytes));
  const context = new Context("value", 0);
  if (kind === "tensor") return tensorOf(f, context);
  return kind === "sequence" ? sequenceOf(f, context, 0) : optionalOf(f, context, 0);
}

/** Nothing is left out: these files are read whole. */
const imageOf = (bytes: Uint8Array): Image => ({ name: "", size: bytes.length, bytes, holes: [], fields: 0 });

function tensorOf(f: Fields, context: Context): Named<Tensor> {
  const { image, offset } = f;
  const { name, tensor } = readTensor(f, context, {});
  const [fault] = context.problems;
  if (!tensor) throw modelError(fault?.code ?? "bad-tensor", fault?.reason ?? "no tensor", { offset });
  return { name, value: decodeElements(tensor.dtype, tensor.shape, tensor.encoding, slicesOf(tensor, image)) };
}

function slicesOf({ slices }: SourceTensor, { bytes }: Image): Uint8Array {
  if (slices.some(({ file }) => file !== 0)) throw modelError("external-data", "external data in a file that is no model");
  const [only] = slices;
  if (only && slices.length === 1) return bytes.subarray(only.offset, only.offset + only.length);
  const out = new Uint8Array(slices.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { offset, length } of slices) {
    out.set(bytes.subarray(offset, offset + length), at);
    at += length;
  }
  return out;
}

function sequenceOf(f: Fields, context: Context, depth: number): Named<readonly ProtoValue[]> {
  limit(depth, f);
  const value: ProtoValue[] = [];
  let name = "";
  while (f.next()) {
    if (f.field === Sequence.name) name = f.string();
    else if (f.field === Sequence.tensors) value.push(tensorOf(f.message(), context).value);
    else if (f.field === Sequence.sequences) value.push(sequenceOf(f.message(), context, depth + 1).value);
    else if (f.field === Sequence.optionals) value.push(optionalOf(f.message(), context, depth + 1).value);
    else if (f.field !== Sequence.elemType) throw unsupported(f);
  }
  return { name, value };
}

function optionalOf(f: Fields, context: Context, depth: number): Named<ProtoValue> {
  limit(depth, f);
  let name = "";
  let value: ProtoValue;
  while (f.next()) {
    if (f.field === Optional.name) name = f.string();
    else if (f.field === Optional.tensor) value = tensorOf(f.message(), context).value;
    else if (f.field === Optional.sequence) value = sequenceOf(f.message(), context, depth + 1).value;
    else if (f.field === Optional.optional) value = optionalOf(f.message(), context, depth + 1).value;
    else if (f.field !== Optional.elemType) throw unsupported(f);
  }
  return { name, value };
}

function limit(depth: number, f: Fields): void {
  if (depth > MAX_DEPTH) throw modelError("too-deep", `values nest deeper than ${MAX_DEPTH}`, { offset: f.offset });
}

const unsupported = (f: Fields) =>
  modelError("bad-tensor", `a sparse tensor, a map or something unknown: field ${f.field}`, { offset: f.offset });
