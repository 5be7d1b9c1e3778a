/** One TF.js thread a backend, shared by many cases. */
import { TfjsWorker } from "../../src/runtime/tfjs.ts";
import type { TfjsBackend } from "../../src/runtime/tfjs-api.ts";

/** Keeps one thread a backend, and starts another where one dies. */
export class Backends {
  private readonly workers = new Map<TfjsBackend, TfjsWorker>();

  async get(backend: TfjsBackend): Promise<TfjsWorker> {
    let worker = this.workers.get(backend);
    if (!worker?.alive) {
      await worker?.close();
      worker = await TfjsWorker.start(backend);
      this.workers.set(backend, worker);
    }
    return worker;
  }

  async close(): Promise<void> {
    for (const worker of this.workers.values()) await worker.close();
  }
}
