/** A Keras layer is a function from tensors, weights and its configuration to tensors; a row makes it a rule. */
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { Config, configOf, type Json, todays } from "./config.ts";

export interface LayerCall {
  readonly b: Builder;
  readonly inputs: readonly Value[];
  readonly weights: Weights;
  readonly config: Config;
  readonly at: At;
  /** Keras 1, 2 or 3: a few functions have changed their meaning. */
  readonly major: number;
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

/** Inputs that were passed by keyword, as the reader writes it. */
const keywords = "keywords";
/** Keywords that are inputs of the layer in the order in which they come; others (`mask`) mean something else. */
const ordinary = new Set(["inputs", "initial_state", "x", "y", "query", "value", "key"]);

/** A tensor passed as anything else than an input is one that no rule looks for. */
export function strangeKeyword(attrs: Readonly<Record<string, SourceAttr>>): string | undefined {
  const named = attrs[keywords];
  return named?.kind === "strings" ? named.value.find((name) => !ordinary.has(name)) : undefined;
}

/** Rules for all layers of the table. */
export function layerRules(layers: Layers): Rule[] {
  const lower = (op: string, json: Json, call: Pick<LayerCall, "b" | "inputs" | "weights" | "at">): readonly Value[] => {
    const fn = layers[op];
    if (!fn) throw call.at.unsupported(`the layer ${op} is not known here`);
    return fn({
      ...call,
      config: new Config(op, todays(op, json), call.at),
      major: call.at.opset,
      inner: (name, config, inputs, weights) => lower(name, config, { b: call.b, at: call.at, inputs, weights }),
    }) as readonly Value[];
  };
  return Object.keys(layers).map((op) =>
    rule(op, { since: 0, arity: [0, Number.POSITIVE_INFINITY], attrs: {} }, (b, values, _, at) => {
      const { [weightNames]: listed, [keywords]: _named, ...attrs } = at.node.attrs;
      const strange = strangeKeyword(at.node.attrs);
      if (strange !== undefined) throw at.unsupported(`a layer that is called with a tensor as ${strange}`);
      const names = listed?.kind === "strings" ? listed.value : [];
      const count = values.length - names.length;
      const inputs = values.slice(0, count).filter((value) => value !== undefined);
      if (inputs.length === 0) throw at.invalid("a layer that is called on nothing");
      const list = names.map((name, i) => ({ name, value: plainWeight(b, attrs, values[count + i]!) }));
      return lower(op, configOf(attrs), { b, at, inputs, weights: new Weights(list, at) });
    }),
  );
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
