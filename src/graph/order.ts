/** Walks over hub graphs; all of them iterative, since chains of 100 000 nodes occur. */
import type { Graph, Node, Value } from "./graph.ts";

/** The nodes that `roots` reach, producers first. Deterministic: depth first in input order. */
export function topological(roots: readonly Value[]): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  // Two stacks of plain values: an object a node is most of the cost of the walk.
  const stack: Node[] = [];
  const nexts: number[] = [];
  const enter = (node: Node): void => {
    if (done.has(node)) return;
    done.add(node);
    if (node.inputs.length === 0) order.push(node);
    else {
      stack.push(node);
      nexts.push(0);
    }
  };
  for (const root of roots) {
    enter(root.node);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const input = stack[top]!.inputs[nexts[top]!++];
      if (input !== undefined) enter(input.node);
      else {
        order.push(stack.pop()!);
        nexts.pop();
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
