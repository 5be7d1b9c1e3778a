/**
 * Graphs that hold their inputs as Const nodes: a converter folds such a graph into one constant, and tests nothing. Constants that are data
 * become inputs here; those that say how (shapes, axes, permutations) stay, by what the rules say of their operands.
 */
import { loadTensor } from "../../src/graph/decode.ts";
import type { SourceGraph, SourceModel, SourceNode, SourceValue, ValueId } from "../../src/graph/source.ts";
import type { ModelFiles, Tensor } from "../../src/graph/tensor.ts";
import type { RuleTable } from "../../src/lower/rule.ts";

export interface Fed {
  readonly model: SourceModel;
  readonly feeds: ReadonlyMap<string, Tensor>;
}

/** Through these a number that says how is computed from others that do. */
const carrying = new Set(
  (
    "Identity Pack ConcatV2 Add AddV2 Sub Mul FloorDiv FloorMod Cast StridedSlice Slice GatherV2 Gather Reshape ExpandDims Squeeze " +
    "Maximum Minimum Prod Range Fill Switch Merge Enter Exit NextIteration Unpack Split SplitV Neg " +
    "Select SelectV2 ListDiff InvertPermutation Transpose ReverseV2 Tile LinSpace"
  ).split(" "),
);

/** The model with its data constants as inputs, and what to feed them. */
export async function feedConstants(
  model: SourceModel,
  files: ModelFiles,
  rules: RuleTable,
  outputs: readonly string[],
): Promise<Fed> {
  const main = model.graphs[0]!;
  const needed = reached(main, outputs);
  const kept = parametersOf(main, rules);
  const feeds = new Map<string, Tensor>();
  const ids: ValueId[] = [];
  const values = [...main.values];
  for (const node of main.nodes) {
    const [id] = node.outputs;
    if (node.op !== "Const" || id === undefined || !needed.has(node) || kept.has(id)) continue;
    const { tensor, ...rest }: SourceValue = values[id]!;
    if (!tensor || tensor.dtype === "string") continue;
    feeds.set(rest.name, await loadTensor({ dtype: tensor.dtype, shape: tensor.shape, stored: tensor, files }));
    values[id] = rest;
    ids.push(id);
  }
  const fed: SourceGraph = { ...main, values, inputs: [...main.inputs, ...ids] };
  return { model: { ...model, graphs: [fed, ...model.graphs.slice(1)] }, feeds };
}

/** Nodes that the outputs need. */
export function reached(graph: SourceGraph, outputs: readonly string[]): ReadonlySet<SourceNode> {
  const nodes = new Set<SourceNode>();
  const stack = graph.values.filter(({ name }) => outputs.includes(name)).map(({ id }) => id);
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    const { producer } = graph.values[id]!;
    const node = producer === undefined ? undefined : graph.nodes[producer];
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    for (const input of node.inputs) if (input !== undefined) stack.push(input);
  }
  return nodes;
}

function parametersOf(graph: SourceGraph, rules: RuleTable): ReadonlySet<ValueId> {
  const kept = new Set<ValueId>();
  const stack: ValueId[] = [];
  for (const node of graph.nodes)
    for (const parameter of rules.ladder("", node.op)?.[0]?.parameters ?? []) {
      const input = node.inputs.at(parameter);
      if (input !== undefined) stack.push(input);
    }
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (kept.has(id)) continue;
    kept.add(id);
    const { producer } = graph.values[id]!;
    const node = producer === undefined ? undefined : graph.nodes[producer];
    if (!node || !carrying.has(node.op)) continue;
    for (const input of node.inputs) if (input !== undefined) stack.push(input);
  }
  return kept;
}
