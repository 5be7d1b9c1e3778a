/** GraphDef JSON as TF.js reads it: bytes as base64, 64-bit integers as strings. */
import type { DType } from "../../base/dtype.ts";
import type { Attr, Dim, Graph, Node, Shape, Value } from "../../graph/graph.ts";
import { isHostInput } from "../../graph/host-inputs.ts";
import { nodesOf } from "../../graph/order.ts";
import type { Names } from "./names.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const dataTypes: Partial<Record<DType, string>> = {
  float32: "DT_FLOAT",
  int32: "DT_INT32",
  bool: "DT_BOOL",
  string: "DT_STRING",
  complex64: "DT_COMPLEX64",
};

export function dataType(dtype: DType): string {
  const name = dataTypes[dtype];
  if (!name) throw new Error(`${dtype} cannot be written to TF.js`);
  return name;
}

const floats = new Set([
  "alpha",
  "beta",
  "bias",
  "epsilon",
  "leakyrelu_alpha",
  "iou_threshold",
  "score_threshold",
  "extrapolation_value",
]);
const types = new Set(["element_dtype", "T", "DstT", "SrcT", "dtype", "out_type", "output_type", "Tidx"]);
const functions = new Set(["then_branch", "else_branch", "cond", "body"]);

const base64 = (text: string): string => {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
};

function attribute(name: string, value: Attr): Json {
  if (typeof value === "boolean") return { b: value };
  if (typeof value === "number")
    return floats.has(name) || !Number.isInteger(value) ? { f: number(value) } : { i: String(value) };
  if (typeof value === "string") {
    if (types.has(name)) return { type: dataType(value as DType) };
    return functions.has(name) ? { func: { name: value } } : { s: base64(value) };
  }
  if (Array.isArray(value)) return { list: list(name, value as readonly (number | string | boolean)[]) };
  throw new Error(`attribute ${name} cannot be written`);
}

function list(name: string, values: readonly (number | string | boolean)[]): Json {
  if (values.length === 0) return {};
  if (typeof values[0] === "string")
    return types.has(name) ? { type: values.map((v) => dataType(v as DType)) } : { s: values.map((v) => base64(v as string)) };
  if (typeof values[0] === "boolean") return { b: values as readonly boolean[] };
  return floats.has(name) || values.some((v) => !Number.isInteger(v))
    ? { f: values as readonly number[] }
    : { i: values.map(String) };
}

/** JSON has no infinities; protobuf's JSON form has words for them, which TF.js does not read, so the greatest float32 stands in. */
function number(value: number): number {
  return Number.isFinite(value) ? value : Math.sign(value) * 3.4028234663852886e38;
}

export const shapeJson = (shape: Shape | undefined): Json =>
  shape ? { dim: shape.map((dim: Dim) => ({ size: String(typeof dim === "number" ? dim : -1) })) } : { unknownRank: true };

/** Attributes that the executor reads beside the op's own: the element type, and operand counts. */
function implied(node: Node): Record<string, Json> {
  const typed = node.op === "Fill" || node.op === "SelectV2" ? node.inputs[1] : node.inputs[0];
  const attrs: Record<string, Json> = typed ? { T: { type: dataType(typed.dtype) } } : {};
  if (node.op === "ConcatV2") attrs["N"] = { i: String(node.inputs.length - 1) };
  if (node.op === "Pack" || node.op === "AddN" || node.op === "IdentityN") attrs["N"] = { i: String(node.inputs.length) };
  if (node.op === "Cast") attrs["SrcT"] = { type: dataType(node.inputs[0]!.dtype) };
  if (node.op === "Range") attrs["Tidx"] = { type: dataType(node.outputs[0]!.dtype) };
  return attrs;
}

export function constNode(name: string, dtype: DType, shape: readonly number[]): Json {
  return {
    name,
    op: "Const",
    attr: { dtype: { type: dataType(dtype) }, value: { tensor: { dtype: dataType(dtype), tensorShape: shapeJson(shape) } } },
  };
}

/** One node; inputs by name, `:port` where it is not 0. `onHost`: the executor reads the input back. */
export function nodeJson(node: Node, names: Names, inputName: (value: Value, onHost: boolean) => string): Json {
  const name = names.of(node);
  if (node.op === "Placeholder") {
    const { dtype, shape } = node.outputs[0]!.type;
    return { name, op: "Placeholder", attr: { dtype: { type: dataType(dtype) }, shape: { shape: shapeJson(shape) } } };
  }
  const attr: Record<string, Json> = implied(node);
  for (const [key, value] of Object.entries(node.attrs)) if (key !== "output_types") attr[key] = attribute(key, value);
  return { name, op: node.op, input: node.inputs.map((input, i) => inputName(input, isHostInput(node, i))), attr };
}

/** A function of the library: `If` branches and `While` conditions and bodies. */
export function functionJson(
  name: string,
  graph: Graph,
  names: Names,
  nodes: readonly Json[],
  inputName: (value: Value) => string,
): Json {
  return {
    signature: {
      name,
      inputArg: graph.inputs.map((input) => ({ name: names.of(input.node), type: dataType(input.dtype) })),
      outputArg: graph.outputs.map((output, i) => ({ name: `output_${i}`, type: dataType(output.value.dtype) })),
    },
    nodeDef: nodes,
    ret: Object.fromEntries(graph.outputs.map((output, i) => [`output_${i}`, inputName(output.value)])),
  };
}

/** Nodes that run, in order; constants are weights. */
export const runNodes = (graph: Graph): Node[] => nodesOf(graph).filter((node) => !node.constant);
