/** What is odd in a SourceModel, as problems. Nothing here prevents opening: a broken graph can still be looked at. */

import { byteLength } from "../base/dtype.ts";
import { ModelError, type Place, type Problem, problem } from "../base/problem.ts";
import {
  nodeLabel,
  opLabel,
  type Slice,
  type SourceGraph,
  type SourceModel,
  type SourceNode,
  type SourceTensor,
  type ValueId,
} from "./source.ts";
import { elementCount, type ModelFiles } from "./tensor.ts";

/** Problems of one kind in one graph; past it one line says how many there are. */
const MAX_OF_KIND = 100;

/** Structure: dangling names, two makers of one value, cycles, tensors whose bytes do not fit their shape. */
export function verify(model: SourceModel): Problem[] {
  return model.graphs.flatMap((graph) => [
    ...capped(danglingValues(graph), "dangling-input", graph),
    ...capped(duplicateProducers(graph, model.dialect), "duplicate-name", graph),
    ...cycles(graph),
    ...capped(wrongLengths(graph), "tensor-length", graph),
  ]);
}

/** Files: those that are missing, and tensors that lie beyond the end of theirs. */
export async function verifyFiles(model: SourceModel, files: ModelFiles): Promise<Problem[]> {
  const sizes: (number | undefined)[] = [];
  const problems: Problem[] = [];
  for (let file = 0; file < model.files.length; file++) {
    try {
      sizes.push((await files.open(file)).size);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      sizes.push(undefined);
      problems.push(
        problem("error", "external-data", `external data: ${error.problem.reason}`, {}, "put the file beside the model"),
      );
    }
  }
  for (const graph of model.graphs) problems.push(...capped(beyondEnd(graph, model, sizes), "external-data", graph));
  return problems;
}

function capped(all: Problem[], code: string, graph: SourceGraph): Problem[] {
  if (all.length <= MAX_OF_KIND) return all;
  const reason = `more of the same: ${all.length - MAX_OF_KIND}`;
  return [...all.slice(0, MAX_OF_KIND), problem(all[0]!.severity, code, reason, { graph: graph.name })];
}

function placeOf(graph: SourceGraph, node: SourceNode, value?: ValueId): Place {
  const tensor = value === undefined ? {} : { tensor: graph.values[value]!.name };
  return { graph: graph.name, node: nodeLabel(graph, node), op: opLabel(node), ...tensor };
}

function danglingValues(graph: SourceGraph): Problem[] {
  const known = new Set(graph.inputs);
  const isKnown = (id: ValueId): boolean => {
    const { producer, tensor, sparse, outer, variable } = graph.values[id]!;
    return producer !== undefined || Boolean(tensor || sparse || outer || variable) || known.has(id);
  };
  const problems: Problem[] = [];
  for (const node of graph.nodes) {
    for (const id of node.inputs) {
      if (id === undefined || isKnown(id)) continue;
      problems.push(
        problem("error", "dangling-input", `nothing makes input ${graph.values[id]!.name}`, placeOf(graph, node, id)),
      );
    }
  }
  for (const id of graph.outputs) {
    if (isKnown(id)) continue;
    const { name } = graph.values[id]!;
    problems.push(problem("error", "dangling-output", `nothing makes output ${name}`, { graph: graph.name, tensor: name }));
  }
  return problems;
}

function duplicateProducers(graph: SourceGraph, dialect: SourceModel["dialect"]): Problem[] {
  const made = new Uint8Array(graph.values.length);
  // Elsewhere what is fed may be a node too: a placeholder, an input layer.
  for (const id of graph.inputs) if (dialect === "onnx" || graph.values[id]!.producer === undefined) made[id] = 1;
  for (const { id, tensor, sparse, producer } of graph.values) {
    if ((tensor || sparse) && producer === undefined) made[id] = 1;
  }
  const problems: Problem[] = [];
  for (const node of graph.nodes) {
    for (const id of node.outputs) {
      if (id === undefined) continue;
      if (made[id]) {
        const { name, producer } = graph.values[id]!;
        // Of several constants the last counts, in onnxruntime too.
        const constants = dialect === "onnx" && node.op === "Constant" && graph.nodes[producer ?? -1]?.op === "Constant";
        const severity = constants ? "warning" : "error";
        problems.push(problem(severity, "duplicate-name", `a second value of the name ${name}`, placeOf(graph, node, id)));
      }
      made[id] = 1;
    }
  }
  return problems;
}

