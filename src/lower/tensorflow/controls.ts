import type { SourceNode } from "../../graph/source.ts";

/** As the reader writes it; see formats/tensorflow/graph.ts. */
const attribute = "^control";

/** Names of the nodes after which this one runs. */
export function controlsOf({ attrs }: SourceNode): readonly string[] {
  const attr = attrs[attribute];
  return attr?.kind === "strings" ? attr.value : [];
}
