/** The hub graph: immutable nodes, values that know their type; a graph is what its outputs reach. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { StoredTensor, Tensor } from "./tensor.ts";

/** A size, a symbol that stands for one size wherever it occurs, or unknown. */
export type Dim = number | string | undefined;
export type Shape = readonly Dim[];

export interface Type {
  readonly dtype: DType;
  /** Undefined: rank unknown. */
  readonly shape: Shape | undefined;
}

export type Attr =
  | number
  | boolean
  | string
  | Tensor
  | StoredTensor
  | readonly number[]
  | readonly string[]
  | readonly boolean[]
  | readonly Type[];
export type Attrs = Readonly<Record<string, Attr>>;

export type How = "lowered" | "fused" | "folded" | "inserted";

/** The source nodes a node stands for, as `<graph>/<node>`. */
export interface Origin {
  readonly nodes: readonly string[];
  readonly how: How;
}

export const noOrigin: Origin = { nodes: [], how: "inserted" };

/** One output of a node. */
export class Value {
  constructor(
    readonly node: Node,
    readonly port: number,
    readonly type: Type,
    /** The content of a small integer vector or scalar as far as it is known; never set for a Const. */
    readonly elements: readonly Dim[] | undefined,
  ) {}

  get dtype(): DType {
    return this.type.dtype;
  }

  /** The dims; a `ModelError` (`rank-unknown`) where not even their number is known. */
  get shape(): Shape {
    const { shape } = this.type;
    if (!shape)
      throw modelError(
        "rank-unknown",
        "needs the rank of an input, and nothing in the file tells it",
        {},
        "Give the shapes of the model's inputs with --input: a size may decide it",
      );
    return shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The dims where every one is a number, else undefined. */
  get staticShape(): readonly number[] | undefined {
    return isStatic(this.type.shape) ? this.type.shape : undefined;
  }
}

export class Node {
  readonly outputs: readonly Value[];

  constructor(
    readonly op: string,
    readonly inputs: readonly Value[],
    readonly attrs: Attrs,
    readonly origin: Origin,
    types: readonly Type[],
    elements: readonly (readonly Dim[] | undefined)[],
    /** A Const, or a pure foldable op over constants: evaluated once, when it is written or run. */
    readonly constant: boolean,
  ) {
    this.outputs = types.map((type, port) => new Value(this, port, type, elements[port]));
  }

  /** The only output; our own fault where there are several. */
  get output(): Value {
    if (this.outputs.length !== 1) throw new Error(`${this.op} has ${this.outputs.length} outputs`);
    return this.outputs[0]!;
  }
}

export interface GraphOutput {
  readonly name: string;
  readonly value: Value;
}

export interface Graph {
  readonly name: string;
  /** Placeholders, in the source's order, also those that nothing reads. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly GraphOutput[];
  readonly functions: ReadonlyMap<string, Graph>;
}

export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every((dim) => typeof dim === "number") ?? false;
}

/** Elements a static shape holds, or undefined. */
export function sizeOf(shape: Shape | undefined): number | undefined {
  if (!isStatic(shape)) return undefined;
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

export const sameDim = (a: Dim, b: Dim): boolean => a !== undefined && a === b;

export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]));
}

/** `f32`-less and short: `1×3×h×?`, or `?` for an unknown rank. */
export const showShape = (shape: Shape | undefined): string =>
  shape ? (shape.length ? shape.map((dim) => dim ?? "?").join("×") : "scalar") : "?";
