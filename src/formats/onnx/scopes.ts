/** Names of enclosing graphs: a sub-graph may read them, and here that becomes explicit. */
import type { ValueId } from "../../graph/source.ts";
import type { GraphDraft } from "./draft.ts";

/**
 * Links each value that a sub-graph does not define to the enclosing graph that does, through every graph between, and lists it among the
 * captures of the nodes that hold them. A name that nobody defines stays dangling where it is mentioned.
 */
export function resolveScopes(graphs: readonly GraphDraft[]): void {
  for (const graph of graphs) {
    if (!graph.holder) continue;
    // The list grows only in enclosing graphs, never in this one.
    for (const { id, name, outer } of graph.values) {
      if (!outer && !graph.defined.has(id) && name !== "") link(graph, id, name);
    }
  }
}

function link(graph: GraphDraft, id: ValueId, name: string): void {
  const between: GraphDraft[] = [];
  let owner = graph.holder?.graph;
  while (owner && !owns(owner, name)) {
    between.push(owner);
    owner = owner.holder?.graph;
  }
  if (!owner) return;
  let outer = owner.find(name)!;
  for (const inner of [graph, ...between].reverse()) {
    const { graph: parent, node } = inner.holder!;
    const inside = inner === graph ? id : inner.value(name);
    const value = inner.values[inside]!;
    value.outer = { graph: parent.id, value: outer };
    if (value.type.shape === undefined && value.type.dtype === undefined) value.type = parent.values[outer]!.type;
    const { captures } = parent.nodes[node]!;
    if (!captures.includes(outer)) captures.push(outer);
    outer = inside;
  }
}

function owns(graph: GraphDraft, name: string): boolean {
  const id = graph.find(name);
  return id !== undefined && graph.defined.has(id);
}
