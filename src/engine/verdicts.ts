/** The dry run as the editor shows it: problems with the ids of their nodes, types that lowering found, verdicts by backend. */
import type { Problem } from "../base/problem.ts";
import type { Checked } from "../check.ts";
import type { Type } from "../graph/graph.ts";
import { nodeLabel, type SourceModel, type SourceValue } from "../graph/source.ts";
import type { NodeAt } from "../protocol/engine.ts";
import { type Backend, backends, type ProblemView, type Support, type TypeView, type VerdictsView } from "../protocol/views.ts";

export function verdictsView(model: SourceModel, checked: Checked, backend: Backend): VerdictsView {
  const problems = problemViews(model, checked.problems);
  const support = supportOf(model, checked, problems);
  return {
    backend,
    problems,
    backends: backends.map((each) => ({
      backend: each,
      ready: checked.ready.includes(each),
      nodes: support.filter((node) => node.backends[each] === "missing").length,
    })),
    types: typeViews(model, checked.types),
    support,
  };
}

/** Nodes that not every backend simply runs. */
function supportOf(model: SourceModel, { nodes, missing }: Checked, problems: readonly ProblemView[]): VerdictsView["support"] {
  // An error of a node that some backend could run is about that backend alone.
  const failed = new Set(
    problems.flatMap(({ code, severity, at }) =>
      severity === "error" && at && code !== "backend-limit" ? [`${at.graph} ${at.node}`] : [],
    ),
  );
  return model.graphs.flatMap((graph) =>
    graph.nodes.flatMap((node) => {
      const name = `${graph.name}/${nodeLabel(graph, node)}`;
      const without = missing.get(name);
      const everywhere: Support | undefined = failed.has(`${graph.id} ${node.id}`)
        ? "missing"
        : nodes.get(name) === "not-checked"
          ? "not-checked"
          : undefined;
      if (!everywhere && !without) return [];
      const verdict = (backend: Backend): Support => everywhere ?? (without?.has(backend) ? "missing" : "runs");
      const [cpu, wasm, webgl, webgpu] = backends.map(verdict) as [Support, Support, Support, Support];
      return [{ graph: graph.id, node: node.id, backends: { cpu, wasm, webgl, webgpu } }];
    }),
  );
}

/** Finds nodes by what problems call them: `<graph>`, `<node>`. The first of several with one name. */
function nodeFinder(model: SourceModel): (graph: string | undefined, node: string | undefined) => NodeAt | undefined {
  const byName = new Map<string, NodeAt>();
  for (const graph of model.graphs) {
    for (const node of graph.nodes) {
      const key = `${graph.name}\0${nodeLabel(graph, node)}`;
      if (!byName.has(key)) byName.set(key, { graph: graph.id, node: node.id });
    }
  }
  return (graph, node) => (node === undefined ? undefined : byName.get(`${graph ?? model.graphs[0]?.name}\0${node}`));
}

/** In the order of the file; those of the whole model first. */
function problemViews(model: SourceModel, problems: readonly Problem[]): ProblemView[] {
  const find = nodeFinder(model);
  const views = problems.map((problem): ProblemView => {
    const at = find(problem.graph, problem.node);
    return at ? { ...problem, at } : problem;
  });
  const place = ({ at }: ProblemView): readonly [number, number] => (at ? [at.graph, at.node] : [-1, -1]);
  return views.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
}

/** What lowering knows and the file does not say, of the main graph. */
function typeViews(model: SourceModel, types: ReadonlyMap<string, Type>): VerdictsView["types"] {
  const [main] = model.graphs;
  return (main?.values ?? []).flatMap((source) => {
    const type = types.get(`${main!.name}/${source.name}`);
    if (!type?.shape || source.tensor) return [];
    const view = { dtype: type.dtype, shape: type.shape.map((dim) => dim ?? null) };
    return tellsMore(view, source) ? [{ graph: main!.id, value: source.id, ...view }] : [];
  });
}

function tellsMore({ shape }: TypeView, { type }: SourceValue): boolean {
  if (type.other !== undefined) return false;
  if (type.dtype === undefined || !type.shape) return true;
  return shape!.some((dim, axis) => typeof dim === "number" && dim !== type.shape![axis]);
}
