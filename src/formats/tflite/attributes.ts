/** Options of an operator → attributes: builtin ones by the schema, custom ones by their flexbuffer. */
import { ModelError, type Place } from "../../base/problem.ts";
import type { SourceAttr } from "../../graph/source.ts";
import { type FlexValue, readFlexbuffer } from "../flatbuffers/flexbuffer.ts";
import type { Parsed } from "../flatbuffers/schema.ts";
import { type Context, customDomain, type Operator, type TfliteTable } from "./context.ts";
import { flexPrefix, nodeAttributes } from "./flex.ts";
import { dtypeOf } from "./types.ts";

type Attrs = Record<string, SourceAttr>;

/** Options of the operators known here stay below a kilobyte; those that are compiled programs are not options. */
const MAX_OPTIONS = 2 ** 20;

export function readAttributes(
  table: TfliteTable<"Operator">,
  operator: Operator,
  context: Context,
  place: Place,
): Readonly<Record<string, SourceAttr>> {
  const attrs: Attrs = {};
  for (const options of [table.get("builtin_options"), table.get("builtin_options_2")])
    for (const [name, type, value] of options?.fields() ?? []) attrs[name] = attributeOf(name, type, value, context, place);
  if (operator.domain === customDomain) Object.assign(attrs, customAttributes(table, operator, context, place));
  return attrs;
}

/** Fields that name a sub-graph by its index. */
const subgraphField = /subgraph(_ind(ex|ices))?$|^called_computations$/;

function attributeOf(name: string, type: Parsed, value: unknown, context: Context, place: Place): SourceAttr {
  if (subgraphField.test(name)) return subgraphs(name, value as number | readonly number[], context, place);
  if (type.kind === "enum") {
    const dtype = type.words.includes("FLOAT32") ? dtypeOf(value as string) : undefined;
    return dtype ? { kind: "dtype", value: dtype } : { kind: "string", value: value as string };
  }
  if (type.kind === "string") return { kind: "string", value: value as string };
  if (type.kind === "scalar") {
    if (type.scalar === "bool") return { kind: "bool", value: value as boolean };
    return { kind: type.scalar === "float" || type.scalar === "double" ? "float" : "int", value: value as number };
  }
  if (type.kind === "vector" && type.of.kind === "scalar") {
    if (type.of.scalar === "ubyte") return { kind: "unknown", value: `${(value as { length: number }).length} bytes` };
    return { kind: type.of.scalar === "float" ? "floats" : "ints", value: value as readonly number[] };
  }
  if (type.kind === "vector" && (type.of.kind === "enum" || type.of.kind === "string"))
    return { kind: "strings", value: value as readonly string[] };
  return { kind: "unknown", value: type.kind };
}

/** −1 stands for none, as in a custom call of nothing. */
function subgraphs(name: string, value: number | readonly number[], context: Context, place: Place): SourceAttr {
  const ids = typeof value === "number" ? [value] : value;
  const bad = ids.find((id) => id >= context.graphs || id < 0);
  if (bad !== undefined) {
    context.report("error", "bad-attribute", `${name} is ${bad}, of ${context.graphs} sub-graphs`, place);
    return { kind: "unknown", value: String(bad) };
  }
  return typeof value === "number" ? { kind: "graph", value } : { kind: "graphs", value };
}

function customAttributes(table: TfliteTable<"Operator">, { op }: Operator, context: Context, place: Place): Attrs {
  const inner = table.get("custom_options");
  const [offset, size] = [table.get("large_custom_options_offset"), table.get("large_custom_options_size")];
  const run = offset > 1 ? { offset, length: size } : inner;
  if (!run || run.length === 0) return {};
  const unread: Attrs = { custom_options: { kind: "unknown", value: `${run.length} bytes` } };
  if (run.length > MAX_OPTIONS) return unread;
  const bytes = context.pages.bytes(run.offset, run.length);
  try {
    const node = op.startsWith(flexPrefix) ? nodeAttributes(bytes, run.offset, context, place) : undefined;
    return node ?? flexAttributes(readFlexbuffer(bytes));
  } catch (error) {
    // Some operators pack a struct of their own; the rule of such an operator says so.
    if (!(error instanceof ModelError)) throw error;
    return { ...unread, custom_bytes: { kind: "ints", value: [...bytes.subarray(0, MAX_STRUCT)] } };
  }
}

/** MediaPipe's structs of parameters. */
const MAX_STRUCT = 64;

function flexAttributes(value: FlexValue): Attrs {
  const entries =
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array)
      ? Object.entries(value)
      : [["options", value] as const];
  return Object.fromEntries(entries.map(([name, each]) => [name, flexAttribute(each)]));
}

function flexAttribute(value: FlexValue): SourceAttr {
  if (typeof value === "boolean") return { kind: "bool", value };
  if (typeof value === "number") return { kind: Number.isInteger(value) ? "int" : "float", value };
  if (typeof value === "string") return { kind: "string", value };
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each === "number"))
      return { kind: value.every(Number.isInteger) ? "ints" : "floats", value: value as number[] };
    if (value.every((each) => typeof each === "string")) return { kind: "strings", value: value as string[] };
  }
  return { kind: "unknown", value: value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value) };
}
