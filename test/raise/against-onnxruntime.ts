/**
 * A hub graph made in code, raised, written and run in onnxruntime, as it is and with its layouts brought together. What is expected is what
 * the hub's own definitions compute of the same numbers, or (where an op is not folded) what TF.js computes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemorySink } from "../../src/base/memory.ts";
import { ModelError, type Problem } from "../../src/base/problem.ts";
import { onnxName, writeOnnx } from "../../src/formats/onnx/write.ts";
import type { Graph, Value } from "../../src/graph/graph.ts";
import type { OnnxModel, OnnxNode } from "../../src/graph/onnx-graph.ts";
import { topological } from "../../src/graph/order.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { optimize } from "../../src/optimize/optimize.ts";
import { onnxPipeline } from "../../src/optimize/pipeline.ts";
import { compare } from "../../src/parity/compare.ts";
import { decompose } from "../../src/raise/decompose.ts";
import { emit } from "../../src/raise/emit.ts";
import { OrtProcess } from "../../src/runtime/ort.ts";
import { Builder } from "../../src/tf/build.ts";
import { evaluate } from "../../src/tf/evaluate.ts";
import { run } from "../optimize/run.ts";

export interface RaiseForm {
  /** Default 17. */
  readonly opset?: number;
  /** Default true. */
  readonly optimized?: boolean;
}

export interface RaisedGraph {
  readonly model: OnnxModel;
  readonly problems: readonly Problem[];
}

export function raised(graph: Graph, { opset = 17, optimized = true }: RaiseForm = {}): RaisedGraph {
  const simple = decompose(graph, { opset });
  const settled = optimized ? optimize(simple.graph, new Map(), onnxPipeline).graph : simple.graph;
  const { model, problems } = emit(settled, { opset });
  return { model, problems: [...simple.problems, ...problems] };
}

/** Nodes of the main graph by op. */
export function opsOf({ graph }: OnnxModel): Record<string, number> {
  const ops: Record<string, number> = {};
  for (const { op } of graph.nodes) ops[op] = (ops[op] ?? 0) + 1;
  return ops;
}

export const nodeOf = ({ graph }: OnnxModel, op: string): OnnxNode => graph.nodes.find((node) => node.op === op)!;

export interface Trial extends RaiseForm {
  /** Of the greatest element; default 1e-5. */
  readonly rtol?: number;
  /** In place of what the hub or TF.js computes. */
  readonly expected?: readonly Tensor[];
}

export class AgainstOnnxruntime {
  private models = 0;

  private constructor(
    private readonly folder: string,
    private readonly ort: OrtProcess,
  ) {}

  static async start(): Promise<AgainstOnnxruntime> {
    return new AgainstOnnxruntime(await mkdtemp(path.join(tmpdir(), "modelwright-raise-")), await OrtProcess.start());
  }

  async close(): Promise<void> {
    await this.ort.close();
    await rm(this.folder, { recursive: true });
  }

  /** What differs, a line an output; nothing where all agree. */
  async differences(graph: Graph, feeds: Readonly<Record<string, Tensor>>, trial: Trial = {}): Promise<string[]> {
    const expected = trial.expected ?? (await hubResults(graph, feeds)) ?? (await tfjsResults(graph, feeds));
    const found: string[] = [];
    for (const optimized of trial.optimized === undefined ? [false, true] : [trial.optimized]) {
      const actual = await this.results(graph, feeds, { ...trial, optimized });
      graph.outputs.forEach(({ name, value }, i) => {
        const tensor = actual[i]!;
        const tolerance = { atol: 1e-6, rtol: trial.rtol ?? 1e-5, steps: 0 };
        const { verdict, firstBad, note } = compare(expected[i]!, tensor, { tolerance });
        const where = `${name}${optimized ? "" : ", not optimised"}`;
        if (tensor.dtype !== value.dtype) found.push(`${where}: ${tensor.dtype} where ${value.dtype} is wanted`);
        if (verdict === "different" || verdict === "not-compared")
          found.push(
            `${where}: ${note ?? `at [${firstBad!.index}] ${firstBad!.actual} where ${firstBad!.reference} is expected`}`,
          );
      });
    }
    return found;
  }

  /** What onnxruntime gives for the raised graph. */
  async results(graph: Graph, feeds: Readonly<Record<string, Tensor>>, form: RaiseForm = {}): Promise<Tensor[]> {
    const { model, problems } = raised(graph, form);
    if (problems[0]) throw new ModelError(problems[0]);
    const sink = new MemorySink();
    await writeOnnx(model, sink, { producer: { name: "test", version: "0" }, evaluate });
    await sink.commit();
    const file = path.join(this.folder, `${this.models++}.onnx`);
    await writeFile(file, sink.files[onnxName]!);
    const loaded = await this.ort.load(file);
    const names = model.graph.outputs.map(({ name }) => name);
    const found = await this.ort.run(loaded, new Map(Object.entries(feeds)), names);
    await this.ort.unload(loaded);
    return names.map((name) => found.get(name)!);
  }
}

/** The graph over constants in the place of its inputs, evaluated; undefined where an op does not fold. */
async function hubResults(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Tensor[] | undefined> {
  const b = new Builder();
  const values = new Map<Value, Value>();
  for (const node of topological(graph.outputs.map(({ value }) => value))) {
    const made =
      node.op === "Placeholder"
        ? [b.constant(feeds[node.attrs["name"] as string]!)]
        : b.rebuild(
            node,
            node.inputs.map((input) => values.get(input)!),
          );
    node.outputs.forEach((output, i) => {
      values.set(output, made[i]!);
    });
  }
  const outputs = graph.outputs.map(({ value }) => values.get(value)!);
  return outputs.every((value) => value.node.constant) ? Promise.all(outputs.map(evaluate)) : undefined;
}

async function tfjsResults(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Tensor[]> {
  const found = await run(graph, feeds, "cpu");
  return graph.outputs.map(({ name }) => found[name]!);
}
