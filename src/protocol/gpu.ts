/** Between the extension host and the page that runs TF.js on the GPU. Only JSON-able values and array buffers cross. */
import type { Tensor } from "../graph/tensor.ts";
import type { GpuBackend, GpuModel } from "./engine.ts";

/** Files cross in pieces of this size; VS Code copies a message several times. */
export const chunkBytes = 4 * 2 ** 20;
/** Pieces sent before the first is acknowledged. */
export const chunksInFlight = 2;
/** How often the page says that it lives; shader compilation may hold it up for a while. */
export const heartbeatMs = 2_000;

/** What the host asks of the page. One model at a time. */
export interface GpuPageApi {
  /** Starts the backend; a `ModelError` with `backend-unavailable` where there is no adapter. Says what the GPU is, as far as told. */
  start(backend: GpuBackend): Promise<string>;
  /** Announces a file of the model. */
  file(name: string, size: number): Promise<void>;
  /** A piece; the answer is the acknowledgement. Each has a buffer of its own, of exactly its size. */
  chunk(name: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Builds the model of the files, and lets go of them. */
  load(): Promise<Omit<GpuModel, "adapter">>;
  run(feeds: readonly (readonly [string, Tensor])[], fetches: readonly string[]): Promise<readonly Tensor[]>;
}

/** What the page tells the host. */
export interface GpuHostApi {
  /** The page has loaded. */
  ready(): Promise<void>;
  alive(): Promise<void>;
  /** The device is gone, with all its tensors. */
  lost(reason: string): Promise<void>;
}
