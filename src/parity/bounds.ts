/** Inputs that index a table: how many rows the table has, so that token ids are drawn from the whole vocabulary. */
import { isFloat, isInteger } from "../base/dtype.ts";
import type { SourceGraph, SourceNode, ValueId } from "../graph/source.ts";

/** Ops that hand the values of their first input on. */
const handsOn = new Set([
  "Cast",
  "Identity",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "Expand",
  "Transpose",
  "Slice",
  "Tile",
]);

/** Input name → least size of the Gathers it feeds, through ops that only move or cast; inputs that feed none are absent. */
export function gatherBounds(graph: SourceGraph): Map<string, number> {
  const consumers = new Map<ValueId, SourceNode[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === undefined) continue;
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  const bounds = new Map<string, number>();
  for (const input of graph.inputs) {
    const value = graph.values[input];
    const { dtype } = value?.type ?? {};
    if (!value || !dtype || !(isInteger(dtype) || isFloat(dtype))) continue;
    const size = leastGather(graph, consumers, input, isInteger(dtype));
    if (size !== undefined) bounds.set(value.name, size);
  }
  return bounds;
}

/** `whole`: are the values integers by their type? What Keras looks up is often floats. */
function leastGather(
  graph: SourceGraph,
  consumers: ReadonlyMap<ValueId, SourceNode[]>,
  input: ValueId,
  whole: boolean,
): number | undefined {
  let least: number | undefined;
  const seen = new Set([input]);
  // A Set grows while it is walked: this is the queue.
  for (const value of seen) {
    for (const node of consumers.get(value) ?? []) {
      const size =
        whole && node.op === "Gather" && node.inputs[1] === value
          ? gatheredSize(graph, node)
          : node.op === "Embedding" && node.inputs[0] === value
            ? intAttr(node, "input_dim")
            : undefined;
      if (size !== undefined) {
        least = Math.min(least ?? size, size);
      } else if (handsOn.has(node.op) && node.inputs[0] === value) {
        for (const output of node.outputs) if (output !== undefined) seen.add(output);
      }
    }
  }
  return least;
}

function intAttr({ attrs }: SourceNode, name: string): number | undefined {
  const attr = attrs[name];
  return attr?.kind === "int" ? Number(attr.value) : undefined;
}

function gatheredSize(graph: SourceGraph, node: SourceNode): number | undefined {
  const data = node.inputs[0] === undefined ? undefined : graph.values[node.inputs[0]];
  const shape = data?.tensor?.shape ?? data?.type.shape;
  const axis = intAttr(node, "axis") ?? 0;
  const size = shape?.at(axis);
  return typeof size === "number" && size > 0 ? size : undefined;
}
