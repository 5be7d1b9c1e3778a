/** Which tensor of the checkpoint each variable of the graph starts with. */
import { loadTensor } from "../../graph/decode.ts";
import type { SourceGraph, SourceNode, SourceTensor, ValueId } from "../../graph/source.ts";
import type { ModelFiles } from "../../graph/tensor.ts";
import type { Bundle, StoredVariable } from "./bundle.ts";

const variableOps = new Set(["VarHandleOp", "VariableV2", "Variable"]);
const calls = new Set(["PartitionedCall", "StatefulPartitionedCall"]);
/** What lies between a restored tensor and the variable that takes it. */
const passing = new Set(["Identity", "Reshape"]);
const assigning = new Set(["Assign", "AssignVariableOp"]);

export const isVariable = ({ op }: SourceNode): boolean => variableOps.has(op);

/** Keys of variable nodes of the main graph, by node id: as its restoring nodes say, else by name. */
export async function variableKeys(
  graphs: readonly SourceGraph[],
  bundle: Bundle,
  files: ModelFiles,
): Promise<ReadonlyMap<number, string>> {
  const main = graphs[0]!;
  const keys = new Map<number, string>();
  for (const node of main.nodes.filter(isVariable)) {
    const shared = node.attrs["shared_name"];
    const named = shared?.kind === "string" && shared.value !== "" ? shared.value : node.name;
    const key = [named, node.name].find((each) => bundle.entries.has(each));
    if (key !== undefined) keys.set(node.id, key);
  }
  for (const graph of graphs)
    for (const [target, key] of await restored(graph, files))
      for (const node of variablesBehind(graph, target, main)) if (bundle.entries.has(key)) keys.set(node.id, key);
  return keys;
}

/** Values that are assigned what a RestoreV2 reads, with its key. */
async function restored(graph: SourceGraph, files: ModelFiles): Promise<[ValueId, string][]> {
  const restores = graph.nodes.filter(({ op }) => op === "RestoreV2");
  if (restores.length === 0) return [];
  const consumers = new Map<ValueId, SourceNode[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) {
      if (input === undefined) continue;
      const known = consumers.get(input);
      if (known) known.push(node);
      else consumers.set(input, [node]);
    }
  const found: [ValueId, string][] = [];
  for (const restore of restores) {
    const names = await stringsOf(graph, restore.inputs[1], files);
    for (const [i, key] of names.entries()) {
      const stack = [restore.outputs[i]];
      for (let value = stack.pop(); value !== undefined; value = stack.pop())
        for (const node of consumers.get(value) ?? []) {
          if (passing.has(node.op) && node.inputs[0] === value) stack.push(...node.outputs);
          else if (assigning.has(node.op) && node.inputs[1] === value && node.inputs[0] !== undefined)
            found.push([node.inputs[0], key]);
        }
    }
  }
  return found;
}

async function stringsOf(graph: SourceGraph, id: ValueId | undefined, files: ModelFiles): Promise<readonly string[]> {
  const tensor = id === undefined ? undefined : graph.values[id]!.tensor;
  if (tensor?.dtype !== "string") return [];
  const { dtype, shape } = tensor;
  return (await loadTensor({ dtype, shape, stored: tensor, files })).data as string[];
}

/** The variable itself, or those that calls of the function give for this argument. */
function variablesBehind(graph: SourceGraph, target: ValueId, main: SourceGraph): SourceNode[] {
  const nodeOf = (value: ValueId | undefined) => {
    const producer = value === undefined ? undefined : main.values[value]!.producer;
    const node = producer === undefined ? undefined : main.nodes[producer];
    return node && isVariable(node) ? [node] : [];
  };
  if (graph === main) return nodeOf(target);
  const argument = graph.inputs.indexOf(target);
  if (argument < 0) return [];
  const isCall = ({ op, attrs }: SourceNode) => calls.has(op) && attrs["f"]?.kind === "graph" && attrs["f"].value === graph.id;
  return main.nodes.filter(isCall).flatMap((node) => nodeOf(node.inputs[argument]));
}

/** Where the variable's elements are; in words why there are none. `file` is that of the first shard. */
export function tensorOf(entry: StoredVariable, bundle: Bundle, file: number): SourceTensor | string {
  const { dtype, shape, shard, offset, size, sliced } = entry;
  if (sliced) return "the variable was saved in parts";
  if (!dtype || dtype === "string" || !shape) return "the variable holds no numbers";
  if (shard >= bundle.shards.length) return `shard ${shard} of ${bundle.shards.length}`;
  return {
    dtype,
    shape,
    slices: [{ file: file + shard, offset, length: size }],
    encoding: bundle.bigEndian ? "big-endian" : "raw",
  };
}
