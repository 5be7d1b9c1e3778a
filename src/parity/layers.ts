/** Layer parity, cascaded: both models run on the same inputs, and every value that the source map pairs is compared. */
import { throwIfCancelled } from "../base/cancel.ts";
import { ModelError } from "../base/problem.ts";
import type { CodeForm, SourceMap } from "../graph/map.ts";
import type { SourceGraph, SourceModel } from "../graph/source.ts";
import type { Tensor } from "../graph/tensor.ts";
import { toCodes } from "./codes.ts";
import { type ComparedLayer, type ComparedValue, compared, notCompared } from "./report.ts";
import { compareWithin, type Room } from "./steps.ts";
import type { Tolerance } from "./tolerance.ts";

export interface LayerPair {
  /** `<graph>/<value>`. */
  readonly source: string;
  /** The value's own name in the main graph. */
  readonly value: string;
  readonly target: string;
  readonly perm?: readonly number[];
  readonly reshaped?: true;
  readonly codes?: CodeForm;
  /** By how many steps a quantised value may be off. */
  readonly steps?: number;
  readonly node: string;
  readonly op: string;
}

/** Gives the values asked for by name; a `ModelError` where it cannot give all of them. */
export type Taps = (names: readonly string[]) => Promise<ReadonlyMap<string, Tensor>>;

export interface LayerOptions {
  readonly tolerance: Tolerance;
  /** By value name. */
  readonly rooms?: ReadonlyMap<string, Room>;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((done: number, all: number) => void) | undefined;
}

/** What both sides hold at a time for the values being compared. */
const BATCH_BYTES = 512 * 1024 * 1024;
/** Nothing is known of sizes before the first batch; later ones grow at most so many times. */
const FIRST_BATCH = 8;
const GROWTH = 8;
/** A target that fails for good fails at every later layer too, each time with a full run. */
const MAX_FAILURES = 8;

/** The values of the main graph that can be tapped on both sides, producers first; inputs and constants are no layers. */
export function layerPairs(map: SourceMap, model: SourceModel): LayerPair[] {
  const main = model.graphs[0];
  if (!main) return [];
  const rank = ranks(main);
  const values = new Map(main.values.map((value) => [`${main.name}/${value.name}`, value]));
  const seen = new Set<string>();
  const pairs: { pair: LayerPair; rank: number }[] = [];
  for (const { source, target, perm, reshaped, codes, exact } of map.values) {
    const value = values.get(source);
    const node = value?.producer === undefined ? undefined : main.nodes[value.producer];
    if (!exact || !value || !node || value.tensor || seen.has(source)) continue;
    seen.add(source);
    const pair = {
      source,
      value: value.name,
      target,
      node: node.name,
      op: opName(node),
      ...(perm ? { perm } : {}),
      ...(reshaped && { reshaped }),
      ...(codes && { codes }),
      ...(value.type.quantization && { steps: 1 }),
    };
    pairs.push({ pair, rank: rank[node.id]! });
  }
  return pairs.sort((a, b) => a.rank - b.rank).map(({ pair }) => pair);
}

const opName = ({ domain, op }: { domain: string; op: string }): string => (domain ? `${domain}.${op}` : op);

/** Place of each node in an order that has producers first: the file's own where it is one. */
function ranks(graph: SourceGraph): number[] {
  const waits = graph.nodes.map(() => 0);
  const consumers = new Map<number, number[]>();
  let sorted = true;
  for (const node of graph.nodes) {
    for (const id of new Set([...node.inputs, ...node.captures])) {
      const producer = id === undefined ? undefined : graph.values[id]?.producer;
      if (producer === undefined || producer === node.id) continue;
      if (producer > node.id) sorted = false;
      waits[node.id] = waits[node.id]! + 1;
      const list = consumers.get(producer);
      if (list) list.push(node.id);
      else consumers.set(producer, [node.id]);
    }
  }
  if (sorted) return graph.nodes.map((node) => node.id);
  const order = graph.nodes.filter((node) => waits[node.id] === 0).map((node) => node.id);
  for (const id of order) {
    for (const consumer of consumers.get(id) ?? []) {
      waits[consumer] = waits[consumer]! - 1;
      if (waits[consumer] === 0) order.push(consumer);
    }
  }
  // What is on a cycle comes last, in file order.
  const rank = graph.nodes.map((node) => graph.nodes.length + node.id);
  for (const [place, id] of order.entries()) rank[id] = place;
  return rank;
}

/**
 * Compares pair by pair, in batches bounded by memory, each a run of both sides. A value that cannot be had on one side is
 * `not-compared` with the reason; a runtime that dies ends it with its `ModelError`.
 */
export async function compareLayers(
  pairs: readonly LayerPair[],
  reference: Taps,
  target: Taps,
  { tolerance, rooms, signal, progress }: LayerOptions,
): Promise<ComparedLayer[]> {
  const layers: ComparedLayer[] = [];
  let failures = 0;
  let size = FIRST_BATCH;
  /** Pairs from here on among which one is known to fail. */
  let suspects = 0;
  while (layers.length < pairs.length) {
    throwIfCancelled(signal);
    const batch = pairs.slice(layers.length, layers.length + size);
    try {
      const expected = await reference(batch.map((pair) => pair.value));
      const actual = await target(batch.map((pair) => pair.target));
      for (const pair of batch) layers.push(layer(pair, compareValue(pair, expected, actual, tolerance, rooms)));
      const perPair = Math.max((bytesOf(expected) + bytesOf(actual)) / batch.length, 1);
      suspects = Math.max(suspects - batch.length, 0);
      const next = suspects > 0 ? Math.ceil(suspects / 2) : size * GROWTH;
      size = Math.max(1, Math.min(next, Math.floor(BATCH_BYTES / perPair)));
    } catch (error) {
      if (!(error instanceof ModelError) || error.problem.code === "runtime-crashed") throw error;
      if (batch.length > 1) {
        suspects = batch.length;
        size = Math.ceil(suspects / 2);
        continue;
      }
      failures++;
      const rest = failures < MAX_FAILURES ? batch : pairs.slice(layers.length);
      for (const pair of rest) layers.push(layer(pair, notCompared(error.problem.reason)));
      suspects = 0;
      size = 1;
    }
    progress?.(layers.length, pairs.length);
  }
  return layers;
}

function compareValue(
  pair: LayerPair,
  expected: ReadonlyMap<string, Tensor>,
  actual: ReadonlyMap<string, Tensor>,
  tolerance: Tolerance,
  rooms: ReadonlyMap<string, Room> | undefined,
): ComparedValue {
  const a = expected.get(pair.value);
  const b = actual.get(pair.target);
  if (!a || !b) return notCompared(`nothing was given for ${a ? pair.target : pair.value}`);
  const { perm, reshaped, codes, steps = tolerance.steps } = pair;
  const found = codes ? toCodes(b, codes, a.dtype) : b;
  return compared(a, compareWithin(a, found, { tolerance: { ...tolerance, steps }, perm, reshaped }, rooms?.get(pair.value)));
}

const layer = ({ source, target, node, op }: LayerPair, value: ComparedValue): ComparedLayer => ({
  source,
  target,
  ...(node ? { node } : {}),
  op,
  ...value,
});

function bytesOf(tensors: ReadonlyMap<string, Tensor>): number {
  let bytes = 0;
  // A string is its characters and about as much again.
  for (const { data } of tensors.values()) bytes += Array.isArray(data) ? data.length * 32 : data.byteLength;
  return bytes;
}
