/** onnxruntime, the reference for ONNX, in a child process: the caller never loads native code, and cancelling is killing. */
import { throwIfCancelled } from "../base/cancel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { electronHint, isElectron, nodeForNative } from "./native-node.ts";
import type { OrtApi, OrtBuild, OrtModel } from "./ort-api.ts";
import { Peer } from "./peer.ts";
import type { Run } from "./run.ts";

/** A process that runs any number of models. Once `alive` is false, start another. */
export class OrtProcess {
  private constructor(
    private readonly peer: Peer<OrtApi>,
    /** Of onnxruntime. */
    readonly version: string,
  ) {}

  /** `ModelError` `reference-unavailable` where that build of onnxruntime does not load. */
  static async start(signal?: AbortSignal, build: OrtBuild = "node"): Promise<OrtProcess> {
    throwIfCancelled(signal);
    const node = await nodeForNative();
    const hint = node === undefined && isElectron() ? electronHint : undefined;
    const peer = Peer.child<OrtApi>("onnxruntime", "ort-child", node, hint);
    try {
      return new OrtProcess(peer, await peer.call(signal, (api) => api.start(build)));
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  get alive(): boolean {
    return this.peer.alive;
  }

  /** @param taps values of the main graph to be fetched besides the outputs; with any, graph optimisation is off. */
  load(path: string, taps: readonly string[] = [], signal?: AbortSignal): Promise<OrtModel> {
    return this.peer.call(signal, (api) => api.load(path, taps));
  }

  /** `feeds` in the dtypes the model declares; `fetches` are outputs and taps. */
  async run(
    model: OrtModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, Tensor>> {
    const tensors = await this.peer.call(signal, (api) => api.run(model.id, feeds, fetches));
    return new Map(fetches.map((name, i) => [name, tensors[i]!]));
  }

  /** Milliseconds of each of `runs` runs, without the way to the process and back. */
  time(
    model: OrtModel,
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[],
    runs: number,
    signal?: AbortSignal,
  ): Promise<number[]> {
    return this.peer.call(signal, (api) => api.time(model.id, feeds, fetches, runs));
  }

  unload(model: OrtModel): Promise<void> {
    return this.peer.call(undefined, (api) => api.unload(model.id));
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}

export interface OrtOptions {
  readonly taps?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface OrtRun extends Run {
  readonly version: string;
}

/** One model in a process of its own. External data is found beside `path`. */
export async function openOrt(path: string, { taps = [], signal }: OrtOptions = {}): Promise<OrtRun> {
  const process = await OrtProcess.start(signal);
  try {
    const model = await process.load(path, taps, signal);
    return {
      version: process.version,
      inputs: model.inputs,
      outputs: model.outputs,
      run: (feeds, fetches) => process.run(model, feeds, fetches, signal),
      close: () => process.close(),
    };
  } catch (error) {
    await process.close();
    throw error;
  }
}
