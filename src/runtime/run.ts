/** What every runtime looks like to those who compare. */
import type { DType } from "../base/dtype.ts";
import type { SourceDim } from "../graph/source.ts";
import type { Tensor } from "../graph/tensor.ts";

export interface ValueSpec {
  readonly name: string;
  /** Undefined: no tensor (a map, a sequence). */
  readonly dtype: DType | undefined;
  /** Undefined: rank unknown. */
  readonly shape: readonly SourceDim[] | undefined;
}

/** A model held by a runtime, in a process or thread of its own. */
export interface Run {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /**
   * The values asked for, by the names asked with. `ModelError` where the runtime refuses or dies, `Cancelled` where the signal
   * given at opening fired.
   */
  run(feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]): Promise<Map<string, Tensor>>;
  /** Ends the process or thread; safe to call twice. */
  close(): Promise<void>;
}
