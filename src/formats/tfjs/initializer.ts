/**
 * What a model.json runs once when it is loaded: a graph that fills hash tables, and which input of the model proper stands for which
 * table. Both are made one graph again, as TensorFlow had it: the tables are nodes, and those that fill them are beside.
 */
import type { WrittenNode } from "../tensorflow/nodes.ts";
import { isObject } from "./attributes.ts";

type Json = Readonly<Record<string, unknown>>;

/** Main-graph placeholders by name, each with the initializer's node that it stands for. */
export function capturedTables(value: Json): ReadonlyMap<string, string> {
  const nodes = new Map<unknown, string>();
  for (const { name, resourceId } of infosOf(value["initializerSignature"], "outputs")) nodes.set(resourceId, nodeOf(name));
  const captured = new Map<string, string>();
  for (const { name, resourceId } of [...infosOf(value["signature"], "inputs"), ...infosOf(metadataSignature(value), "inputs")]) {
    const table = resourceId === undefined ? undefined : nodes.get(resourceId);
    if (table !== undefined) captured.set(nodeOf(name), table);
  }
  return captured;
}

const metadataSignature = ({ userDefinedMetadata: metadata }: Json): unknown =>
  isObject(metadata) ? metadata["signature"] : undefined;

function infosOf(
  signature: unknown,
  kind: "inputs" | "outputs",
): readonly { readonly name: string; readonly resourceId: unknown }[] {
  const infos = isObject(signature) && isObject(signature[kind]) ? Object.entries(signature[kind]) : [];
  return infos.flatMap(([key, info]) =>
    isObject(info) ? [{ name: String(info["name"] ?? key), resourceId: info["resourceId"] }] : [],
  );
}

const nodeOf = (name: string): string => name.replace(/:\d+$/, "");

/** The nodes of both graphs; a table that both name is one. */
export function withInitializer(
  main: readonly WrittenNode[],
  initializer: readonly WrittenNode[],
  captured: ReadonlyMap<string, string>,
): readonly WrittenNode[] {
  const kept = main.filter(({ name }) => !captured.has(name));
  const known = new Set(kept.map(({ name }) => name));
  const renamed = (input: string): string => {
    const [, control, name, port] = /^(\^?)([^:]*)(:.*)?$/.exec(input)!;
    const table = captured.get(name!);
    return table === undefined ? input : `${control}${table}${port ?? ""}`;
  };
  return [
    ...initializer.filter(({ name }) => !known.has(name)),
    ...kept.map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
  ];
}
