/** Sweeps over a graph until no rewrite fires, and carries the correspondence to source values along. */
import type { Graph, GraphOutput, Node, Value } from "../graph/graph.ts";
import { nodesOf } from "../graph/order.ts";
import { isView } from "../graph/views.ts";
import { Builder } from "../tf/build.ts";
import type { Rewrite } from "./rewrite.ts";
import { Sweep } from "./sweep.ts";

/** Past it, rules undo each other: a bug of ours, not of the model. */
const maxSweeps = 16;

export interface Step {
  readonly rule: string;
  readonly fired: number;
}

export interface Optimized {
  readonly graph: Graph;
  /** Source values that still exist: live values, or dead Transposes, Reshapes and Casts of live ones. */
  readonly tracked: ReadonlyMap<string, Value>;
  /** In the order of the pipeline; rules that never fired are left out. */
  readonly steps: readonly Step[];
}

/**
 * The same graph for less work: inputs, output names, dtypes and shapes stay. `tracked` maps source value keys to hub values; it holds
 * on to nothing. An Error where the rules do not come to rest; `Cancelled` through `signal`.
 */
export function optimize(
  graph: Graph,
  tracked: ReadonlyMap<string, Value>,
  pipeline: readonly Rewrite[],
  signal?: AbortSignal,
): Optimized {
  const fired = new Map<string, number>();
  const kept = new Map<string, Value>();
  const one = (part: Graph): Graph => settle(part, tracked, pipeline, signal, kept, fired);
  const main = one(graph);
  const functions = new Map([...graph.functions].map(([name, body]) => [name, one(body)]));
  const steps = pipeline.flatMap(({ name }) => (fired.has(name) ? [{ rule: name, fired: fired.get(name)! }] : []));
  return { graph: { ...main, functions }, tracked: kept, steps };
}

function settle(
  graph: Graph,
  tracked: ReadonlyMap<string, Value>,
  pipeline: readonly Rewrite[],
  signal: AbortSignal | undefined,
  kept: Map<string, Value>,
  fired: Map<string, number>,
): Graph {
  const b = new Builder();
  let { inputs, outputs }: { inputs: readonly Value[]; outputs: readonly GraphOutput[] } = graph;
  let views = tracked;
  let nodes = nodesOf(graph).length;
  for (let sweeps = 0; sweeps < maxSweeps; sweeps++) {
    const sweep = new Sweep(b, pipeline, [...outputs.map((output) => output.value), ...inputs], nodes, signal);
    inputs = inputs.map((value) => sweep.resolve(value));
    outputs = outputs.map(({ name, value }) => ({ name, value: sweep.resolve(value) }));
    views = carry(views, sweep, b);
    nodes = sweep.size;
    for (const [rule, count] of sweep.fired) fired.set(rule, (fired.get(rule) ?? 0) + count);
    if (sweep.fired.size > 0) continue;
    for (const [key, value] of views) kept.set(key, value);
    return { name: graph.name, inputs, outputs, functions: graph.functions };
  }
  throw new Error(`rewrites still fire after ${maxSweeps} sweeps over ${graph.name}`);
}

/** What became of the tracked values: those that died are kept only as views of live ones, rebuilt over them. */
function carry(tracked: ReadonlyMap<string, Value>, sweep: Sweep, b: Builder): ReadonlyMap<string, Value> {
  const next = new Map<string, Value>();
  for (const [key, value] of tracked) {
    const views: Node[] = [];
    let base = sweep.resolve(value);
    while (!sweep.isLive(base) && isView(base.node)) {
      views.push(base.node);
      base = sweep.resolve(base.node.inputs[0]!);
    }
    if (!sweep.isLive(base)) continue;
    let view = base;
    for (const node of views.reverse()) {
      b.origin = node.origin;
      view = b.rebuild(node, [view, ...node.inputs.slice(1)])[0]!;
    }
    next.set(key, view);
  }
  return next;
}
