/** What the LiteRT process answers. */
import type { Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "./run.ts";

/** Bytes of the file that are to be others; behind its end too. */
export interface FileEdit {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface LiteRtModel {
  readonly id: number;
}

export interface LiteRtApi {
  /** Loads LiteRT.js; `ModelError` `reference-unavailable` where it is not there. Answers its version. */
  start(): Promise<string>;
  /** `inputs` and `outputs` as the graph lists them: LiteRT is asked by position. */
  load(path: string, edits: readonly FileEdit[], inputs: readonly ValueSpec[], outputs: readonly string[]): Promise<LiteRtModel>;
  /** All outputs, in order. */
  run(id: number, feeds: ReadonlyMap<string, Tensor>): Promise<Tensor[]>;
  unload(id: number): Promise<void>;
}
