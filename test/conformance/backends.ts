/** What converts and runs: one TF.js a backend, a thread for cpu and wasm, a page in a browser for webgl and webgpu; or onnxruntime. */
import { convert } from "../../src/convert.ts";
import { convertToOnnx } from "../../src/convert-onnx.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import type { QuantizedMode } from "../../src/lower/rule.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import type { TfjsModel } from "../../src/runtime/tfjs-api.ts";

export const conformanceBackends = ["cpu", "wasm", "webgl", "webgpu"] as const;
/** `onnxruntime` runs what is converted to ONNX. */
export type ConformanceBackend = (typeof conformanceBackends)[number] | "onnxruntime";
export type Target = "tfjs" | "onnx";

export interface Runner {
  readonly alive: boolean;
  load(files: Readonly<Record<string, Uint8Array>>, signal?: AbortSignal): Promise<TfjsModel>;
  run(
    model: TfjsModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, Tensor>>;
  unload(model: TfjsModel): Promise<void>;
  close(): Promise<void>;
}

async function start(backend: ConformanceBackend): Promise<Runner> {
  if (backend === "cpu" || backend === "wasm") return TfjsWorker.start(backend);
  if (backend === "onnxruntime") return (await import("./onnxruntime.ts")).OrtRunner.start();
  const { BrowserWorker } = await import("./browser/worker.ts");
  return BrowserWorker.start(backend);
}

/** Keeps one runner a backend, and starts another where one dies. */
export class Backends {
  private readonly runners = new Map<ConformanceBackend, Runner>();
  readonly convert: typeof convert;

  /** `quantized`: how quantised models compute, where another way than the usual one is asked for. */
  constructor(
    readonly to: Target,
    quantized?: QuantizedMode,
  ) {
    const usual: typeof convert = to === "onnx" ? convertToOnnx : convert;
    this.convert = quantized ? (model, files, sink, options = {}) => usual(model, files, sink, { quantized, ...options }) : usual;
  }

  async get(backend: ConformanceBackend): Promise<Runner> {
    let runner = this.runners.get(backend);
    if (!runner?.alive) {
      await runner?.close();
      runner = await start(backend);
      this.runners.set(backend, runner);
    }
    return runner;
  }

  /** A browser's GPU process went: what it was doing says nothing of the case. */
  get lostGpu(): boolean {
    return [...this.runners].some(([backend, { alive }]) => !alive && backend.startsWith("web"));
  }

  async close(): Promise<void> {
    for (const runner of this.runners.values()) await runner.close();
  }
}
