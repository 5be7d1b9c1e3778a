/** A lowering is a row: an operator, since which opset, its arity, its attribute schema, and a function from values to values. */
import type { DType } from "../base/dtype.ts";
import { ModelError, modelError, type Place } from "../base/problem.ts";
import type { Graph, Value } from "../graph/graph.ts";
import type { GraphId, SourceNode, SourceTensor, SourceType } from "../graph/source.ts";
import { numbersOf, type Tensor } from "../graph/tensor.ts";
import type { Builder } from "../tf/build.ts";
import { constantOf } from "../tf/op.ts";
import type { AttrsOf, Schema } from "./schema.ts";
import type { Body, Captures } from "./scope.ts";

/** Where a rule is at work: every error it makes is located, and no rule writes a name. */
export interface Context {
  readonly place: Place;
  readonly node: SourceNode;
  /** Of the node's domain. */
  readonly opset: number;
  /** What the file declares of output `i`. */
  declared(i: number): SourceType | undefined;
  /** What the file declares of input `i`. */
  given(i: number): SourceType | undefined;
  /** How quantised values are computed. */
  readonly quantized: QuantizedMode;
  /** Leaves a value for the next run in the variable that is input `i`. */
  assign(i: number, value: Value): void;
  /** Is output `i` read by anyone or an output of the graph? */
  used(i: number): boolean;
  /** A tensor held by an attribute, as a Const. */
  constant(tensor: SourceTensor): Value;
  /** Lowers a sub-graph in place: its inputs are the values given, what it captures is found by itself. */
  inline(graph: GraphId, inputs: readonly Value[]): readonly Value[];
  /** Lowers a sub-graph as the body of an If or While: `inputs` are made of the placeholders `own`; what it captures becomes further ones. */
  body(graph: GraphId, inputs: readonly Value[], own: readonly Value[], captures: Captures): Body;
  /** Puts a function into the graph's library, under this name or one like it, which is returned. */
  define(name: string, graph: Pick<Graph, "inputs" | "outputs">): string;
}

/**
 * `faithful`: every quantised result is rounded to its codes, as the source's runtime does; `float`: it is only kept to their range;
 * `qdq`: it is coded and decoded again, operator by operator, which runtimes of ONNX fuse into integer kernels.
 */
export type QuantizedMode = (typeof quantizedModes)[number];
export const quantizedModes = ["faithful", "float", "qdq"] as const;

export class At {
  constructor(private readonly context: Context) {}

  get place(): Place {
    return this.context.place;
  }
  get node(): SourceNode {
    return this.context.node;
  }
  get opset(): number {
    return this.context.opset;
  }

  /** The model is right and we, or TF.js, cannot do this. */
  unsupported(reason: string, hint?: string): ModelError {
    return modelError("unsupported", reason, this.place, hint);
  }

  /** The model breaks its own format's rules. */
  invalid(reason: string): ModelError {
    return modelError("invalid-model", reason, this.place);
  }

  /** The tensor of a constant of at most 16 KiB; the Problem `value-needed` where it is computed or larger. */
  known(value: Value, what = "an input"): Tensor {
    const tensor = constantOf(value);
    if (!tensor)
      throw modelError(
        "value-needed",
        `${what} must be a constant${value.node.constant ? " of at most 16 KiB" : ""}`,
        this.place,
      );
    return tensor;
  }

  /** As `known`, as numbers. */
  numbers(value: Value, what?: string): number[] {
    return numbersOf(this.known(value, what));
  }

  declared(i = 0): SourceType | undefined {
    return this.context.declared(i);
  }
  given(i: number): SourceType | undefined {
    return this.context.given(i);
  }
  assign(i: number, value: Value): void {
    this.context.assign(i, value);
  }
  get quantized(): QuantizedMode {
    return this.context.quantized;
  }
  used(i: number): boolean {
    return this.context.used(i);
  }
  constant(tensor: SourceTensor): Value {
    return this.context.constant(tensor);
  }
  inline(graph: GraphId, inputs: readonly Value[]): readonly Value[] {
    return this.context.inline(graph, inputs);
  }

  body(graph: GraphId, inputs: readonly Value[], own: readonly Value[] = inputs, captures: Captures = new Map()): Body {
    return this.context.body(graph, inputs, own, captures);
  }
  define(name: string, graph: Pick<Graph, "inputs" | "outputs">): string {
    return this.context.define(name, graph);
  }

  /** The dtype of a value, which must be one of those given. */
  dtype(value: Value, ...allowed: readonly DType[]): DType {
    if (!allowed.includes(value.dtype)) throw this.unsupported(`input of type ${value.dtype}`);
    return value.dtype;
  }
}

