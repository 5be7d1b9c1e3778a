/** Walks over hub graphs; all of them iterative, since chains of 100 000 nodes occur. */
import type { Graph, Node, Value } from "./graph.ts";

/** The nodes that `roots` reach, producers first. Deterministic: depth first in input order. */
export function topological(roots: readonly Value[]): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots) {
    if (done.has(root.node)) continue;
    done.add(root.node);
    stack.push({ node: root.node, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!done.has(input.node)) {
        done.add(input.node);
        stack.push({ node: input.node, next: 0 });
      }
    }
  }
  return order;
}

/** Nodes of the graph itself (not of its functions): what the outputs reach, then inputs that nothing reads. */
export function nodesOf(graph: Graph): Node[] {
  return topological([...graph.outputs.map((output) => output.value), ...graph.inputs]);
}

/** How often each value is read by the nodes given and by the graph's outputs. */
export function countUses(nodes: readonly Node[], graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>();
  const add = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(add);
  for (const output of graph.outputs) add(output.value);
  return uses;
}
