/** What the thread of TF.js's layers answers. */
import type { Tensor } from "../graph/tensor.ts";

/** Output `output` of call `call` of a layer. */
export type LayerValue = readonly [layer: string, call: number, output: number];

export interface LayersApi {
  /** Answers TF.js's version. */
  start(): Promise<string>;
  /** The files of a layers model by name; `ModelError` `load-failed` where `tf.loadLayersModel` does not take it. */
  load(files: Readonly<Record<string, Uint8Array>>): Promise<void>;
  /** `feeds` in the order of the model's inputs; the values asked for, in their order. */
  run(feeds: readonly Tensor[], values: readonly LayerValue[]): Promise<Tensor[]>;
}
