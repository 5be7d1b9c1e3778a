/** The source map of a conversion, `model.map.json`: which target value is which source value, which node came of which. */
import { modelError } from "../base/problem.ts";
import type { Graph, How, Origin, Value } from "./graph.ts";
import { nodesOf } from "./order.ts";
import { resolveView } from "./resolve.ts";

/** The source's codes are round(target / scale) + zero point. */
export interface CodeForm {
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface MappedValue {
  /** `<graph>/<value>`. */
  readonly source: string;
  /** `<node>:<port>`; of an ONNX model the name of the value. */
  readonly target: string;
  /** source = transpose(target, perm), reshaped after it where `reshaped` says so; absent where the layout is the source's. */
  readonly perm?: readonly number[];
  /** The source has the elements in the same order under another shape. */
  readonly reshaped?: true;
  /** The source holds codes, the target the numbers that they stand for. */
  readonly codes?: CodeForm;
  /** False: the target holds the value in another form than a transposition tells, so it is for navigation only. */
  readonly exact: boolean;
}

export interface MappedNode {
  readonly target: string;
  /** `<graph>/<node>`. */
  readonly source: readonly string[];
  readonly how: How;
}

/** A normalisation that the conversion put in front of the source's input: there x, here raw, x = (raw − mean) / std. */
export interface Baked {
  readonly input: string;
  /** One value, or one a channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Of the channels; null: one value for all. */
  readonly axis: number | null;
}

export interface SourceMap {
  readonly version: 1;
  readonly baked?: Baked;
  readonly values: readonly MappedValue[];
  readonly nodes: readonly MappedNode[];
}

export const sourceMapName = "model.map.json";

/**
 * The source map of a finished graph. `tracked` tells what source values became: live values, or dead views of live ones; those whose
 * nodes are gone and constants are left out. `nameOf` gives `<node>:<port>`. Values inside functions are not told: nothing there can be
 * fetched.
 */
export function sourceMap(
  tracked: ReadonlyMap<string, Value>,
  graph: Graph,
  nameOf: (value: Value) => string,
  forms: ReadonlyMap<string, CodeForm> = new Map(),
): SourceMap {
  const nodes = nodesOf(graph).filter((node) => !node.constant);
  const live = new Set(nodes);
  const values: MappedValue[] = [];
  for (const [source, value] of tracked) {
    const found = value.node.constant ? undefined : resolveView(value, live);
    if (!found) continue;
    const { perm, reshaped, exact } = found;
    const codes = forms.get(source);
    const layout = { ...(perm && { perm }), ...(reshaped && { reshaped }), ...(codes && { codes }) };
    values.push({ source, target: nameOf(found.value), ...layout, exact });
  }
  const mapped = nodes.filter((node) => node.op !== "Placeholder");
  return {
    version: 1,
    values,
    nodes: mapped.map((node) => ({
      target: nodeName(nameOf(node.outputs[0]!)),
      source: node.origin.nodes,
      how: node.origin.how,
    })),
  };
}

/**
 * The source map of a graph whose values have names of their own, as ONNX's do: targets are those names. `nameOf` is undefined for what
 * was not written.
 */
export function namedSourceMap(
  tracked: ReadonlyMap<string, Value>,
  graph: Graph,
  nameOf: (value: Value) => string | undefined,
  nodes: readonly { readonly name: string; readonly origin: Origin }[],
): SourceMap {
  const live = new Set(
    nodesOf(graph).filter((node) => !node.constant && node.outputs.some((value) => nameOf(value) !== undefined)),
  );
  const values: MappedValue[] = [];
  for (const [source, value] of tracked) {
    const found = value.node.constant ? undefined : resolveView(value, live);
    const target = found && nameOf(found.value);
    if (target === undefined) continue;
    const { perm, reshaped, exact } = found!;
    values.push({ source, target, ...(perm && { perm }), ...(reshaped && { reshaped }), exact });
  }
  return {
    version: 1,
    values,
    nodes: nodes.map(({ name, origin }) => ({ target: name, source: origin.nodes, how: origin.how })),
  };
}

const nodeName = (target: string): string => target.slice(0, target.lastIndexOf(":"));

/** Reads the JSON of a source map; `ModelError` where it is none, or of a version we do not know. */
export function parseSourceMap(text: string): SourceMap {
  let map: Partial<SourceMap>;
  try {
    map = JSON.parse(text);
  } catch (error) {
    throw modelError("malformed", `${sourceMapName} is no JSON: ${(error as Error).message}`);
  }
  if (map?.version !== 1 || !Array.isArray(map.values) || !Array.isArray(map.nodes)) {
    throw modelError("malformed", `${sourceMapName} is no source map of version 1, version: ${map?.version ?? "none"}`);
  }
  return map as SourceMap;
}
