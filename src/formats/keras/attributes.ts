/** A layer's configuration → attributes of its node. What has a structure of its own is kept as its JSON text. */
import type { SourceAttr } from "../../graph/source.ts";

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export function attributesOf(config: Json): Record<string, SourceAttr> {
  const attrs: Record<string, SourceAttr> = {};
  for (const [key, value] of Object.entries(config)) {
    // Said by the node itself; what is null is not set.
    if (key !== "name" && value !== null && value !== undefined) attrs[key] = attributeOf(value);
  }
  return attrs;
}

function attributeOf(value: unknown): SourceAttr {
  switch (typeof value) {
    case "boolean":
      return { kind: "bool", value };
    case "number":
      return Number.isSafeInteger(value) ? { kind: "int", value } : { kind: "float", value };
    case "string":
      return { kind: "string", value };
    default:
      return isList(value) ? listOf(value) : { kind: "string", value: JSON.stringify(value) };
  }
}

const isList = (value: unknown): value is readonly number[] | readonly string[] =>
  Array.isArray(value) &&
  (value.every((each) => typeof each === "number") || (value.length > 0 && value.every((each) => typeof each === "string")));

function listOf(value: readonly number[] | readonly string[]): SourceAttr {
  if (value.every((each) => typeof each === "string"))
    return value.length > 0 ? { kind: "strings", value } : { kind: "ints", value: [] };
  return value.every((each) => Number.isSafeInteger(each)) ? { kind: "ints", value } : { kind: "floats", value };
}
