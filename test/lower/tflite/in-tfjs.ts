/** A TFLite model converted and run in TF.js, for operators of which LiteRT.js gives no reference; onnxruntime must find the same. */
import { MemorySink } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { convert } from "../../../src/convert.ts";
import type { SourceModel } from "../../../src/graph/source.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { compare } from "../../../src/parity/compare.ts";
import { toleranceFor } from "../../../src/parity/tolerance.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { type ModelSpec, openTflite, tfliteModel } from "../../build/tflite.ts";
import type { Fed } from "./against-litert.ts";
import { InOnnx } from "./in-onnx.ts";
import { size } from "./values.ts";

type Feeds = Readonly<Record<string, Fed>>;
type Results = Record<string, { shape: readonly number[]; data: number[] }>;

export class InTfjs {
  private constructor(
    private readonly worker: TfjsWorker,
    private readonly onnx: InOnnx,
  ) {}

  static async start(): Promise<InTfjs> {
    return new InTfjs(await TfjsWorker.start("cpu"), await InOnnx.start());
  }

  async close(): Promise<void> {
    await Promise.all([this.worker.close(), this.onnx.close()]);
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
      const given = new Map([...feeds, ...states]);
      const found = await this.worker.run(loaded, given, names);
      const raised = await this.onnx.run(model, files, given, names);
      if (!isRandom(model)) assertSame(found, raised);
      states = state.map((name) => [name, found.get(name)!]);
      results.push(Object.fromEntries([...found].map(([name, { shape, data }]) => [name, { shape, data: plain(data) }])));
    }
    await this.worker.unload(loaded);
    return results;
  }
}

/** Two runtimes draw other numbers; that it runs is all there is to hold. */
const isRandom = ({ graphs }: SourceModel): boolean =>
  graphs.some(({ nodes }) => nodes.some(({ op }) => /^(RANDOM_|MULTINOMIAL)/.test(op)));

/** onnxruntime has the source's own types, of which TF.js carries what it can. */
export function assertSame(found: ReadonlyMap<string, Tensor>, raised: ReadonlyMap<string, Tensor> | undefined): void {
  for (const [name, tensor] of raised ?? []) {
    const { verdict, firstBad, note } = compare(tensor, found.get(name)!, { tolerance: toleranceFor("float32") });
    if (verdict !== "different") continue;
    const where = firstBad && `at [${firstBad.index}]: ${firstBad.reference} where TF.js has ${firstBad.actual}`;
    throw new Error(`${name} in onnxruntime ${where ?? note}`);
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
