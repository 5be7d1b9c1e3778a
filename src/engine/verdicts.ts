/** The dry run as the editor shows it: problems with the ids of their nodes, types that lowering found, verdicts by backend. */
import type { Problem } from "../base/problem.ts";
import type { Value } from "../graph/graph.ts";
import { nodeLabel, type SourceModel, type SourceValue } from "../graph/source.ts";
import type { NodeAt } from "../protocol/engine.ts";
import type { ProblemView, TypeView, VerdictsView } from "../protocol/views.ts";

/** Finds nodes by what problems call them: `<graph>`, `<node>`. The first of several with one name. */
export function nodeFinder(model: SourceModel): (graph: string | undefined, node: string | undefined) => NodeAt | undefined {
  const byName = new Map<string, NodeAt>();
  for (const graph of model.graphs) {
    for (const node of graph.nodes) {
      const key = `${graph.name}\0${nodeLabel(graph, node)}`;
      if (!byName.has(key)) byName.set(key, { graph: graph.id, node: node.id });
    }
  }
  return (graph, node) => (node === undefined ? undefined : byName.get(`${graph ?? model.graphs[0]?.name}\0${node}`));
}

/** Errors, then the rest, in the order of the file. */
export function problemViews(model: SourceModel, problems: readonly Problem[]): ProblemView[] {
  const find = nodeFinder(model);
  return problems.map((problem) => {
    const at = find(problem.graph, problem.node);
    return at ? { ...problem, at } : problem;
  });
}

/** What lowering knows and the file does not say. `values` by `<graph>/<value>`, of the main graph. */
export function typeViews(model: SourceModel, values: ReadonlyMap<string, Value>): VerdictsView["types"] {
  const [main] = model.graphs;
  return (main?.values ?? []).flatMap((source) => {
    const value = values.get(`${main!.name}/${source.name}`);
    if (!value || source.tensor) return [];
    const type: TypeView = {
      dtype: value.dtype,
      ...(value.type.shape ? { shape: value.type.shape.map((dim) => dim ?? null) } : {}),
    };
    return tellsMore(type, source) ? [{ graph: main!.id, value: source.id, ...type }] : [];
  });
}

function tellsMore(found: TypeView, { type }: SourceValue): boolean {
  // A value of unknown shape is most often one that stands for a failed node: it knows nothing.
  if (type.other !== undefined || !found.shape) return false;
  return (
    type.dtype === undefined ||
    !type.shape ||
    found.shape.some((dim, axis) => typeof dim === "number" && dim !== type.shape![axis])
  );
}
