/** GraphDefs made in code: converted, run in stock TF.js on cpu and wasm, compared with numbers that the test works out itself. */
import { expect } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { readTensorflow } from "../../../src/formats/tensorflow/read.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { compare } from "../../../src/parity/compare.ts";
import { toleranceFor } from "../../../src/parity/tolerance.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type Dims, type GraphSpec, graphDef, type NodeSpec, placeholder } from "../../build/tensorflow.ts";

export interface Trial {
  /** Nodes beside the placeholders of what is fed. */
  readonly nodes: readonly NodeSpec[];
  readonly functions?: GraphSpec["functions"];
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Declared shapes where they are not those fed. */
  readonly shapes?: Readonly<Record<string, Dims>>;
  /** By value name. */
  readonly expected: Readonly<Record<string, Tensor>>;
}

/** Converts; the problems' reasons where it is refused. */
export async function converted({ nodes, functions = [], feeds, shapes = {}, expected }: Trial) {
  const inputs = Object.entries(feeds).map(([name, { dtype, shape }]) =>
    placeholder(name, dtype, name in shapes ? shapes[name] : shape),
  );
  const bytes = graphDef({ nodes: [...inputs, ...nodes], functions });
  const { model, files } = await readTensorflow(memorySource("graph.pb", bytes), memorySources());
  const sink = new MemorySink();
  const done = await convert(model, files, sink, { outputs: Object.keys(expected) });
  return { sink, refused: done.problems.filter(({ severity }) => severity === "error").map(({ reason }) => reason) };
}

export class Runner {
  private constructor(private readonly workers: readonly TfjsWorker[]) {}

  static async start(): Promise<Runner> {
    return new Runner(await Promise.all([TfjsWorker.start("cpu"), TfjsWorker.start("wasm")]));
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.close();
  }

  /** Asserts every element of every output, on both backends; gives the ops that were written. */
  async check(trial: Trial): Promise<string[]> {
    const { sink, refused } = await converted(trial);
    expect(refused).toEqual([]);
    for (const worker of this.workers) {
      const model = await worker.load(sink.files);
      const found = await worker.run(model, new Map(Object.entries(trial.feeds)), Object.keys(trial.expected));
      await worker.unload(model);
      for (const [name, reference] of Object.entries(trial.expected)) {
        const { verdict, firstBad, note } = compare(reference, found.get(name)!, { tolerance: toleranceFor("float32") });
        expect({ backend: worker.backend, name, verdict, firstBad, note: verdict === "different" ? note : undefined }).toEqual({
          backend: worker.backend,
          name,
          verdict: expect.stringMatching(/equal|within/),
          firstBad: undefined,
          note: undefined,
        });
      }
    }
    const { modelTopology } = JSON.parse(new TextDecoder().decode(sink.files["model.json"]));
    return modelTopology.node.map(({ op }: { op: string }) => op).filter((op: string) => op !== "Placeholder" && op !== "Const");
  }
}
