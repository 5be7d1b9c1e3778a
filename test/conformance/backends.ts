/** One TF.js a backend, shared by many cases: a thread for cpu and wasm, a page in a browser for webgl and webgpu. */
import type { Tensor } from "../../src/graph/tensor.ts";
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import type { TfjsModel } from "../../src/runtime/tfjs-api.ts";

export const conformanceBackends = ["cpu", "wasm", "webgl", "webgpu"] as const;
export type ConformanceBackend = (typeof conformanceBackends)[number];

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
  const { BrowserWorker } = await import("./browser/worker.ts");
  return BrowserWorker.start(backend);
}

/** Keeps one runner a backend, and starts another where one dies. */
export class Backends {
  private readonly runners = new Map<ConformanceBackend, Runner>();

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
