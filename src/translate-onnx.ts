/** Lower, optimise, raise: the ONNX model of a source, without a file being touched. */
import { modelError, type Problem, problem } from "./base/problem.ts";
import type { Graph, Value } from "./graph/graph.ts";
import { namedSourceMap, type SourceMap } from "./graph/map.ts";
import type { OnnxModel } from "./graph/onnx-graph.ts";
import { nodesOf } from "./graph/order.ts";
import { resolveView } from "./graph/resolve.ts";
import type { SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import type { Lowered } from "./lower/lower.ts";
import { optimize, type Step } from "./optimize/optimize.ts";
import { codesPipeline, onnxPipeline } from "./optimize/pipeline.ts";
import { decompose } from "./raise/decompose.ts";
import { emit } from "./raise/emit.ts";
import { elapsed, type Hub, nodeCounts, type Translated, type TranslateOptions, toHub, unchanged } from "./translate.ts";

export interface OnnxOptions extends TranslateOptions {
  /** 13 to 26; default 17, or the least after it that has all operators. */
  readonly opset?: number;
}

/** The greatest is the newest that onnxruntime takes. */
export const opsetRange = { least: 13, greatest: 26, usual: 17 } as const;

export interface TranslatedToOnnx {
  /** Complete only where no problem is an error. */
  readonly model: OnnxModel;
  /** The hub graph that it was emitted from. */
  readonly graph: Graph;
  readonly lowered: Lowered;
  readonly map: SourceMap;
  readonly problems: readonly Problem[];
  readonly steps: readonly Step[];
  readonly nodes: Translated["nodes"];
  readonly ms: Translated["ms"];
}

export async function translateToOnnx(
  model: SourceModel,
  files: ModelFiles,
  options: OnnxOptions = {},
): Promise<TranslatedToOnnx> {
  const { least, greatest, usual } = opsetRange;
  const { opset = usual } = options;
  if (!(opset >= least && opset <= greatest))
    throw modelError("unsupported-opset", `ONNX is written in opset ${least} to ${greatest}, not ${opset}`);
  const hub = await toHub(model, files, { ...options, quantized: options.quantized ?? "qdq" });
  let raised = raise(hub, opset, options.signal);
  // What a fault hides may want a newer one still.
  while (options.opset === undefined && raised.least > raised.opset) raised = raise(hub, raised.least, options.signal);
  return {
    ...raised,
    problems: raised.opset === opset ? raised.problems : [...raised.problems, newerOpset(raised.opset, opset)],
    lowered: hub.lowered,
    nodes: nodeCounts(model, hub, raised.model.graph.nodes.length),
    ms: elapsed(hub),
  };
}

function raise(hub: Hub, opset: number, signal: AbortSignal | undefined) {
  const decomposed = decompose(hub.graph, { opset, tracked: hub.tracked.values(), signal });
  const tracked = new Map<string, Value>();
  for (const [source, value] of hub.tracked) {
    const target = decomposed.values.get(value);
    if (target) tracked.set(source, target);
  }
  const before = [...hub.problems, ...decomposed.problems];
  // A graph with faults is not for writing, and its opaque values are not for rewriting.
  const faulty = before.some(({ severity }) => severity === "error");
  const laidOut = (faulty ? unchanged : hub.rewrite)(decomposed.graph, tracked, onnxPipeline, signal);
  // Not a matter of speed, so it is done to graphs that are not optimised too.
  const target = faulty ? laidOut : optimize(laidOut.graph, laidOut.tracked, codesPipeline, signal);
  const emitted = emit(target.graph, { opset, names: valueNames(target.tracked, target.graph), signal });
  return {
    opset,
    least: Math.max(decomposed.least, emitted.least),
    model: emitted.model,
    graph: target.graph,
    map: namedSourceMap(target.tracked, target.graph, emitted.nameOf, emitted.model.graph.nodes),
    problems: [...before, ...emitted.problems],
    steps: [...hub.steps, ...laidOut.steps, ...(faulty ? [] : target.steps)],
  };
}

const newerOpset = (opset: number, usual: number): Problem =>
  problem("info", "newer-opset", `written in opset ${opset}, since opset ${usual} lacks operators of this model`);

/** Values are called what the source calls them; one that the source has in another layout only, by that name. */
function valueNames(tracked: ReadonlyMap<string, Value>, graph: Graph): Map<Value, string> {
  const live = new Set(nodesOf(graph));
  const names = new Map<Value, string>();
  const others = new Map<Value, string>();
  for (const [source, value] of tracked) {
    const found = value.node.constant ? { value, exact: true } : resolveView(value, live);
    if (!found) continue;
    const called = found.exact && !("perm" in found) ? names : others;
    if (!called.has(found.value)) called.set(found.value, source.slice(source.indexOf("/") + 1));
  }
  return new Map([...others, ...names]);
}
