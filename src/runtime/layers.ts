/** A layers model in stock TF.js, the reference for Keras, in a thread of its own. */
import { throwIfCancelled } from "../base/cancel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { carry } from "./carry.ts";
import type { LayersApi, LayerValue } from "./layers-api.ts";
import { Peer } from "./peer.ts";

export class LayersThread {
  private constructor(
    private readonly peer: Peer<LayersApi>,
    /** Of TF.js. */
    readonly version: string,
  ) {}

  /** `ModelError` where TF.js does not take the model. */
  static async start(files: Readonly<Record<string, Uint8Array>>, signal?: AbortSignal): Promise<LayersThread> {
    throwIfCancelled(signal);
    const peer = Peer.thread<LayersApi>("TF.js's layers", "layers-worker");
    try {
      const version = await peer.call(signal, (api) => api.start());
      await peer.call(signal, (api) => api.load(files));
      return new LayersThread(peer, version);
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  /** `feeds` in the order of the model's inputs. */
  run(feeds: readonly Tensor[], values: readonly LayerValue[], signal?: AbortSignal): Promise<Tensor[]> {
    return this.peer.call(signal, (api) =>
      api.run(
        feeds.map((tensor, i) => carry(tensor, `input ${i}`)),
        values,
      ),
    );
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}
