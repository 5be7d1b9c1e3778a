/** Rewrites a graph made in code and runs both forms in TF.js: what every test of a rewrite asserts. */
import { createRequire } from "node:module";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { MemorySink } from "../../src/base/memory.ts";
import { writeTfjs } from "../../src/formats/tfjs/write.ts";
import type { Graph, Shape, Value } from "../../src/graph/graph.ts";
import { nodesOf, topological } from "../../src/graph/order.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { elementCount, tensorOf } from "../../src/graph/tensor.ts";
import { legalize } from "../../src/legalize/legalize.ts";
import { optimize } from "../../src/optimize/optimize.ts";
import type { Rewrite } from "../../src/optimize/rewrite.ts";
import "../../src/tf/all.ts";
import { Builder } from "../../src/tf/build.ts";
import { evaluate } from "../../src/tf/evaluate.ts";
import { noise } from "../build/random.ts";

tf.enableProdMode();
setWasmPaths(
  `${createRequire(import.meta.url)
    .resolve("@tensorflow/tfjs-backend-wasm")
    .replace(/[^/\\]*$/, "")}`,
);

export type Backend = "cpu" | "wasm";

/** What a symbol or an unknown dim is at run time. */
const openDim = 2;

/** A graph of the values returned, as outputs `y0`, `y1` …; its inputs are the Placeholders they reach. */
export function graphOf(make: (b: Builder) => Value | readonly Value[]): Graph {
  const made = make(new Builder());
  const values = [made].flat() as readonly Value[];
  const inputs = topological(values).filter((node) => node.op === "Placeholder");
  const outputs = values.map((value, i) => ({ name: `y${i}`, value }));
  return { name: "main", inputs: inputs.map((node) => node.output), outputs, functions: new Map() };
}

export const float = (b: Builder, name: string, shape: Shape): Value => b.input(name, { dtype: "float32", shape });

let seed = 0;
/** A float constant of even noise, never the same twice. */
export const weights = (b: Builder, shape: readonly number[]): Value =>
  b.constant(tensorOf("float32", shape, noise(elementCount(shape), ++seed)));

/** Runs in TF.js; the outputs by name. */
export async function run(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  backend: Backend,
): Promise<Record<string, Tensor>> {
  const legal = legalize(graph);
  expect(legal.problems).toEqual([]);
  const sink = new MemorySink();
  await writeTfjs(legal.graph, sink, { generator: "test", names: new Map(), evaluate, quantize: () => undefined });
  await sink.commit();
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
  const [group] = weightsManifest;
  const data = Buffer.concat((group?.paths ?? []).map((path: string) => sink.files[path]!));
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
  await tf.setBackend(backend);
  const model = await loadGraphModel(tf.io.fromMemory({ ...rest, modelTopology, weightSpecs: group?.weights ?? [], weightData }));
  const inputs = Object.entries(feeds).map(([name, { data: values, shape, dtype }]) => {
    return [
      name,
      tf.tensor(values as Float32Array, [...shape], dtype === "float32" || dtype === "bool" ? dtype : "int32"),
    ] as const;
  });
  const names = graph.outputs.map(({ name }) => name);
  const results = model.execute(Object.fromEntries(inputs), names) as tf.Tensor | tf.Tensor[];
  const found: Record<string, Tensor> = {};
  for (const [i, result] of [results].flat().entries()) {
    found[names[i]!] = { dtype: result.dtype as Tensor["dtype"], shape: result.shape, data: await result.data<"float32">() };
  }
  model.dispose();
  return found;
}

export interface Rewritten {
  readonly graph: Graph;
  /** Ops that run at run time, with their number. */
  readonly ops: Readonly<Record<string, number>>;
  readonly fired: Readonly<Record<string, number>>;
}

/** Optimises and counts, without running. */
export function counted(graph: Graph, rules: readonly Rewrite[]): Rewritten {
  const done = optimize(graph, new Map(), rules);
  return {
    graph: done.graph,
    ops: opsOf(done.graph),
    fired: Object.fromEntries(done.steps.map(({ rule, fired }) => [rule, fired])),
  };
}

export function opsOf(graph: Graph): Record<string, number> {
  const ops: Record<string, number> = {};
  for (const node of nodesOf(graph)) if (!node.constant && node.op !== "Placeholder") ops[node.op] = (ops[node.op] ?? 0) + 1;
  return ops;
}

/** Optimises, and asserts that every element of every output is what it was, to float32's rounding. */
export async function rewritten(
  graph: Graph,
  rules: readonly Rewrite[],
  backends: readonly Backend[] = ["cpu"],
): Promise<Rewritten> {
  const result = counted(graph, rules);
  await expectSame(graph, result.graph, backends);
  return result;
}

/** Runs both graphs on the same inputs; errors up to `limit` of the greatest element. */
export async function expectSame(a: Graph, b: Graph, backends: readonly Backend[] = ["cpu"], limit = 2e-6): Promise<void> {
  const feeds = feedsOf(a);
  for (const backend of backends) {
    const [before, after] = [await run(a, feeds, backend), await run(b, feeds, backend)];
    for (const [name, expected] of Object.entries(before)) expectClose(after[name]!, expected, `${backend} ${name}`, limit);
  }
}

function expectClose(actual: Tensor, expected: Tensor, name: string, relative: number): void {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const [a, e] = [actual.data as Float32Array, expected.data as Float32Array];
  const limit = relative * Math.max(...Array.from(e, Math.abs), 1e-3);
  e.forEach((value, i) => {
    expect(Math.abs(a[i]! - value), `${name}[${i}]`).toBeLessThanOrEqual(limit);
  });
}

function feedsOf(graph: Graph): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [i, { node, type }] of graph.inputs.entries()) {
    const shape = type.shape!.map((dim) => (typeof dim === "number" ? dim : openDim));
    feeds[node.attrs["name"] as string] = tensorOf(type.dtype, shape, noise(elementCount(shape), 1000 + i));
  }
  return feeds;
}
