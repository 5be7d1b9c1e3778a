/** What the TF.js thread answers. */
import type { Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "./run.ts";
import type { TfjsFiles } from "./tfjs-files.ts";

export type TfjsBackend = "cpu" | "wasm";

export interface TfjsModel {
  readonly id: number;
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
}

export interface TfjsApi {
  /** Sets the one backend of this thread; `ModelError` `backend-unavailable` where it does not start. Answers TF.js's version. */
  start(backend: TfjsBackend): Promise<string>;
  load(files: TfjsFiles): Promise<TfjsModel>;
  /** `feeds` by signature name; `fetches` are signature names or `node:port`. Answers in the order of `fetches`. */
  run(id: number, feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]): Promise<Tensor[]>;
  /** Milliseconds of each of `runs` runs, results read back each time; the first is the first ever of the model. */
  time(id: number, feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[], runs: number): Promise<number[]>;
  unload(id: number): Promise<void>;
  /** Tensors that TF.js holds at this moment. */
  held(): Promise<number>;
}
