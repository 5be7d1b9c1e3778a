/** Which tensor of the checkpoint each variable of the graph starts with. */
import { bitsOf } from "../../base/dtype.ts";
import type { Behind } from "../../graph/behind.ts";
import { loadTensor } from "../../graph/decode.ts";
import type { SourceGraph, SourceNode, SourceTensor, ValueId } from "../../graph/source.ts";
import { elementCount, type ModelFiles } from "../../graph/tensor.ts";
import type { Bundle, StoredVariable } from "./bundle.ts";
import { bytesOf, keyOfPart, type Part, type Region, regionIn } from "./slices.ts";

const variableOps = new Set(["VarHandleOp", "VariableV2", "Variable"]);
/** What lies between a restored tensor and the variable that takes it. */
const passing = new Set(["Identity", "Reshape"]);
const assigning = new Set(["Assign", "AssignVariableOp"]);

export const isVariable = ({ op }: SourceNode): boolean => variableOps.has(op);

/** What of the checkpoint a variable holds. */
export interface Binding {
  readonly key: string;
  /** A part of the tensor of that name, for variables that are parts themselves. */
  readonly region?: Region | undefined;
}

/** Bindings of variable nodes of the main graph, by node id: as its restoring nodes say, else by name. */
export async function variableKeys(
  graphs: readonly SourceGraph[],
  behind: Behind,
  bundle: Bundle,
  files: ModelFiles,
): Promise<ReadonlyMap<number, Binding>> {
  const main = graphs[0]!;
  const keys = new Map<number, Binding>();
  for (const node of main.nodes.filter(isVariable)) {
    const shared = node.attrs["shared_name"];
    const named = shared?.kind === "string" && shared.value !== "" ? shared.value : node.name;
    const key = [named, node.name].find((each) => bundle.entries.has(each));
    if (key !== undefined) keys.set(node.id, { key });
  }
  for (const graph of graphs)
    for (const [target, binding] of await restored(graph, files))
      for (const node of behind.nodesOf(graph, target))
        if (isVariable(node) && main.nodes[node.id] === node && bundle.entries.has(binding.key)) keys.set(node.id, binding);
  return keys;
}

/** Values that are assigned what a RestoreV2 reads, with its key. */
async function restored(graph: SourceGraph, files: ModelFiles): Promise<[ValueId, Binding][]> {
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
  const found: [ValueId, Binding][] = [];
  for (const restore of restores) {
    const names = await stringsOf(graph, restore.inputs[1], files);
    const specs = await stringsOf(graph, restore.inputs[2], files);
    for (const [i, key] of names.entries()) {
      const binding = { key, region: regionIn(specs[i] ?? "") };
      const stack = [restore.outputs[i]];
      for (let value = stack.pop(); value !== undefined; value = stack.pop())
        for (const node of consumers.get(value) ?? []) {
          if (passing.has(node.op) && node.inputs[0] === value) stack.push(...node.outputs);
          else if (assigning.has(node.op) && node.inputs[1] === value && node.inputs[0] !== undefined)
            found.push([node.inputs[0], binding]);
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

/** Where the variable's elements are; in words why there are none. `file` is that of the first shard. */
export function tensorOf({ key, region }: Binding, bundle: Bundle, file: number): SourceTensor | string {
  const entry = bundle.entries.get(key)!;
  const { dtype, shape } = entry;
  if (!dtype || dtype === "string" || !shape) return "the variable holds no numbers";
  const width = (bitsOf[dtype] ?? 0) / 8;
  if (!Number.isInteger(width) || width === 0) return `a variable of type ${dtype}`;
  const parts = partsOf(key, entry, bundle, file, width);
  if (typeof parts === "string") return parts;
  const slices = bytesOf(shape, region, parts, width);
  if (typeof slices === "string") return slices;
  const dims = region ? shape.map((dim, axis) => (region.lengths[axis]! < 0 ? dim : region.lengths[axis]!)) : shape;
  return { dtype, shape: dims, slices, encoding: bundle.bigEndian ? "big-endian" : "raw" };
}

/** The whole as one part, or those that the index has under keys of their own. */
function partsOf(key: string, entry: StoredVariable, bundle: Bundle, file: number, width: number): readonly Part[] | string {
  const { shape = [] } = entry;
  const all = entry.parts.length === 0 ? [{ region: whole(entry), entry }] : [];
  for (const region of entry.parts) {
    const part = bundle.entries.get(keyOfPart(key, region));
    if (!part) return "a variable of which a part is missing in the checkpoint's index";
    if (part.dtype !== entry.dtype) return `a part of type ${part.dtype} of a variable of ${entry.dtype}`;
    all.push({ region, entry: part });
  }
  for (const { region, entry: part } of all) {
    const count = elementCount(region.lengths.map((length, axis) => (length < 0 ? shape[axis]! - region.starts[axis]! : length)));
    if (part.size !== count * width) return `${part.size} bytes where ${count} elements take ${count * width}`;
  }
  const far = all.find((part) => part.entry.shard >= bundle.shards.length);
  if (far) return `shard ${far.entry.shard} of ${bundle.shards.length}`;
  return all.map((part) => ({ region: part.region, file: file + part.entry.shard, offset: part.entry.offset }));
}

const whole = ({ shape = [] }: StoredVariable): Region => ({ starts: shape.map(() => 0), lengths: shape });
