/** An ONNX file in onnxruntime from which any value may be asked for. */
import { ModelError } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import { OrtProcess } from "../runtime/ort.ts";
import type { OrtModel } from "../runtime/ort-api.ts";

export class OrtSession {
  private loaded: { readonly model: OrtModel; readonly taps: string } | undefined;

  private constructor(
    private readonly process: OrtProcess,
    private readonly path: string,
    private readonly signal: AbortSignal | undefined,
  ) {}

  static async start(path: string, signal?: AbortSignal): Promise<OrtSession> {
    return new OrtSession(await OrtProcess.start(signal), path, signal);
  }

  get version(): string {
    return this.process.version;
  }

  /** The model with these values of its main graph fetchable too. One session at a time: each holds the weights. */
  async load(taps: readonly string[]): Promise<OrtModel> {
    const key = taps.join("\0");
    if (this.loaded?.taps === key) return this.loaded.model;
    if (this.loaded) await this.process.unload(this.loaded.model);
    this.loaded = undefined;
    const model = await this.process.load(this.path, taps, this.signal);
    this.loaded = { model, taps: key };
    return model;
  }

  /** @param own the model's outputs, which need no tap: with them alone the graph runs optimised */
  async values(
    feeds: ReadonlyMap<string, Tensor>,
    names: readonly string[],
    own: ReadonlySet<string>,
  ): Promise<Map<string, Tensor>> {
    const model = await this.load(names.filter((name) => !own.has(name)));
    return this.process.run(model, feeds, names, this.signal);
  }

  close(): Promise<void> {
    return this.process.close();
  }
}

const codes: Readonly<Record<string, string>> = {
  "reference-refused": "target-refused",
  "reference-failed": "target-failed",
  "reference-unavailable": "backend-unavailable",
};

/** onnxruntime's faults where it is the side that is to be proven. */
export function asTarget(error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  const code = codes[error.problem.code];
  return code === undefined ? error : new ModelError({ ...error.problem, code });
}
