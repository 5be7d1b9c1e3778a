/** A Keras layer is a function from tensors, weights and its configuration to tensors; a row makes it a rule. */
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { Config, configOf, type Json, todays } from "./config.ts";
import { attentionOps, handedOn, maskOf, maskTakers } from "./masks.ts";
import { enlargesBetween, isOfTfjs, stockDifference } from "./stock.ts";

export interface LayerCall {
  readonly b: Builder;
  readonly inputs: readonly Value[];
  readonly weights: Weights;
  readonly config: Config;
  readonly at: At;
  /** Keras 1, 2 or 3: a few functions have changed their meaning. */
  readonly major: number;
  /** Tensors that were passed by a keyword that is no input's name: masks, bias tables. */
  readonly named: ReadonlyMap<string, readonly Value[]>;
  /** What a stateful layer finds of the call before. */
  readonly states: readonly Value[];
  /** Leaves state `i` for the next call. */
  keep(i: number, state: Value): void;
  /** Which steps of input `i` count, bools [N, T]; undefined: all. */
  mask(i?: number): Value | undefined;
  /** Lowers a layer within this one. */
  inner(op: string, config: Json, inputs: readonly Value[], weights: Weights): readonly Value[];
}

export type LayerFn = (call: LayerCall) => readonly (Value | undefined)[];
export type Layers = Readonly<Record<string, LayerFn>>;

/** Who says what is wrong with a layer. */
export type Faults = Pick<At, "invalid">;

export interface Weight {
  readonly name: string;
  readonly value: Value;
}

/** What the file has for a layer, in its order. */
export class Weights {
  constructor(
    readonly list: readonly Weight[],
    private readonly at: Faults,
  ) {}

  /** Those of the names given, by name where the file's are Keras's own, else by order. */
  take(...names: readonly string[]): readonly Value[] {
    const { list } = this;
    const named = names.map((name) => list.filter((weight) => weight.name.split("/").at(-1) === name));
    if (named.every((found) => found.length === 1)) return named.map(([found]) => found!.value);
    if (list.length !== names.length) throw this.missing(names);
    return list.map(({ value }) => value);
  }

  missing(names: readonly string[]): Error {
    return this.at.invalid(`${this.list.length} weights where it takes ${names.length}: ${names.join(", ")}`);
  }

  /** For a layer that has none. */
  none(): Weights {
    return new Weights([], this.at);
  }

  /** The weights in `count` equal parts, for layers that hold others. */
  parts(count: number): readonly Weights[] {
    const size = this.list.length / count;
    if (!Number.isInteger(size)) throw this.at.invalid(`${this.list.length} weights for ${count} layers`);
    return Array.from({ length: count }, (_, i) => new Weights(this.list.slice(i * size, (i + 1) * size), this.at));
  }
}

/** Weights are the last inputs of a node; their names are an attribute. */
const weightNames = "weights";

/** As the file's backend meant it: Theano's kernels are mirrored along their spatial axes. */
export function plainWeight(b: Builder, attrs: Readonly<Record<string, SourceAttr>>, value: Value): Value {
  const { backend } = attrs;
  if (backend?.kind !== "string" || backend.value !== "theano" || value.rank < 3) return value;
  return b.op("ReverseV2", [value, b.ints(value.shape.slice(0, -2).map((_, axis) => axis))]);
}

/** Inputs that were passed by keyword, and how many of a stateful layer's are its state, as the reader writes it. */
const keywords = "keywords";
const stateCount = "states";
/** Keywords that are inputs of the layer in the order in which they come; others (`mask`) mean something else. */
const ordinary = new Set(["inputs", "initial_state", "x", "y"]);

/** Keywords that rules of these layers look for. */
const understood: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(maskTakers.map((op) => [op, ["mask"]])),
  ...Object.fromEntries(attentionOps.map((op) => [op, ["query", "value", "key", "attention_mask"]])),
};
const attentionMasks = ["mask", "query_mask", "value_mask", "key_mask"];

/** A tensor passed as anything else than an input is one that no rule looks for. */
export function strangeKeyword(op: string, attrs: Readonly<Record<string, SourceAttr>>): string | undefined {
  const names = namesOf(attrs[keywords]);
  const known = [...(understood[op] ?? []), ...(attentionOps.includes(op) ? attentionMasks : [])];
  return names.find((name) => !ordinary.has(name) && !known.includes(name));
}

