/** AttrValue as protobuf's JSON has it → attributes of a node, with the types that TF.js has. */
import type { DType } from "../../base/dtype.ts";
import type { GraphId, SourceAttr, SourceDim } from "../../graph/source.ts";
import type { AttrContext, Attributes } from "../tensorflow/attributes.ts";
import { outputShapes } from "../tensorflow/attributes.ts";

type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** TF.js has five types and reads the others as the nearest of them, so a model.json means those, whatever it was made from. */
const dtypes: Readonly<Record<string, DType>> = {
  DT_FLOAT: "float32",
  DT_DOUBLE: "float32",
  DT_HALF: "float32",
  DT_INT32: "int32",
  DT_INT64: "int32",
  DT_INT8: "int32",
  DT_UINT8: "int32",
  DT_INT16: "int32",
  DT_UINT16: "int32",
  DT_QINT8: "int32",
  DT_QUINT8: "int32",
  DT_BOOL: "bool",
  DT_STRING: "string",
  DT_COMPLEX64: "complex64",
  DT_COMPLEX128: "complex64",
};

/** By the numbers of types.proto. */
const byCode = ["", "DT_FLOAT", "DT_DOUBLE", "DT_INT32", "DT_UINT8", "DT_INT16", "DT_INT8", "DT_STRING", "DT_COMPLEX64"];
byCode.push("DT_INT64", "DT_BOOL", "DT_QINT8", "DT_QUINT8", "DT_QINT32", "DT_BFLOAT16");

const typeName = (value: unknown): string => (typeof value === "number" ? (byCode[value] ?? `type ${value}`) : String(value));

export const dtypeOf = (value: unknown): DType | undefined => dtypes[typeName(value)];

export function readAttributes(attr: unknown, { functions }: AttrContext): Attributes {
  const attrs: Record<string, SourceAttr> = {};
  let shapes: Attributes["shapes"] = [];
  for (const [name, value] of Object.entries(isObject(attr) ? attr : {})) {
    if (name === outputShapes) shapes = listed(value, "shape").map(shapeOf);
    else attrs[name] = readValue(isObject(value) ? value : {}, functions);
  }
  return { attrs, shapes };
}

function readValue(value: Json, functions: ReadonlyMap<string, GraphId>): SourceAttr {
  const [kind = "nothing"] = Object.keys(value);
  const given = value[kind];
  switch (kind) {
    case "s":
      return { kind: "string", value: text(given) };
    case "i":
      return { kind: "int", value: integer(given) };
    case "f":
      return { kind: "float", value: Number(given) };
    case "b":
      return { kind: "bool", value: given === true };
    case "type": {
      const dtype = dtypeOf(given);
      return dtype ? { kind: "dtype", value: dtype } : { kind: "unknown", value: typeName(given) };
    }
    case "shape":
      return { kind: "shape", value: shapeOf(given) ?? null };
    case "func":
      return functionAttr(given, functions);
    case "list":
      return readList(isObject(given) ? given : {}, functions);
    case "placeholder":
      return { kind: "ref", value: String(given) };
    default:
      return { kind: "unknown", value: kind };
  }
}

function functionAttr(given: unknown, functions: ReadonlyMap<string, GraphId>): SourceAttr {
  const name = isObject(given) ? String(given["name"]) : "";
  const id = functions.get(name);
  return id === undefined ? { kind: "unknown", value: `the function ${name}, which is not there` } : { kind: "graph", value: id };
}

/** An empty list has no type of its own, and is taken for one of integers. */
function readList(list: Json, functions: ReadonlyMap<string, GraphId>): SourceAttr {
  const kind = Object.keys(list).find((key) => Array.isArray(list[key]) && (list[key] as unknown[]).length > 0);
  const values = kind === undefined ? [] : (list[kind] as readonly unknown[]);
  switch (kind) {
    case undefined:
      return { kind: "ints", value: [] };
    case "i":
    case "b":
      return { kind: "ints", value: values.map((each) => (typeof each === "boolean" ? Number(each) : integer(each))) };
    case "f":
      return { kind: "floats", value: values.map(Number) };
    case "s":
      return { kind: "strings", value: values.map(text) };
    case "type":
      return { kind: "strings", value: values.map((each) => dtypeOf(each) ?? typeName(each)) };
    case "func": {
      const graphs = values.map((each) => functionAttr(each, functions));
      const missing = graphs.find((each) => each.kind !== "graph");
      return missing ?? { kind: "graphs", value: graphs.flatMap((each) => (each.kind === "graph" ? [each.value] : [])) };
    }
    default:
      return { kind: "unknown", value: `${values.length} of ${kind}` };
  }
}

function listed(value: unknown, kind: string): readonly unknown[] {
  const list = isObject(value) && isObject(value["list"]) ? value["list"][kind] : undefined;
  return Array.isArray(list) ? list : [];
}

const integer = (value: unknown): number | string => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value));

/** Bytes in base64; very old converters wrote their codes. */
function text(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...value.slice(0, 2 ** 16).map(Number));
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(String(value)), (character) => character.charCodeAt(0)));
  } catch {
    return String(value);
  }
}

/** Undefined: rank unknown. */
export function shapeOf(value: unknown): readonly SourceDim[] | undefined {
  if (!isObject(value) || value["unknownRank"] === true) return undefined;
  const dims = Array.isArray(value["dim"]) ? value["dim"] : [];
  return dims.map((dim) => {
    const size = Number((isObject(dim) ? dim["size"] : dim) ?? 0);
    return Number.isSafeInteger(size) && size >= 0 ? size : null;
  });
}
