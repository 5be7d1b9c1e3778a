/** Nodes that watch and compute nothing: a conversion leaves them out, and says so. */
import { type Problem, problem } from "../../base/problem.ts";
import { nodeLabel, type SourceModel, type SourceNode } from "../../graph/source.ts";
import type { Verdict } from "../lower.ts";
import { controlsOf } from "./controls.ts";

const effects: Readonly<Record<string, string>> = {
  Assert: "an input that it would refuse is computed with",
  CheckNumerics: "infinities and NaN go through",
  CheckNumericsV2: "infinities and NaN go through",
  Print: "nothing is printed",
  PrintV2: "nothing is printed",
};

/** An info Problem an operator, at the first such node that TensorFlow would run. */
export function droppedProblems(model: SourceModel, verdicts: ReadonlyMap<string, Verdict>): Problem[] {
  if (model.dialect !== "tensorflow" && model.dialect !== "tfjs") return [];
  const found = new Map<string, { readonly place: Problem; count: number }>();
  for (const graph of model.graphs) {
    const lowered = graph.nodes.filter((node) => verdicts.has(`${graph.name}/${nodeLabel(graph, node)}`));
    // Of a function that is called everything with an effect runs.
    const isCalled = graph.role === "function" && lowered.length > 0;
    const running = isCalled ? new Set(graph.nodes) : withControls(lowered, graph.nodes);
    for (const node of graph.nodes) {
      const effect = effects[node.op];
      if (effect === undefined || !running.has(node)) continue;
      const known = found.get(node.op);
      if (known) known.count++;
      else {
        const place = { graph: graph.name, node: nodeLabel(graph, node), op: node.op };
        found.set(node.op, { place: problem("info", "dropped", `left out, ${effect}`, place), count: 1 });
      }
    }
  }
  return [...found.values()].map(({ place, count }) =>
    count === 1 ? place : { ...place, reason: `${place.reason} (and at ${count - 1} more nodes)` },
  );
}

/** With the nodes that must run before, for nothing but an effect. */
function withControls(lowered: readonly SourceNode[], nodes: readonly SourceNode[]): ReadonlySet<SourceNode> {
  const reached = new Set(lowered);
  const stack = [...lowered];
  let byName: Map<string, SourceNode> | undefined;
  for (let node = stack.pop(); node; node = stack.pop())
    for (const control of controlsOf(node)) {
      byName ??= new Map(nodes.map((each) => [each.name, each]));
      const before = byName.get(control);
      if (!before || reached.has(before)) continue;
      reached.add(before);
      stack.push(before);
    }
  return reached;
}