/** `[2, 3]` gives `[Value, Value, Value?]`; anything with a computed bound gives an array. */
export type Inputs<Min extends number, Max extends number> = number extends Min
  ? readonly (Value | undefined)[]
  : number extends Max
    ? readonly [...Fixed<Min, Value>, ...Value[]]
    : readonly [...Fixed<Min, Value>, ...Optional<Min, Max>];
type Fixed<N extends number, T, Acc extends T[] = []> = Acc["length"] extends N ? Acc : Fixed<N, T, [...Acc, T]>;
type Optional<Min extends number, Max extends number> =
  Fixed<Max, Value | undefined> extends readonly [...Fixed<Min, Value | undefined>, ...infer Rest] ? Rest : [];

export interface Rule {
  readonly op: string;
  readonly domain: string;
  readonly since: number;
  readonly arity: readonly [number, number];
  readonly attrs: Schema;
  readonly parameters: readonly number[];
  readonly lower: (b: Builder, inputs: readonly (Value | undefined)[], attrs: unknown, at: At) => readonly (Value | undefined)[];
}

export interface Row<S extends Schema, Min extends number, Max extends number> {
  /** First opset of this meaning; a newer row of the same op takes over from its own `since`. */
  readonly since: number;
  readonly domain?: string;
  /** Least and greatest number of inputs; Infinity for variadic ones. */
  readonly arity: readonly [Min, Max];
  readonly attrs: S;
  /** Inputs that say how rather than what: shapes, axes, permutations. Negative: counted from the last. */
  readonly parameters?: readonly number[];
}

/** A row of a dialect's table. The function returns the outputs in order, undefined for one that it cannot give and nobody reads. */
export function rule<const S extends Schema, const Min extends number, const Max extends number>(
  op: string,
  row: Row<S, Min, Max>,
  lower: (b: Builder, inputs: Inputs<Min, Max>, attrs: AttrsOf<S>, at: At) => readonly (Value | undefined)[],
): Rule {
  return {
    op,
    domain: row.domain ?? "",
    since: row.since,
    arity: row.arity,
    attrs: row.attrs,
    parameters: row.parameters ?? [],
    lower: lower as unknown as Rule["lower"],
  };
}

/** All rows of a dialect, by domain and op, newest first. */
export class RuleTable {
  private readonly rows = new Map<string, Rule[]>();

  constructor(rules: readonly Rule[]) {
    for (const each of rules) {
      const key = `${each.domain}:${each.op}`;
      const ladder = this.rows.get(key) ?? [];
      if (ladder.some((other) => other.since === each.since)) throw new Error(`two rows for ${key} since ${each.since}`);
      ladder.push(each);
      ladder.sort((a, b) => b.since - a.since);
      this.rows.set(key, ladder);
    }
  }

  /** A table in which these rows stand in the place of all others of their operators. */
  with(rules: readonly Rule[]): RuleTable {
    if (rules.length === 0) return this;
    const own = new RuleTable(rules);
    return new RuleTable([...this.all().filter(({ domain, op }) => !own.ladder(domain, op)), ...rules]);
  }

  /** The newest row that is not newer than the opset. */
  find(domain: string, op: string, opset: number): Rule | undefined {
    return this.ladder(domain, op)?.find((each) => each.since <= opset);
  }

  ladder(domain: string, op: string): readonly Rule[] | undefined {
    return this.rows.get(`${domain}:${op}`);
  }

  all(): readonly Rule[] {
    return [...this.rows.values()].flat();
  }
}

/** Runs a rule over a node: arity, attributes, then the rule; faults without a place get the node's. */
export function apply(
  each: Rule,
  b: Builder,
  inputs: readonly (Value | undefined)[],
  context: Context,
): readonly (Value | undefined)[] {
  const [min, max] = each.arity;
  const { place, node } = context;
  const given = inputs.length;
  if (given > max || inputs.slice(0, min).length < min || inputs.slice(0, min).includes(undefined))
    throw modelError("invalid-model", `${given} inputs where ${each.op} takes ${min === max ? min : `${min} to ${max}`}`, place);
  try {
    const attrs: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(each.attrs)) attrs[name] = field.read(node.attrs[name], name);
    const padded = Number.isFinite(max) ? [...inputs, ...new Array<undefined>(max - given).fill(undefined)] : inputs;
    return each.lower(b, padded, attrs, new At(context));
  } catch (error) {
    if (error instanceof ModelError) throw new ModelError({ ...place, ...error.problem });
    throw error;
  }
}
