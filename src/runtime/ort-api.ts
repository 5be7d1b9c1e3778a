/** What the onnxruntime process answers. */
import type { Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "./run.ts";

export interface OrtModel {
  readonly id: number;
  readonly inputs: readonly ValueSpec[];
  /** The model's own, without the taps. */
  readonly outputs: readonly ValueSpec[];
}

/** Its native build, or the one for browsers, which is WebAssembly and runs on one thread here. */
export type OrtBuild = "node" | "web";

export interface OrtApi {
  /** Loads onnxruntime; `ModelError` `reference-unavailable` where it is not there. Answers its version. */
  start(build: OrtBuild): Promise<string>;
  /** `taps`: values of the main graph that may be fetched besides the outputs; with any, graph optimisation is off. */
  load(path: string, taps: readonly string[]): Promise<OrtModel>;
  /** Answers in the order of `fetches`. */
  run(id: number, feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]): Promise<Tensor[]>;
  /** Milliseconds of each of `runs` runs. */
  time(id: number, feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[], runs: number): Promise<number[]>;
  unload(id: number): Promise<void>;
}
