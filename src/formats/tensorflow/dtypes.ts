/** DataType of types.proto. */
import type { DType } from "../../base/dtype.ts";

/** Quantised types are read as the integers that hold them. */
const dtypes: readonly (DType | undefined)[] = [
  undefined,
  "float32",
  "float64",
  "int32",
  "uint8",
  "int16",
  "int8",
  "string",
  "complex64",
  "int64",
  "bool",
  "int8",
  "uint8",
  "int32",
  "bfloat16",
  "int16",
  "uint16",
  "uint16",
  "complex128",
  "float16",
  undefined,
  undefined,
  "uint32",
  "uint64",
  "float8e5m2",
  "float8e4m3fn",
  undefined,
  undefined,
  undefined,
  "int4",
  "uint4",
  "int2",
  "uint2",
];

const others: Readonly<Record<number, string>> = { 20: "resource", 21: "variant" };

/** Of a variable's reference rather than its value. */
const REF = 100;

const plain = (code: number): number => (code > REF ? code - REF : code);

export const dtypeOf = (code: number): DType | undefined => dtypes[plain(code)];

/** `float32`, `resource`, or the number of a type that is not known. */
export const typeName = (code: number): string => dtypeOf(code) ?? others[plain(code)] ?? `type ${code}`;
