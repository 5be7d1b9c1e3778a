/** A TFLite model converted and run in TF.js, for operators of which LiteRT.js gives no reference. */
import { MemorySink } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convert } from "../../../src/convert.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type ModelSpec, openTflite, tfliteModel } from "../../build/tflite.ts";
import type { Fed } from "./against-litert.ts";

export class InTfjs {
  private constructor(private readonly worker: TfjsWorker) {}

  static async start(): Promise<InTfjs> {
    return new InTfjs(await TfjsWorker.start("cpu"));
  }

  close(): Promise<void> {
    return this.worker.close();
  }

  /** All outputs, by name, as shape and numbers. A problem of the conversion is thrown. */
  async run(
    spec: ModelSpec,
    fed: Readonly<Record<string, Fed>>,
  ): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
    const { model, files } = await openTflite(tfliteModel(spec));
    const sink = new MemorySink();
    const { problems, outputs } = await convert(model, files, sink);
    const failed = problems.find(({ severity }) => severity === "error");
    if (failed) throw new ModelError(failed);
    const loaded = await this.worker.load(sink.files);
    const feeds = Object.entries(fed).map(([name, each]): [string, Tensor] => [name, tensorOf(each)]);
    const found = await this.worker.run(
      loaded,
      new Map(feeds),
      outputs.map(({ name }) => name),
    );
    await this.worker.unload(loaded);
    return Object.fromEntries(
      [...found].map(([name, { shape, data }]) => [name, { shape, data: Array.from(data as Float32Array, Number) }]),
    );
  }
}

function tensorOf({ dtype, shape, data }: Fed): Tensor {
  if (dtype === "float32") return { dtype, shape, data: Float32Array.from(data) };
  return { dtype, shape, data: dtype === "bool" ? Uint8Array.from(data) : Int32Array.from(data) };
}
