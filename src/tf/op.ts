/** A row of the hub's op tables: what TensorFlow's op docs say of an operator, as functions. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { Attr, Attrs, Dim, Shape, Type, Value } from "../graph/graph.ts";
import { type Elements, numbersOf, type Tensor } from "../graph/tensor.ts";
import { isUserOp, userOpDef } from "./user-op.ts";

/** What a shape rule may ask. Every fault it throws is a `ModelError` without a place: the caller adds it. */
export class Call {
  constructor(
    readonly op: string,
    readonly inputs: readonly Value[],
    readonly attrs: Attrs,
  ) {}

  input(i: number): Value {
    const value = this.inputs[i];
    if (!value) throw new Error(`${this.op} wants an input ${i}`);
    return value;
  }

  dtype(i = 0): DType {
    return this.input(i).dtype;
  }

  shape(i = 0): Shape | undefined {
    return this.input(i).type.shape;
  }

  /** The tensor behind an input that is a small Const. */
  known(i: number): Tensor | undefined {
    return constantOf(this.input(i));
  }

  /** The numbers of an integer input as far as they are known: exact for a Const, partly for tracked shape vectors. */
  dims(i: number): readonly Dim[] | undefined {
    return dimsOf(this.input(i));
  }

  /** As `dims`, where every number is known. */
  numbers(i: number): readonly number[] | undefined {
    const dims = this.dims(i);
    return dims?.every((dim) => typeof dim === "number") ? (dims as readonly number[]) : undefined;
  }

  attr<T extends Attr>(name: string, fallback?: T): T {
    const value = this.attrs[name] ?? fallback;
    if (value === undefined) throw new Error(`${this.op} wants an attribute ${name}`);
    return value as T;
  }
}

export interface OpDef {
  readonly name: string;
  /** Output types; throws where the inputs cannot be combined. */
  readonly infer: (call: Call) => readonly Type[];
  /**
   * Evaluates on the host, exactly as TensorFlow would. Absent: never folded. `types` are the inferred output types. `spare`, given to
   * elementwise ops only, are the elements of an input of the output's type that nobody needs any more: the result may be written over them.
   */
  readonly fold?: (inputs: readonly Tensor[], attrs: Attrs, types: readonly Type[], spare?: Elements) => readonly Tensor[];
  /** Partly known content of the (first) output; asked only where folding is impossible. */
  readonly elements?: (call: Call) => readonly Dim[] | undefined;
  /** Each element of the output depends only on the elements at its place in the inputs, which broadcast together. */
  readonly elementwise?: true;
  /** false: has state or randomness; bars folding and CSE. */
  readonly pure?: false;
}

const table = new Map<string, OpDef>();

/** Called by the family files as they load. */
export function define(...defs: readonly OpDef[]): void {
  for (const def of defs) {
    if (table.has(def.name)) throw new Error(`op ${def.name} is defined twice`);
    table.set(def.name, def);
  }
}

export function opDef(name: string): OpDef {
  const def = table.get(name) ?? (isUserOp(name) ? userOpDef(name) : undefined);
  if (!def) throw new Error(`the hub has no op ${name}`);
  return def;
}

export const isDefined = (name: string): boolean => table.has(name);

/** Every op of the tables that are loaded. */
export const definedOps = (): readonly string[] => [...table.keys()];

/** The tensor of a Const that is in memory; stored ones are not looked at here. */
export function constantOf(value: Value): Tensor | undefined {
  if (value.node.op !== "Const") return undefined;
  const tensor = value.node.attrs["value"] as Tensor;
  return "data" in tensor ? tensor : undefined;
}

/** A tensor of more elements is never read as a vector of dims or axes. */
const maxDims = 4096;

export function dimsOf(value: Value): readonly Dim[] | undefined {
  if (value.elements) return value.elements;
  const tensor = constantOf(value);
  if (!tensor || Array.isArray(tensor.data) || tensor.data.length > maxDims) return undefined;
  return numbersOf(tensor);
}

/** `axis` counted from the front; a `ModelError` where it is outside the rank. */
export function normalAxis(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw modelError("bad-axis", `axis ${axis} of a rank-${rank} tensor`);
  return axis < 0 ? axis + rank : axis;
}

/** One dim of two operands broadcast together. */
export function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1) return a;
  if (a === b) return a;
  if (typeof a === "number" && typeof b === "number") throw modelError("shape-mismatch", `dims ${a} and ${b} do not broadcast`);
  // A known dim beside an unknown one: the unknown is 1 or equal, either way the result is the known one.
  if (typeof a === "number") return a;
  return typeof b === "number" ? b : undefined;
}

export function broadcast(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = i - rank + a.length;
    const y = i - rank + b.length;
    return broadcastDim(x < 0 ? 1 : a[x], y < 0 ? 1 : b[y]);
  });
}
