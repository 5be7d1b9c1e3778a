/**
 * Every operator of a quantised model by itself: fed with the very tensors that LiteRT computed in front of it, its results held to one step
 * of LiteRT's. Whole networks cannot be held so: a step in one layer is any number of steps behind it, also between two builds of TFLite.
 */
import { isInteger } from "../../src/base/dtype.ts";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError } from "../../src/base/problem.ts";
import { carriedCopy } from "../../src/formats/tflite/carried.ts";
import { nodeLabel, type SourceGraph, type SourceModel, type SourceNode, type ValueId } from "../../src/graph/source.ts";
import { elementCount, type ModelFiles, type Tensor } from "../../src/graph/tensor.ts";
import { compare } from "../../src/parity/compare.ts";
import { inputSpecs, specs } from "../../src/parity/feeds.ts";
import { precisionOf, toleranceFor } from "../../src/parity/tolerance.ts";
import { LiteRtProcess } from "../../src/runtime/litert.ts";
import type { Backends, ConformanceBackend } from "./backends.ts";

export interface Isolated {
  /** Operators that were compared, on all backends. */
  readonly compared: number;
  /** The largest distance between codes, in steps. */
  readonly steps: number;
  /** What is further off, one line an operator and backend. */
  readonly bad: readonly string[];
  /** Operators that depend on an input and were not compared. */
  readonly left: number;
}

/** Elements that LiteRT hands out in one run. */
const maxTapped = 2 ** 26;
const timeoutMs = 180_000;

/** Undefined where the model has no quantised operators, or LiteRT does not run it. */
export async function isolated(
  model: SourceModel,
  files: ModelFiles,
  feeds: ReadonlyMap<string, Tensor>,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
): Promise<Isolated | undefined> {
  const main = model.graphs[0]!;
  const computed = computedValues(main);
  const nodes = main.nodes.filter((node) => idsOf(node.outputs).some((id) => computed.has(id)));
  if (!nodes.some((node) => around(node, computed).some((id) => isCoded(main, id)))) return undefined;
  const wrong = new Set(nodes.filter((node) => isContradictory(main, node)).flatMap((node) => node.outputs));
  const known = nodes.filter(
    (node) => isKnown(main, node, computed) && ![...node.inputs, ...node.outputs].some((id) => wrong.has(id)),
  );
  const liteRt = await LiteRtProcess.start();
  const counts = { compared: 0, steps: 0, left: nodes.length - known.length };
  const bad: string[] = [];
  try {
    for (const batch of batches(main, known, computed)) {
      const values = await valuesOf(liteRt, model, files, feeds, batch.values);
      for (const node of batch.nodes) {
        const found = values && (await differences(model, files, node, computed, values, backends, wanted));
        if (!found) counts.left++;
        else {
          counts.compared++;
          counts.steps = Math.max(counts.steps, found.steps);
          bad.push(...found.bad);
        }
      }
    }
  } finally {
    await liteRt.close();
  }
  return counts.compared === 0 ? undefined : { ...counts, bad };
}

/** What depends on an input of the graph. */
function computedValues({ nodes, inputs }: SourceGraph): ReadonlySet<ValueId> {
  const found = new Set(inputs);
  for (const node of nodes)
    if (node.inputs.some((id) => id !== undefined && found.has(id)))
      for (const id of node.outputs) if (id !== undefined) found.add(id);
  return found;
}

const idsOf = (ids: readonly (ValueId | undefined)[]): ValueId[] => ids.filter((id) => id !== undefined);

const around = (node: SourceNode, computed: ReadonlySet<ValueId>): ValueId[] => [
  ...given(node, computed),
  ...idsOf(node.outputs),
];

function isCoded({ values }: SourceGraph, id: ValueId): boolean {
  const { dtype, quantization } = values[id]!.type;
  return dtype !== undefined && isInteger(dtype) && quantization !== undefined;
}

/** Codes of type float32: kernels write integers there, whatever the file says. */
const isContradictory = ({ values }: SourceGraph, { op, outputs }: SourceNode): boolean =>
  op !== "DEQUANTIZE" &&
  idsOf(outputs).some((id) => values[id]!.type.dtype === "float32" && values[id]!.type.quantization !== undefined);

/** Types and ranks are known, and nothing is kept for the next run. */
const isKnown = ({ values }: SourceGraph, node: SourceNode, computed: ReadonlySet<ValueId>): boolean =>
  around(node, computed).every((id) => values[id]!.type.dtype !== undefined && values[id]!.type.shape !== undefined) &&
  !idsOf(node.inputs).some((id) => values[id]!.variable);

const given = (node: SourceNode, computed: ReadonlySet<ValueId>): ValueId[] => [
  ...new Set(idsOf(node.inputs).filter((id) => computed.has(id))),
];

interface Batch {
  readonly nodes: SourceNode[];
  readonly values: Set<ValueId>;
}

