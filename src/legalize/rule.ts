/** A legalisation is a row: a hub op, and a function to values that TF.js's executor computes alike. Types are already those of the border. */
import type { DType } from "../base/dtype.ts";
import { type ModelError, modelError } from "../base/problem.ts";
import type { Attrs, Node, Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";

/** What a row may ask. */
export class LegalAt {
  constructor(
    /** The hub node; its types are the hub's own (int64, float16 …). */
    readonly node: Node,
    /** Its attributes with dtypes mapped to the border's. */
    readonly attrs: Attrs,
  ) {}

  unsupported(reason: string, hint?: string): ModelError {
    return modelError("unsupported", reason, {}, hint);
  }

  /** Hub dtype of input `i`, before the border mapped it. */
  dtype(i = 0): DType {
    return this.node.inputs[i]!.dtype;
  }

  number(name: string, fallback: number): number {
    return (this.attrs[name] as number | undefined) ?? fallback;
  }

  flag(name: string): boolean {
    return (this.attrs[name] as boolean | undefined) ?? false;
  }

  /** The node over other inputs, attributes as they are. */
  same(b: Builder, inputs: readonly Value[], attrs: Attrs = {}): readonly Value[] {
    return b.ops(this.node.op, inputs, { ...this.attrs, ...attrs });
  }
}

export type Legalize = (b: Builder, inputs: readonly Value[], at: LegalAt) => readonly Value[];

export interface LegalRule {
  readonly op: string;
  readonly legalize: Legalize;
}

export const legal = (op: string, legalize: Legalize): LegalRule => ({ op, legalize });