/** Kahn's algorithm; what cannot be ordered is on a cycle or behind one, and one node on a cycle is named. */
function cycles(graph: SourceGraph): Problem[] {
  const waiting = new Int32Array(graph.nodes.length);
  const consumers = consumersOf(graph, waiting);
  const ready: number[] = [];
  for (let id = 0; id < waiting.length; id++) if (waiting[id] === 0) ready.push(id);
  let ordered = 0;
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    ordered++;
    for (let at = consumers.first[id]!; at < consumers.first[id + 1]!; at++) {
      const consumer = consumers.nodes[at]!;
      if (--waiting[consumer]! === 0) ready.push(consumer);
    }
  }
  if (ordered === graph.nodes.length) return [];
  const node = graph.nodes[onCycle(graph, waiting)]!;
  const reason = `a cycle: the node needs what is made from its own output`;
  return [problem("error", "cycle", reason, placeOf(graph, node))];
}

/** TensorFlow's loops of the first version go round through these. */
const loopEnds = new Set(["NextIteration", "RefNextIteration"]);

/** What a node reads, from its own graph: inputs and captures. A loop's way back is no cycle. */
function* readsOf(node: SourceNode): Generator<ValueId> {
  if (loopEnds.has(node.op) && node.domain === "") return;
  for (const id of node.inputs) if (id !== undefined) yield id;
  yield* node.captures;
}

/** Edges producer → consumer as one array, since a list a node costs too much in a large graph; counts each node's unmet inputs. */
function consumersOf(graph: SourceGraph, waiting: Int32Array): { first: Int32Array; nodes: Int32Array } {
  const first = new Int32Array(graph.nodes.length + 1);
  for (const node of graph.nodes) {
    for (const id of readsOf(node)) {
      const { producer } = graph.values[id]!;
      if (producer === undefined) continue;
      first[producer + 1]!++;
      waiting[node.id]!++;
    }
  }
  for (let id = 0; id < graph.nodes.length; id++) first[id + 1]! += first[id]!;
  const next = first.slice();
  const nodes = new Int32Array(first.at(-1)!);
  for (const node of graph.nodes) {
    for (const id of readsOf(node)) {
      const { producer } = graph.values[id]!;
      if (producer !== undefined) nodes[next[producer]!++] = node.id;
    }
  }
  return { first, nodes };
}

/** Walks back from an unordered node through unordered producers until one repeats. */
function onCycle(graph: SourceGraph, waiting: Int32Array): number {
  let at = waiting.findIndex((count) => count > 0);
  const seen = new Set<number>();
  while (!seen.has(at)) {
    seen.add(at);
    for (const id of readsOf(graph.nodes[at]!)) {
      const { producer } = graph.values[id]!;
      if (producer !== undefined && waiting[producer]! > 0) {
        at = producer;
        break;
      }
    }
  }
  return at;
}

interface Located {
  readonly tensor: SourceTensor;
  readonly place: Place;
}

/** Every stored tensor of the graph, initializers and attributes, once. */
export function* tensorsOf(graph: SourceGraph): Generator<Located> {
  for (const { name, tensor, sparse, producer } of graph.values) {
    if (producer !== undefined) continue;
    const place = { graph: graph.name, tensor: name };
    if (tensor) yield { tensor, place };
    if (sparse) {
      yield { tensor: sparse.values, place };
      yield { tensor: sparse.indices, place };
    }
  }
  for (const node of graph.nodes) {
    for (const [name, attr] of Object.entries(node.attrs)) {
      const place = { ...placeOf(graph, node), tensor: name };
      if (attr.kind === "tensor") yield { tensor: attr.value, place };
      else if (attr.kind === "tensors") for (const tensor of attr.value) yield { tensor, place };
      else if (attr.kind === "sparse") {
        yield { tensor: attr.values, place };
        yield { tensor: attr.indices, place };
      }
    }
  }
}

/** Only packed storage has a length known beforehand; the others are checked when they are decoded. */
function wrongLengths(graph: SourceGraph): Problem[] {
  const problems: Problem[] = [];
  for (const { tensor, place } of tensorsOf(graph)) {
    if (tensor.encoding !== "raw" && tensor.encoding !== "big-endian") continue;
    const expected = byteLength(tensor.dtype, elementCount(tensor.shape));
    const length = tensor.slices.reduce((sum, slice) => sum + slice.length, 0);
    if (expected === undefined || length === expected) continue;
    const reason = `${length} bytes where ${tensor.dtype}[${tensor.shape.join(",")}] takes ${expected}`;
    problems.push(problem("error", "tensor-length", reason, { ...place, ...offsetOf(tensor.slices) }));
  }
  return problems;
}

const offsetOf = ([slice]: readonly Slice[]): Place => (slice?.file === 0 ? { offset: slice.offset } : {});

function beyondEnd(graph: SourceGraph, model: SourceModel, sizes: readonly (number | undefined)[]): Problem[] {
  const problems: Problem[] = [];
  for (const { tensor, place } of tensorsOf(graph)) {
    for (const { file, offset, length } of tensor.slices) {
      const size = sizes[file];
      if (size === undefined || offset + length <= size) continue;
      const reason = `bytes ${offset} to ${offset + length} of ${model.files[file]}, which has ${size}`;
      problems.push(problem("error", "external-data", reason, place));
    }
  }
  return problems;
}
