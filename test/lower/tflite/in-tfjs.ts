/** A TFLite model converted and run in TF.js, for operators of which LiteRT.js gives no reference. */
import { MemorySink } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convert } from "../../../src/convert.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type ModelSpec, openTflite, tfliteModel } from "../../build/tflite.ts";
import type { Fed } from "./against-litert.ts";
import { size } from "./values.ts";

type Feeds = Readonly<Record<string, Fed>>;
type Results = Record<string, { shape: readonly number[]; data: number[] }>;

export class InTfjs {
  private constructor(private readonly worker: TfjsWorker) {}

  static async start(): Promise<InTfjs> {
    return new InTfjs(await TfjsWorker.start("cpu"));
  }

  close(): Promise<void> {
    return this.worker.close();
  }

  /** All outputs, by name, as shape and numbers. A problem of the conversion is thrown. */
  async run(spec: ModelSpec, fed: Feeds): Promise<Results> {
    const [found] = await this.runs(spec, [fed]);
    return found!;
  }

  /** One run after the other, each with the states that the one before left; the first with zeros. */
  async runs(spec: ModelSpec, all: readonly Feeds[]): Promise<Results[]> {
    const { model, files } = await openTflite(tfliteModel(spec));
    const sink = new MemorySink();
    const { problems, inputs, outputs, state } = await convert(model, files, sink);
    const failed = problems.find(({ severity }) => severity === "error");
    if (failed) throw new ModelError(failed);
    const loaded = await this.worker.load(sink.files);
    let states = state.map((name): [string, Tensor] => {
      const { dtype, shape } = inputs.find((input) => input.name === name)!;
      const dims = shape as readonly number[];
      return [name, tensorOf({ dtype: dtype as Fed["dtype"], shape: dims, data: new Array<number>(size(dims)).fill(0) })];
    });
    const results: Results[] = [];
    for (const fed of all) {
      const feeds = Object.entries(fed).map(([name, each]): [string, Tensor] => [name, tensorOf(each)]);
      const names = outputs.map(({ name }) => name);
      const found = await this.worker.run(loaded, new Map([...feeds, ...states]), names);
      states = state.map((name) => [name, found.get(name)!]);
      results.push(Object.fromEntries([...found].map(([name, { shape, data }]) => [name, { shape, data: plain(data) }])));
    }
    await this.worker.unload(loaded);
    return results;
  }
}

/** Words stay words; who asks for them says so. */
const plain = (data: Tensor["data"]): number[] =>
  Array.from(data as Float32Array, (each) => (typeof each === "string" ? each : Number(each)));

function tensorOf({ dtype, shape, data }: Fed): Tensor {
  if (dtype === "float32") return { dtype, shape, data: Float32Array.from(data) };
  if (dtype === "bool") return { dtype, shape, data: Uint8Array.from(data) };
  return { dtype: "int32", shape, data: Int32Array.from(data) };
}
