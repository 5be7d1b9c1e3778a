/** LiteRT, the reference for TFLite, in a process of its own. */
import { throwIfCancelled } from "../base/cancel.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { LiteRtApi, LiteRtModel } from "./litert-api.ts";
import { Peer } from "./peer.ts";
import type { ValueSpec } from "./run.ts";

/** A process that runs any number of models. Once `alive` is false, start another. */
export class LiteRtProcess {
  private constructor(
    private readonly peer: Peer<LiteRtApi>,
    /** Of LiteRT.js. */
    readonly version: string,
  ) {}

  /** `ModelError` `reference-unavailable` where LiteRT.js does not load. */
  static async start(signal?: AbortSignal): Promise<LiteRtProcess> {
    throwIfCancelled(signal);
    const peer = Peer.child<LiteRtApi>("LiteRT", "litert-child");
    try {
      return new LiteRtProcess(peer, await peer.call(signal, (api) => api.start()));
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  get alive(): boolean {
    return this.peer.alive;
  }

  /** See `LiteRtApi.load`. */
  load(
    file: Uint8Array,
    inputs: readonly ValueSpec[],
    outputs: readonly ValueSpec[],
    signal?: AbortSignal,
  ): Promise<LiteRtModel> {
    return this.peer.call(signal, (api) => api.load(file, inputs, outputs));
  }

  run(model: LiteRtModel, feeds: ReadonlyMap<string, Tensor>, signal?: AbortSignal): Promise<Tensor[]> {
    return this.peer.call(signal, (api) => api.run(model.id, feeds));
  }

  unload(model: LiteRtModel): Promise<void> {
    return this.peer.call(undefined, (api) => api.unload(model.id));
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}