function batches(main: SourceGraph, nodes: readonly SourceNode[], computed: ReadonlySet<ValueId>): Batch[] {
  const found: Batch[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const values = around(node, computed);
    const own = values.reduce((sum, id) => sum + elementCount(dimsOf(main, id)), 0);
    if (size + own > maxTapped) {
      found.push({ nodes: [], values: new Set() });
      size = 0;
    }
    size += own;
    const batch = found.at(-1)!;
    batch.nodes.push(node);
    for (const id of values) batch.values.add(id);
  }
  return found;
}

/** A dim that may change is 1 in the copy that LiteRT runs. */
const dimsOf = ({ values }: SourceGraph, id: ValueId): number[] => values[id]!.type.shape!.map((dim) => Number(dim ?? 1));

/** By value; undefined where LiteRT does not give them. */
async function valuesOf(
  liteRt: LiteRtProcess,
  model: SourceModel,
  files: ModelFiles,
  feeds: ReadonlyMap<string, Tensor>,
  wanted: ReadonlySet<ValueId>,
): Promise<ReadonlyMap<ValueId, Tensor> | undefined> {
  const main = model.graphs[0]!;
  const tapped = [...wanted].filter((id) => !main.inputs.includes(id));
  const found = new Map(main.inputs.map((id) => [id, feeds.get(main.values[id]!.name)!] as const));
  try {
    const copy = await carriedCopy(await files.open(0), tapped);
    const loaded = await liteRt.load(copy, inputSpecs(main), specs(main, tapped));
    const results = await liteRt.run(loaded, feeds);
    await liteRt.unload(loaded);
    for (const [i, id] of tapped.entries()) found.set(id, results[i]!);
    return found;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return undefined;
  }
}

/** The model with this one operator for its graph; what it needs of constants, computed ones too, is still there. */
function alone(model: SourceModel, node: SourceNode, computed: ReadonlySet<ValueId>): SourceModel {
  const [main, ...rest] = model.graphs;
  const needed = new Set<ValueId>(idsOf(node.outputs));
  const stack = [node];
  for (let each = stack.pop(); each; each = stack.pop())
    for (const id of idsOf(each.inputs)) {
      needed.add(id);
      const { producer } = main!.values[id]!;
      if (producer !== undefined && !computed.has(id)) stack.push(main!.nodes[producer]!);
    }
  // A tensor that nobody needs is not read.
  const values = main!.values.map((value) => {
    if (needed.has(value.id)) return value;
    const { tensor: _, ...without } = value;
    return without;
  });
  const graph = { ...main!, values, inputs: given(node, computed), outputs: idsOf(node.outputs) };
  return { ...model, graphs: [graph, ...rest], problems: [] };
}

async function differences(
  model: SourceModel,
  files: ModelFiles,
  node: SourceNode,
  computed: ReadonlySet<ValueId>,
  values: ReadonlyMap<ValueId, Tensor>,
  backends: Backends,
  wanted: readonly ConformanceBackend[],
): Promise<{ readonly steps: number; readonly bad: readonly string[] } | undefined> {
  const main = model.graphs[0]!;
  const one = alone(model, node, computed);
  const sink = new MemorySink();
  const { problems } = await backends.convert(one, files, sink);
  if (problems.some(({ severity }) => severity === "error")) return undefined;
  const feeds = new Map(one.graphs[0]!.inputs.map((id) => [main.values[id]!.name, values.get(id)!]));
  const outputs = one.graphs[0]!.outputs.filter((id) => values.has(id));
  const bad: string[] = [];
  let steps = 0;
  for (const backend of wanted) {
    const worker = await backends.get(backend);
    const signal = AbortSignal.timeout(timeoutMs);
    const loaded = await worker.load(sink.files, signal);
    const fed = new Map([...feeds].filter(([name]) => loaded.inputs.some((input) => input.name === name)));
    const actual = await worker.run(
      loaded,
      fed,
      outputs.map((id) => main.values[id]!.name),
      signal,
    );
    await worker.unload(loaded);
    for (const id of outputs) {
      const { name, type } = main.values[id]!;
      const tolerance = { ...toleranceFor(precisionOf(model)), steps: type.quantization ? 1 : 0 };
      const found = compare(values.get(id)!, actual.get(name)!, { tolerance });
      if (type.quantization && isInteger(type.dtype!)) steps = Math.max(steps, found.maxAbs ?? 0);
      if (found.verdict !== "different") continue;
      const { firstBad, note } = found;
      const what = firstBad ? `[${firstBad.index}] ${firstBad.actual} where ${firstBad.reference}, ${found.bad} bad` : note;
      bad.push(`${nodeLabel(main, node)} (${node.op}) alone on ${backend}: ${what}, largest ${found.maxAbs}`);
    }
  }
  return { steps, bad };
}
