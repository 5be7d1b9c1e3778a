/** What the rows of both steps may ask: those that decompose hub ops into simpler ones, and those that emit ONNX. */
import type { DType } from "../base/dtype.ts";
import { type ModelError, modelError } from "../base/problem.ts";
import type { Attrs, Graph, Node, Type, Value } from "../graph/graph.ts";
import type { Builder } from "../tf/build.ts";
import type { OnnxBuilder, Ref } from "./build.ts";

export class RaiseAt {
  /** The least opset that has what the row wants. */
  least: number;

  constructor(
    readonly node: Node,
    /** Its attributes with dtypes mapped to ONNX's. */
    readonly attrs: Attrs,
    readonly opset: number,
  ) {
    this.least = opset;
  }

  unsupported(reason: string, hint?: string): ModelError {
    return modelError("unsupported", reason, {}, hint);
  }

  /** For what ONNX has from a later version on. */
  since(opset: number): void {
    if (this.opset < opset) throw this.wants(opset);
  }

  /** What ONNX can say from this opset on only. */
  wants(opset: number, what = `${this.node.op} in ONNX`): ModelError {
    this.least = opset;
    return this.unsupported(`${what} before opset ${opset}`, `convert with --opset ${opset}`);
  }

  number(name: string, fallback: number): number {
    return (this.attrs[name] as number | undefined) ?? fallback;
  }

  numbers(name: string): readonly number[] | undefined {
    return this.attrs[name] as readonly number[] | undefined;
  }

  flag(name: string): boolean {
    return (this.attrs[name] as boolean | undefined) ?? false;
  }

  text(name: string, fallback: string): string {
    return (this.attrs[name] as string | undefined) ?? fallback;
  }

  dtype(name: string): DType {
    return this.attrs[name] as DType;
  }

  /** Type of output `i`. */
  type(i = 0): Type {
    return this.node.outputs[i]!.type;
  }
}

/** A hub op by simpler hub ops, each of which has a row that emits it. */
export type Decompose = (b: Builder, inputs: readonly Value[], at: RaiseAt) => readonly Value[];

export interface DecomposeRule {
  readonly op: string;
  readonly decompose: Decompose;
}

export const decomposed = (op: string, decompose: Decompose): DecomposeRule => ({ op, decompose });

/** A node without outputs since another's fault, which is recorded, left it without what it needs. */
export class Incomplete extends Error {}

/** Bodies of functions, where they are called or in graphs of their own. */
export interface Nesting {
  /** Outputs of the function of this name over values at hand, in the scope at hand; throws `Incomplete`. */
  inline(name: string, inputs: readonly Ref[]): readonly Ref[];
  /** The values that a function takes and gives. */
  function(name: string): Graph;
}

/** With what rows need that emit graphs within graphs, or fuse. */
export class EmitAt extends RaiseAt {
  /** Values that are not there any more, since a node gives a later one in their place. */
  readonly fused: Value[] = [];

  constructor(
    node: Node,
    attrs: Attrs,
    opset: number,
    readonly nesting: Nesting,
    /** How often the graph at hand reads a value. */
    readonly usesOf: (value: Value) => number,
  ) {
    super(node, attrs, opset);
  }
}

/** A hub op by ONNX nodes; gives a Ref an output. */
export type Emit = (o: OnnxBuilder, inputs: readonly Ref[], at: EmitAt) => readonly Ref[];

export interface EmitRule {
  readonly op: string;
  readonly emit: Emit;
}

export const emitted = (op: string, emit: Emit): EmitRule => ({ op, emit });

/** A row whose op has one output. */
export const emittedOne = (op: string, emit: (o: OnnxBuilder, inputs: readonly Ref[], at: EmitAt) => Ref): EmitRule => ({
  op,
  emit: (o, inputs, at) => [emit(o, inputs, at)],
});
