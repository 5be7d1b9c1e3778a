/** The dry run: what of a model TF.js can run, node by node and backend by backend, with nothing written. */
import { type Problem, problem } from "./base/problem.ts";
import type { Node, Type } from "./graph/graph.ts";
import { nodesOf } from "./graph/order.ts";
import { nodeLabel, opLabel, type SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { type Backend, backends, obstacle } from "./legalize/backends.ts";
import { webgpuReads } from "./legalize/webgpu-reads.ts";
import { constantsIn, evaluateAll } from "./tf/evaluate.ts";
import { type TranslateOptions, translate } from "./translate.ts";

export type OpVerdict = "ready" | "limited" | "unsupported" | "not-checked";

export interface CheckOptions extends TranslateOptions {
  /** Absent: all four; an error only where none can run it. */
  readonly backend?: Backend;
  /** Reads every weight, to find those that do not fit TF.js's types. */
  readonly deep?: boolean;
}

export interface Checked {
  readonly ok: boolean;
  readonly backend: Backend | null;
  /** By operator, the worst of its nodes. */
  readonly verdicts: Readonly<Record<string, { readonly nodes: number; readonly verdict: OpVerdict }>>;
  readonly problems: readonly Problem[];
  /** Of the nodes that the outputs need, by `<graph>/<node>`. */
  readonly nodes: ReadonlyMap<string, OpVerdict>;
  /** Inferred, by `<graph>/<value>`; a value that stands for a failed node has no shape. */
  readonly types: ReadonlyMap<string, Type>;
  /** Backends that cannot run what a node became, by `<graph>/<node>`. */
  readonly missing: ReadonlyMap<string, ReadonlySet<Backend>>;
  /** Backends on which the whole model runs. */
  readonly ready: readonly Backend[];
  readonly ms: { readonly check: number };
}

export async function check(model: SourceModel, files: ModelFiles, options: CheckOptions = {}): Promise<Checked> {
  const started = performance.now();
  const { graph, lowered, problems } = await translate(model, files, options);
  const all = [...problems];
  const nodes = new Map<string, OpVerdict>();
  for (const [node, verdict] of lowered.verdicts)
    nodes.set(node, verdict === "lowered" ? "ready" : verdict === "failed" ? "unsupported" : "not-checked");
  const blocked = new Set<Backend>();
  const missing = new Map<string, Set<Backend>>();
  const parts = [graph, ...graph.functions.values()];
  const running = parts.flatMap(nodesOf).filter((node) => !node.constant);
  const reads = new Set(parts.flatMap((part) => [...webgpuReads(part).keys()]));
  const seen = new Set<string>();
  for (const node of running) {
    const obstacles = backends.flatMap((backend) => {
      const reason = obstacle(node, backend) ?? (backend === "webgpu" && reads.has(node) ? readBack(node) : undefined);
      if (reason) blocked.add(backend);
      return reason ? [{ backend, reason }] : [];
    });
    if (obstacles.length > 0) {
      for (const source of node.origin.nodes) {
        const known = missing.get(source) ?? new Set();
        for (const { backend } of obstacles) known.add(backend);
        missing.set(source, known);
      }
    }
    const found = backendProblem(node, obstacles, options.backend);
    if (!found) continue;
    const key = JSON.stringify(found);
    if (!seen.has(key)) all.push(found);
    seen.add(key);
    for (const source of node.origin.nodes)
      if (nodes.get(source) === "ready") nodes.set(source, found.severity === "error" ? "unsupported" : "limited");
  }
  if (options.deep) all.push(...(await evaluateAll(constantsIn(running), options.signal)));
  for (const each of all)
    if (each.severity === "error" && each.graph !== undefined && each.node !== undefined) {
      const key = `${each.graph}/${each.node}`;
      if (nodes.get(key) !== "not-checked") nodes.set(key, "unsupported");
    }
  const ok = !all.some((each) => each.severity === "error");
  return {
    ok,
    backend: options.backend ?? null,
    verdicts: byOperator(model, nodes),
    problems: all,
    nodes,
    types: new Map([...lowered.values].map(([source, value]) => [source, value.type])),
    missing,
    ready: problems.some((each) => each.severity === "error") ? [] : backends.filter((backend) => !blocked.has(backend)),
    ms: { check: performance.now() - started },
  };
}

const readBack = ({ op }: Node): string => `${op} by numbers that are computed on webgpu, which cannot be read back`;

function backendProblem(
  node: Node,
  obstacles: readonly { backend: Backend; reason: string }[],
  asked: Backend | undefined,
): Problem | undefined {
  const relevant = asked ? obstacles.filter(({ backend }) => backend === asked) : obstacles;
  if (relevant.length === 0) return undefined;
  const [source] = node.origin.nodes;
  const slash = source?.indexOf("/") ?? -1;
  const place =
    source === undefined ? { op: node.op } : { graph: source.slice(0, slash), node: source.slice(slash + 1), op: node.op };
  const everywhere = asked !== undefined || relevant.length === backends.length;
  const rest = backends.filter((backend) => !relevant.some((each) => each.backend === backend));
  const hint = everywhere && !asked ? undefined : rest.length > 0 ? `Runs on ${rest.join(", ")}` : undefined;
  return problem(everywhere ? "error" : "warning", "backend-limit", relevant.map(({ reason }) => reason).join("; "), place, hint);
}

const order: readonly OpVerdict[] = ["ready", "not-checked", "limited", "unsupported"];

function byOperator(model: SourceModel, nodes: ReadonlyMap<string, OpVerdict>): Checked["verdicts"] {
  const verdicts: Record<string, { nodes: number; verdict: OpVerdict }> = {};
  for (const graph of model.graphs)
    for (const node of graph.nodes) {
      const verdict = nodes.get(`${graph.name}/${nodeLabel(graph, node)}`);
      if (!verdict) continue;
      const op = opLabel(node);
      const known = verdicts[op];
      verdicts[op] = {
        nodes: (known?.nodes ?? 0) + 1,
        verdict: known && order.indexOf(known.verdict) > order.indexOf(verdict) ? known.verdict : verdict,
      };
    }
  return verdicts;
}
