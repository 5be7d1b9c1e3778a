/** What is said of an operator that has no row: why, and the way round it. */
import { type ModelError, modelError, type Place } from "../base/problem.ts";
import type { SourceGraph, SourceModel, SourceNode } from "../graph/source.ts";
import type { Rule } from "./rule.ts";
import { userOpsName } from "./user-ops.ts";

/** Domains whose operators are defined by somebody's published schema. */
const published: ReadonlySet<string> = new Set([
  "",
  "ai.onnx",
  "ai.onnx.ml",
  "com.microsoft",
  "com.ms.internal.nhwc",
  "ai.onnx.training",
  "ai.onnx.preview.training",
]);

/** The Problem `unsupported-op`. `ladder`: rows for other opsets, where there are any. */
export function refusal(
  model: SourceModel,
  graph: SourceGraph,
  node: SourceNode,
  opset: number,
  ladder: readonly Rule[] | undefined,
  place: Place,
): ModelError {
  return modelError("unsupported-op", `cannot be converted: ${why(model, node, opset, ladder)}`, place, wayRound(graph, node));
}

function why(model: SourceModel, { op, domain }: SourceNode, opset: number, ladder: readonly Rule[] | undefined): string {
  const oldest = ladder?.at(-1)?.since;
  if (oldest !== undefined) return `opset ${opset} is older than the oldest form known, ${oldest}`;
  if (model.dialect === "onnx" && !published.has(domain))
    return `domain ${domain} is not part of ONNX and the file holds no function for it`;
  return `the operator ${op} is not known here`;
}

/** To declare the operator, or the values to cut the main graph at, so that the node is left out. */
function wayRound(graph: SourceGraph, node: SourceNode): string {
  const declare = `declare it in ${userOpsName}`;
  if (graph.role !== "main") return capital(declare);
  const before = node.inputs.flatMap((id) => {
    const value = id === undefined ? undefined : graph.values[id];
    return value?.producer === undefined || value.tensor ? [] : [value.name];
  });
  return before.length === 0
    ? capital(declare)
    : `Cut the model before it: --outputs ${[...new Set(before)].join(",")}; or ${declare}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
