/** What the LiteRT process answers. */
import type { Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "./run.ts";

export interface LiteRtModel {
  readonly id: number;
}

export interface LiteRtApi {
  /** Loads LiteRT.js; `ModelError` `reference-unavailable` where it is not there. Answers its version. */
  start(): Promise<string>;
  /**
   * `file`: a copy that LiteRT.js can run (formats/tflite/carried.ts). `inputs` and `outputs` as the source has them, in the order of its
   * graph: LiteRT is asked by position.
   */
  load(file: Uint8Array, inputs: readonly ValueSpec[], outputs: readonly ValueSpec[]): Promise<LiteRtModel>;
  /** All outputs, in order, in the types of the source. */
  run(id: number, feeds: ReadonlyMap<string, Tensor>): Promise<Tensor[]>;
  unload(id: number): Promise<void>;
}
