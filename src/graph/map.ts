/** The source map of a conversion, `model.map.json`: which target value is which source value, which node came of which. */
import { modelError } from "../base/problem.ts";
import type { How } from "./graph.ts";

export interface MappedValue {
  /** `<graph>/<value>`. */
  readonly source: string;
  /** `<node>:<port>`. */
  readonly target: string;
  /** source = transpose(target, perm); absent where the layout is the source's. */
  readonly perm?: readonly number[];
  /** False: the target holds the value in another form than a transposition tells, so it is for navigation only. */
  readonly exact: boolean;
}

export interface MappedNode {
  readonly target: string;
  /** `<graph>/<node>`. */
  readonly source: readonly string[];
  readonly how: How;
}

export interface SourceMap {
  readonly version: 1;
  readonly values: readonly MappedValue[];
  readonly nodes: readonly MappedNode[];
}

export const sourceMapName = "model.map.json";

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
