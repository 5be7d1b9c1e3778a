/** Integer inputs that index a table: how many rows the table has, so that token ids are drawn from the whole vocabulary. */
import { isInteger } from "../base/dtype.ts";
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
    if (!value?.type.dtype || !isInteger(value.type.dtype)) continue;
    const size = leastGather(graph, consumers, input);
    if (size !== undefined) bounds.set(value.name, size);
  }
  return bounds;
}

function leastGather(graph: SourceGraph, consumers: ReadonlyMap<ValueId, SourceNode[]>, input: ValueId): number | undefined {
  let least: number | undefined;
  const seen = new Set([input]);
  // A Set grows while it is walked: this is the queue.
  for (const value of seen) {
    for (const node of consumers.get(value) ?? []) {
      if (node.op === "Gather" && node.inputs[1] === value) {
        const size = gatheredSize(graph, node);
        if (size !== undefined && (least === undefined || size < least)) least = size;
      } else if (handsOn.has(node.op) && node.inputs[0] === value) {
        for (const output of node.outputs) if (output !== undefined) seen.add(output);
      }
    }
  }
  return least;
}

function gatheredSize(graph: SourceGraph, node: SourceNode): number | undefined {
  const data = node.inputs[0] === undefined ? undefined : graph.values[node.inputs[0]];
  const shape = data?.tensor?.shape ?? data?.type.shape;
  const axis = node.attrs.axis?.kind === "int" ? Number(node.attrs.axis.value) : 0;
  const size = shape?.at(axis);
  return typeof size === "number" && size > 0 ? size : undefined;
}