const namesOf = (attr: SourceAttr | undefined): readonly string[] => (attr?.kind === "strings" ? attr.value : []);

/** Inputs by position and of ordinary names, and those of others by name. */
function sorted(inputs: readonly Value[], names: readonly string[]) {
  const first = inputs.length - names.length;
  const named = new Map<string, readonly Value[]>();
  const plain = inputs.slice(0, first);
  for (const [i, name] of names.entries()) {
    const value = inputs[first + i]!;
    if (ordinary.has(name)) plain.push(value);
    else named.set(name, [...(named.get(name) ?? []), value]);
  }
  return { inputs: plain, named };
}

type InnerCall = Pick<LayerCall, "b" | "inputs" | "weights" | "at" | "named" | "states" | "keep">;

/** Rules for all layers of the table. */
export function layerRules(layers: Layers): Rule[] {
  const lower = (op: string, json: Json, call: InnerCall): readonly (Value | undefined)[] => {
    const fn = layers[op];
    if (!fn) throw call.at.unsupported(`the layer ${op} is not known here`);
    const { b, at, inputs, named } = call;
    const config = new Config(op, todays(op, json), at);
    const differs = isOfTfjs(at.node.attrs) && !enlargesBetween(op, config) && stockDifference(op, config);
    if (differs)
      throw at.unsupported(`not as Keras means it: ${differs}`, "convert the Keras model that it was made from, if there is one");
    const outputs = fn({
      ...call,
      config,
      major: at.opset,
      mask: (i = 0) => named.get("mask")?.[i] ?? (inputs[i] && maskOf(inputs[i], at)),
      inner: (name, config, values, weights) =>
        lower(name, config, { b, at, inputs: values, weights, named: new Map(), states: [], keep: noState }) as readonly Value[],
    });
    return handedOn(b, op, inputs, outputs);
  };
  return Object.keys(layers).map((op) =>
    rule(op, { since: 0, arity: [0, Number.POSITIVE_INFINITY], attrs: {} }, (b, values, _, at) => {
      const { [weightNames]: listed, [keywords]: called, [stateCount]: stated, positional, ...attrs } = at.node.attrs;
      const strange = strangeKeyword(op, at.node.attrs);
      if (strange !== undefined) throw at.unsupported(`a layer that is called with a tensor as ${strange}`);
      if (positional?.kind === "string") throw at.unsupported(`a layer that is called on ${positional.value}`);
      const names = namesOf(listed);
      const count = values.length - names.length;
      const first = count - (stated?.kind === "int" ? Number(stated.value) : 0);
      const given = values.slice(0, first).filter((value) => value !== undefined);
      if (given.length === 0) throw at.invalid("a layer that is called on nothing");
      const list = names.map((name, i) => ({ name, value: plainWeight(b, attrs, values[count + i]!) }));
      return lower(op, configOf(attrs), {
        b,
        at,
        ...sorted(given, namesOf(called)),
        states: values.slice(first, count) as readonly Value[],
        keep: (i, state) => at.assign(first + i, state),
        weights: new Weights(list, at),
      });
    }),
  );
}

/** A layer within another has no state of its own. */
function noState(): never {
  throw new Error("a state of a layer within another");
}

/** A layer of one input and one output. */
export const simple =
  (fn: (call: LayerCall, x: Value) => Value): LayerFn =>
  (call) => {
    const [x, ...more] = call.inputs;
    if (!x || more.length > 0) throw call.at.invalid(`${call.inputs.length} inputs where it takes 1`);
    return [fn(call, x)];
  };

/** `[0, …, rank − 1]` with the channels moved to the end, and back. */
export function channelsLast(b: Builder, x: Value, first: boolean, work: (last: Value) => Value): Value {
  if (!first) return work(x);
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i);
  const y = work(b.transpose(x, [0, ...spatial.map((i) => i + 2), 1]));
  // A reduction may have left channels only.
  return y.rank === x.rank ? b.transpose(y, [0, x.rank - 1, ...spatial.map((i) => i + 1)]) : y;
}
