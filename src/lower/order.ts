/** The order in which a source graph is lowered: what the outputs need, producers first, whatever order the file has. */
import type { SourceGraph, SourceNode, ValueId } from "../graph/source.ts";

export interface SourceOrder {
  readonly order: readonly SourceNode[];
  /** Nodes that close a cycle; they are not in `order`. */
  readonly cyclic: readonly SourceNode[];
  /** Values that a needed node or an output reads. */
  readonly uses: ReadonlySet<ValueId>;
}

export function sourceOrder(graph: SourceGraph, wanted: readonly ValueId[]): SourceOrder {
  const order: SourceNode[] = [];
  const cyclic = new Set<SourceNode>();
  const uses = new Set<ValueId>(wanted);
  // A value that is given needs no producer: a TensorFlow placeholder is a node too.
  const given = new Set(graph.inputs);
  const state = new Map<number, "open" | "done">();
  const stack: { node: SourceNode; reads: readonly ValueId[]; next: number }[] = [];
  const enter = (id: ValueId) => {
    const producer = graph.values[id]?.producer;
    if (producer === undefined || given.has(id)) return;
    const seen = state.get(producer);
    const node = graph.nodes[producer]!;
    if (seen === "open") cyclic.add(node);
    if (seen) return;
    state.set(producer, "open");
    const reads = [...node.inputs.filter((input) => input !== undefined), ...node.captures];
    for (const read of reads) uses.add(read);
    stack.push({ node, reads, next: 0 });
  };
  for (const id of wanted) {
    enter(id);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const read = top.reads[top.next++];
      if (read !== undefined) enter(read);
      else {
        stack.pop();
        state.set(top.node.id, "done");
        order.push(top.node);
      }
    }
  }
  return { order: order.filter((node) => !cyclic.has(node)), cyclic: [...cyclic], uses };
}
