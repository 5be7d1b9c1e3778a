/** Lower, optimise, legalize, optimise for the target: what convert writes and check asks, without a file being touched. */
import type { Problem } from "./base/problem.ts";
import { rulesOf } from "./dialects.ts";
import type { Graph, Shape, Value } from "./graph/graph.ts";
import type { CodeForm } from "./graph/map.ts";
import { nodesOf } from "./graph/order.ts";
import type { SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { legalize } from "./legalize/legalize.ts";
import { keptOnHost } from "./legalize/webgpu-reads.ts";
import type { Bake } from "./lower/bake.ts";
import { decoded } from "./lower/codes.ts";
import { readConstants } from "./lower/constants.ts";
import type { DialectRules } from "./lower/dialect.ts";
import { type Lowered, lower } from "./lower/lower.ts";
import type { QuantizedMode } from "./lower/rule.ts";
import { type UserOps, userRules } from "./lower/user-ops.ts";
import { type Optimized, optimize, type Step } from "./optimize/optimize.ts";
import { hubPipeline, tfjsPipeline } from "./optimize/pipeline.ts";
import { hasReshapedOperands, ownOperands } from "./optimize/rules/own-operands.ts";
import "./tf/all.ts";

export interface TranslateOptions {
  /** Source values to compute in place of the graph's outputs. */
  readonly outputs?: readonly string[];
  /** Shapes that replace declared ones, by input name. */
  readonly inputShapes?: ReadonlyMap<string, Shape>;
  /** Of TFLite models; default faithful, to ONNX qdq. */
  readonly quantized?: QuantizedMode;
  /** A normalisation to put in front of the image input. */
  readonly bake?: Bake;
  /** Operators of the user's own; they come before those we know. */
  readonly userOps?: UserOps | undefined;
  /** Default true. */
  readonly optimize?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Translated {
  /** For TF.js; complete only where no problem is an error. */
  readonly graph: Graph;
  readonly lowered: Lowered;
  /** Target values by `<graph>/<value>`; some are no longer part of the graph. */
  readonly tracked: ReadonlyMap<string, Value>;
  readonly problems: readonly Problem[];
  /** Of those that stand for codes. */
  readonly forms: ReadonlyMap<string, CodeForm>;
  /** Which rewrites fired, and how often. */
  readonly steps: readonly Step[];
  /** Nodes that run: of the source, as lowered, in the end. */
  readonly nodes: { readonly source: number; readonly lowered: number; readonly final: number };
  /** Milliseconds. */
  readonly ms: { readonly lower: number; readonly optimize: number };
}

/** The model in TensorFlow's terms, which every target is made of. */
export interface Hub {
  readonly graph: Graph;
  readonly dialect: DialectRules;
  readonly lowered: Lowered;
  /** Hub values by `<graph>/<value>`. */
  readonly tracked: ReadonlyMap<string, Value>;
  /** Of reading and of lowering. */
  readonly problems: readonly Problem[];
  readonly steps: readonly Step[];
  /** The optimiser, or what leaves graphs as they are where it is off. */
  readonly rewrite: typeof optimize;
  /** When lowering and optimising began, by `performance.now()`. */
  readonly began: { readonly lower: number; readonly optimize: number };
}

/** `trackable`: what of the source's values is followed, and as what. */
export async function toHub(
  model: SourceModel,
  files: ModelFiles,
  options: TranslateOptions,
  trackable: (lowered: Lowered) => ReadonlyMap<string, Value> = ({ values }) => values,
): Promise<Hub> {
  const dialect = await rulesOf(model.dialect);
  const started = performance.now();
  const constants = await readConstants(model, files);
  const rules = dialect.rules.with(options.userOps ? userRules(options.userOps) : []);
  const prepared = dialect.prepare?.(model, constants, options.outputs) ?? model;
  const lowered = lower(prepared, files, constants, rules, options);
  const dropped = dialect.dropped?.(model, lowered.verdicts) ?? [];
  const problems = [...readingProblems(model, lowered), ...lowered.problems, ...dropped];
  const optimizing = performance.now();
  const rewrite = options.optimize === false ? unchanged : optimize;
  const { graph, tracked, steps } = rewrite(lowered.graph, trackable(lowered), hubPipeline, options.signal);
  return { graph, dialect, lowered, tracked, problems, steps, rewrite, began: { lower: started, optimize: optimizing } };
}

export async function translate(model: SourceModel, files: ModelFiles, options: TranslateOptions = {}): Promise<Translated> {
  const { signal } = options;
  let forms: Translated["forms"] = new Map();
  const hub = await toHub(model, files, options, ({ values, graph }) => {
    const found = decoded(values, graph.outputs);
    forms = found.forms;
    return found.values;
  });
  const legalized = legalize(hub.graph, {
    tracked: hub.tracked.values(),
    signal,
    native: hub.dialect.native,
  });
  const legal = new Map<string, Value>();
  for (const [source, value] of hub.tracked) {
    const target = legalized.values.get(value);
    if (target) legal.set(source, target);
  }
  const problems = [...hub.problems, ...legalized.problems];
  // A graph with faults is not for writing, and its opaque values are not for rewriting.
  const faulty = problems.some((each) => each.severity === "error");
  const rewritten = (faulty ? unchanged : hub.rewrite)(legalized.graph, legal, tfjsPipeline, signal);
  const target = faulty ? rewritten : separated(rewritten, signal);
  return {
    graph: target.graph,
    lowered: hub.lowered,
    tracked: target.tracked,
    forms,
    steps: [...hub.steps, ...target.steps],
    problems,
    nodes: nodeCounts(model, hub, countRunning(target.graph)),
    ms: elapsed(hub),
  };
}

export const nodeCounts = (model: SourceModel, { lowered }: Hub, final: number): Translated["nodes"] => ({
  source: model.graphs[0]!.nodes.length,
  lowered: countRunning(lowered.graph),
  final,
});

/** Milliseconds until now. */
export const elapsed = ({ began }: Hub): Translated["ms"] => ({
  lower: began.optimize - began.lower,
  optimize: performance.now() - began.optimize,
});

/** Not a matter of speed, so it is done to graphs that are not optimised too. */
function separated(target: Optimized, signal: AbortSignal | undefined): Optimized {
  const own = hasReshapedOperands(target.graph) ? optimize(target.graph, target.tracked, [ownOperands], signal) : target;
  const { graph, values } = keptOnHost(own.graph, own.tracked.values());
  const tracked = new Map([...own.tracked].map(([source, value]) => [source, values.get(value) ?? value]));
  return { graph, tracked, steps: own === target ? target.steps : [...target.steps, ...own.steps] };
}

export const unchanged = (graph: Graph, tracked: ReadonlyMap<string, Value>): Optimized => ({ graph, tracked, steps: [] });

/** Nodes that are computed at run time: no inputs, no constants. */
export function countRunning(graph: Graph): number {
  let count = 0;
  for (const node of nodesOf(graph)) if (!node.constant && node.op !== "Placeholder") count++;
  return count;
}

/** What reading found: an error where it touches what the outputs need, else a warning. */
function readingProblems(model: SourceModel, { verdicts }: Lowered): Problem[] {
  return model.problems.map((each) => {
    const isAside = each.node !== undefined && !verdicts.has(`${each.graph}/${each.node}`);
    return each.severity === "error" && isAside ? { ...each, severity: "warning" } : each;
  });
}
