/** Names of enclosing graphs: a sub-graph may read them, and here that becomes explicit. */
import type { ValueId } from "../../graph/source.ts";
import type { GraphDraft, NodeDraft } from "./draft.ts";

/**
 * Links each value that a sub-graph does not define to the enclosing graph that does, through every graph between, and lists it among the
 * captures of the nodes that hold them. A name that nobody defines stays dangling where it is mentioned.
 */
export function resolveScopes(graphs: readonly GraphDraft[]): void {
  const captured: Captured = new Map();
  for (const graph of graphs) {
    if (!graph.holder) continue;
    // The list grows only in enclosing graphs, never in this one.
    for (const { id, name, outer } of graph.values) {
      if (!outer && !graph.defined.has(id) && name !== "") link(graph, id, name, captured);
    }
  }
}

/** What each node's list of captures holds already. */
type Captured = Map<NodeDraft, Set<ValueId>>;

function link(graph: GraphDraft, id: ValueId, name: string, captured: Captured): void {
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
    capture(parent.nodes[node]!, outer, captured);
    outer = inside;
  }
}

function capture(node: NodeDraft, id: ValueId, captured: Captured): void {
  const held = captured.get(node) ?? new Set();
  if (held.has(id)) return;
  captured.set(node, held.add(id));
  node.captures.push(id);
}

function owns(graph: GraphDraft, name: string): boolean {
  const id = graph.find(name);
  return id !== undefined && graph.defined.has(id);
}
