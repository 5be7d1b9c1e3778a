/** What the tfjs-node process answers. */
import type { Tensor } from "../graph/tensor.ts";

export interface TfjsNodeApi {
  /** Loads the package at this path; `ModelError` `reference-unavailable` where it does not. Answers its version. */
  start(entry: string): Promise<string>;
  /** The SavedModel in a folder, seen through one signature. */
  load(folder: string, tags: readonly string[], signature: string): Promise<void>;
  /** All outputs of the signature, by its names. */
  run(feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>;
}
