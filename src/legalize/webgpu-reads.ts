/**
 * Which numbers TF.js would have to read back from WebGPU while a model runs, which it cannot: shapes, axes and indices that a GPU kernel
 * has computed or has been given. What stays on the host is found as the backend itself decides, value by value.
 */
import { customOps } from "../customops/table.ts";
import { type Graph, type Node, sizeOf, type Value } from "../graph/graph.ts";
import { isHostInput } from "../graph/host-inputs.ts";
import { nodesOf, topological } from "../graph/order.ts";
import { Builder } from "../tf/build.ts";
import { isUserOp } from "../tf/user-op.ts";

/** Kernels that the backend runs on the host where every operand is there and small. */
const forwarded = new Set(
  `
    Abs AddV2 BroadcastArgs BroadcastTo Cast Ceil ConcatV2 Equal Exp Expm1 Floor FloorDiv GatherNd GatherV2 Greater GreaterEqual Less
    LessEqual Log Max Maximum Minimum Mul Neg NotEqual Pack Prod Rsqrt Slice Split SplitV StridedSlice Sub Tile TopKV2 Transpose Unpack
  `
    .trim()
    .split(/\s+/),
);

/** Results that are made on the host, whatever they are made of. */
const madeOnHost = new Set(
  `
    If LinSpace ListDiff NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 Placeholder
    PlaceholderWithDefault Range Rank Shape ShapeN Size StatelessIf StatelessWhile Unique UniqueV2 Where While
  `
    .trim()
    .split(/\s+/),
);

/** Results that share the elements of the first input, so that what is uploaded for one is gone for the other. */
const shared = new Set("EnsureShape ExpandDims Identity Reshape Snapshot Squeeze StopGradient".split(" "));

/** Casts that lose nothing share the elements too. */
const widening = (from: string, to: string): boolean => from === to || from === "bool" || (from === "int32" && to === "float32");

/** WEBGPU_CPU_HANDOFF_SIZE_THRESHOLD */
const handoff = 1000;

/** Nodes of the graph with an input that would have to be read back, and its position. */
export function webgpuReads(graph: Graph): ReadonlyMap<Node, number> {
  const nodes = nodesOf(graph).filter((node) => !node.constant);
  const gone = new Set<Value>();
  // A value that leaves the host takes with it what is computed from it: until none does.
  for (let before = -1; gone.size > before; ) {
    before = gone.size;
    for (const node of nodes) upload(node, gone);
  }
  const reads = new Map<Node, number>();
  for (const node of nodes) {
    const at = node.inputs.findIndex((input, i) => readsBack(node, i) && !onHost(input, gone));
    if (at >= 0) reads.set(node, at);
  }
  return reads;
}

/**
 * Copies for kernels, where they would take numbers to the GPU that the executor reads back itself, or that it computes those from: else it
 * would depend on the order in which the executor happens to run them. The values that the graph's own became.
 */
export function keptOnHost(graph: Graph, tracked: Iterable<Value>): { graph: Graph; values: ReadonlyMap<Value, Value> } {
  const nodes = nodesOf(graph).filter((node) => !node.constant);
  const wanted = wantedOnHost(nodes);
  const b = new Builder();
  const values = new Map<Value, Value>();
  const copies = new Map<Value, Value>();
  const take = (value: Value): Value => values.get(value) ?? value;
  const copy = (value: Value): Value => {
    const known = copies.get(value) ?? b.op("Maximum", [take(value), take(value)]);
    copies.set(value, known);
    return known;
  };
  if (wanted.size > 0)
    for (const node of topological([...graph.outputs.map(({ value }) => value), ...graph.inputs, ...tracked])) {
      b.origin = node.origin;
      const stays = node.constant || isHostWork(node, (value) => wanted.has(elementsOf(value)));
      const inputs = node.inputs.map((input, i) => {
        const leaves = !stays && !readsBack(node, i) && !input.node.constant && wanted.has(elementsOf(input));
        return leaves && (input.dtype === "int32" || input.dtype === "float32") ? copy(input) : take(input);
      });
      b.rebuild(node, inputs).forEach((output, port) => void values.set(node.outputs[port]!, output));
    }
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: take(value) }));
  const functions = new Map([...graph.functions].map(([name, body]) => [name, keptOnHost(body, []).graph]));
  return { graph: { ...graph, inputs: graph.inputs.map(take), outputs, functions }, values };
}

/** What is read back, and what that is computed from on the host, as far as it could all be there. */
function wantedOnHost(nodes: readonly Node[]): ReadonlySet<Value> {
  if (!nodes.some((node) => node.inputs.some((input, i) => !input.node.constant && readsBack(node, i)))) return new Set();
  const there = new Set<Value>();
  const isThere = (value: Value) => value.node.constant || there.has(elementsOf(value));
  for (const node of nodes)
    if (!isShared(node) && isHostWork(node, isThere)) for (const output of node.outputs) there.add(output);
  const wanted = new Set<Value>();
  for (const node of [...nodes].reverse()) {
    const passesOn = !madeOnHost.has(node.op) && node.outputs.some((output) => wanted.has(elementsOf(output)));
    node.inputs.forEach((input, i) => {
      if (!input.node.constant && isThere(input) && (passesOn || readsBack(node, i))) wanted.add(elementsOf(input));
    });
  }
  return wanted;
}

/** Does it leave its operands on the host, if they are there? */
function isHostWork(node: Node, isThere: (value: Value) => boolean): boolean {
  if (madeOnHost.has(node.op) || isShared(node) || customOps.has(node.op) || isUserOp(node.op)) return true;
  if (!forwarded.has(node.op)) return false;
  return node.inputs.every((input, i) => isHostInput(node, i) || (isSmall(input) && (input.node.constant || isThere(input))));
}

/** Of sizes that are not known, vectors: shapes are those. */
const isSmall = ({ type: { shape } }: Value): boolean => (sizeOf(shape) ?? ((shape?.length ?? 0) < 2 ? 0 : handoff)) < handoff;

/** Takes the node's operands from the host, and with them its results, where a GPU kernel has to run. */
function upload(node: Node, gone: Set<Value>): void {
  if (isHostWork(node, (value) => onHost(value, gone))) return;
  node.inputs.forEach((input, i) => {
    if (!isHostInput(node, i)) gone.add(elementsOf(input));
  });
  for (const output of node.outputs) gone.add(output);
}

const onHost = (value: Value, gone: ReadonlySet<Value>): boolean => value.node.constant || !gone.has(elementsOf(value));

/** Beyond numbers, our own operators read their operands, and the kernel that tiles five axes and more works on the host alone. */
const readsBack = (node: Node, i: number): boolean =>
  isHostInput(node, i) ||
  customOps.has(node.op) ||
  (i === 0 && tiles.has(node.op) && (node.inputs[0]!.type.shape?.length ?? 0) > 4);

const tiles = new Set(["Tile", "BroadcastTo"]);

const isShared = (node: Node): boolean =>
  shared.has(node.op) || (node.op === "Cast" && widening(node.inputs[0]!.dtype, node.outputs[0]!.dtype));

/** The value whose elements these are. */
function elementsOf(value: Value): Value {
  let at = value;
  while (!at.node.constant && isShared(at.node)) at = at.node.inputs[0]!;
  return at;
}
