/** TF.js graph models on cpu or wasm, as a user's program runs them: stock TF.js, in a thread of its own. */
import { throwIfCancelled } from "../base/cancel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { carry } from "./carry.ts";
import { Peer } from "./peer.ts";
import type { Run } from "./run.ts";
import type { TfjsApi, TfjsBackend, TfjsModel } from "./tfjs-api.ts";
import type { TfjsFiles } from "./tfjs-files.ts";

/** A thread with one backend that runs any number of models. Once `alive` is false, start another. */
export class TfjsWorker {
  private constructor(
    private readonly peer: Peer<TfjsApi>,
    readonly backend: TfjsBackend,
    /** Of TF.js. */
    readonly version: string,
  ) {}

  /** `ModelError` `backend-unavailable` where the backend does not start. */
  static async start(backend: TfjsBackend, signal?: AbortSignal): Promise<TfjsWorker> {
    throwIfCancelled(signal);
    const peer = Peer.thread<TfjsApi>(`TF.js on ${backend}`, "tfjs-worker");
    try {
      return new TfjsWorker(peer, backend, await peer.call(signal, (api) => api.start(backend)));
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  get alive(): boolean {
    return this.peer.alive;
  }

  load(files: TfjsFiles, signal?: AbortSignal): Promise<TfjsModel> {
    return this.peer.call(signal, (api) => api.load(files));
  }

  /**
   * @param feeds by signature name, in any dtype that TF.js's five can hold
   * @param fetches signature names or `node:port`
   */
  async run(
    model: TfjsModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, Tensor>> {
    const carried = new Map([...feeds].map(([name, tensor]) => [name, carry(tensor, name)]));
    const tensors = await this.peer.call(signal, (api) => api.run(model.id, carried, fetches));
    return new Map(fetches.map((name, i) => [name, tensors[i]!]));
  }

  /** Milliseconds of each of `runs` runs, without the way to the thread and back. */
  time(
    model: TfjsModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    runs: number,
    signal?: AbortSignal,
  ): Promise<number[]> {
    const carried = new Map([...feeds].map(([name, tensor]) => [name, carry(tensor, name)]));
    return this.peer.call(signal, (api) => api.time(model.id, carried, fetches, runs));
  }

  unload(model: TfjsModel): Promise<void> {
    return this.peer.call(undefined, (api) => api.unload(model.id));
  }

  /** Tensors held by TF.js: what a model leaves behind shows here. */
  held(): Promise<number> {
    return this.peer.call(undefined, (api) => api.held());
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}

export interface TfjsOptions {
  readonly backend: TfjsBackend;
  readonly signal?: AbortSignal | undefined;
}

export interface TfjsRun extends Run {
  readonly backend: TfjsBackend;
  readonly version: string;
}

/** One graph model in a thread of its own: the written folder `dir` with model.json, shards and custom-ops.mjs where there is one. */
export async function openTfjs(dir: string, { backend, signal }: TfjsOptions): Promise<TfjsRun> {
  const worker = await TfjsWorker.start(backend, signal);
  try {
    const model = await worker.load(dir, signal);
    return {
      backend,
      version: worker.version,
      inputs: model.inputs,
      outputs: model.outputs,
      run: (feeds, fetches) => worker.run(model, feeds, fetches, signal),
      close: () => worker.close(),
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}
