/** Attributes of NodeDefs, which have kinds of their own for bools and types, and rows for ops that are the hub's own. */
import type { DType } from "../../base/dtype.ts";
import { isComplex } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import type { Attr, Attrs, Value } from "../../graph/graph.ts";
import type { GraphId, SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Inputs, type Rule, rule } from "../rule.ts";
import type { AttrsOf, Field, Schema } from "../schema.ts";

const wrongKind = (attr: SourceAttr, name: string, kind: string) =>
  modelError("bad-attribute", `attribute ${name} is of type ${attr.kind}, not ${kind}`);

export const flag = (fallback: boolean): Field<boolean> => ({
  read: (attr, name) => {
    if (attr === undefined) return fallback;
    if (attr.kind !== "bool") throw wrongKind(attr, name, "bool");
    return attr.value;
  },
});

export const dtype = (fallback?: DType): Field<DType> => ({
  read: (attr, name) => {
    if (attr === undefined && fallback !== undefined) return fallback;
    if (attr === undefined) throw modelError("bad-attribute", `attribute ${name} is missing`);
    if (attr.kind !== "dtype")
      throw modelError("unsupported-type", attr.kind === "unknown" ? `a value of ${attr.value}` : `no data type in ${name}`);
    return attr.value;
  },
});

/** A list of numbers; absent is empty, as TensorFlow has it. */
export const list = (...fallback: readonly number[]): Field<readonly number[]> => ({
  read: (attr, name) => {
    if (attr === undefined) return fallback;
    if (attr.kind !== "ints" && attr.kind !== "floats") throw wrongKind(attr, name, "list");
    return attr.value.map(Number);
  },
});

/** The function that an attribute names. */
export const body = (): Field<GraphId> => ({
  read: (attr, name) => {
    if (attr?.kind === "graph") return attr.value;
    throw modelError("bad-attribute", attr?.kind === "unknown" ? attr.value : `attribute ${name} names no function`);
  },
});

export type Lower<S extends Schema, Min extends number, Max extends number> = (
  b: Builder,
  inputs: Inputs<Min, Max>,
  attrs: AttrsOf<S>,
  at: At,
) => readonly (Value | undefined)[];

export interface More {
  /** See rule.ts. */
  readonly parameters?: readonly number[];
}

/** A row of TensorFlow's; one op has one meaning, so there are no versions. */
export function tfRule<const S extends Schema, const Min extends number, const Max extends number>(
  op: string,
  arity: readonly [Min, Max],
  attrs: S,
  lower: Lower<S, Min, Max>,
  more: More = {},
): Rule {
  return rule(op, { since: 0, arity, attrs, ...more }, lower);
}

/** Neither the hub nor TF.js computes with complex numbers but for a few ops. */
export function realOnly(inputs: readonly (Value | undefined)[], at: At): void {
  const complex = inputs.find((input) => input && isComplex(input.dtype));
  if (complex) throw at.unsupported(`input of type ${complex.dtype}`);
}

/** An op that means the same in the hub, by this name or another; of its attributes those that the schema names. */
export function same<const S extends Schema>(
  op: string,
  inputs: number,
  attrs: S = {} as S,
  more: More & { readonly hub?: string; readonly outputs?: number } = {},
): Rule {
  return tfRule(
    op,
    [inputs, inputs] as readonly [number, number],
    attrs,
    (b, values, given, at) => {
      realOnly(values, at);
      return b.ops(more.hub ?? op, values as readonly Value[], given as unknown as Attrs);
    },
    more,
  );
}

/** Attributes for the hub, without those that are not set. */
export const present = (attrs: Readonly<Record<string, Attr | undefined>>): Attrs =>
  Object.fromEntries(Object.entries(attrs).filter((pair): pair is [string, Attr] => pair[1] !== undefined));
