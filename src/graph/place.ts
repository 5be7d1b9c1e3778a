/** Where a fault of a hub node lies: at the source node that it came of. */
import type { ModelError, Problem } from "../base/problem.ts";
import type { Node } from "./graph.ts";

export function located(error: ModelError, node: Node): Problem {
  const [graph, ...name] = (node.origin.nodes[0] ?? "").split("/");
  const place = graph ? { graph, node: name.join("/"), op: node.op } : { op: node.op };
  return { ...place, ...error.problem };
}
