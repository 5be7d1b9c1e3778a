/** A recurrent layer as a While: one step a round, over a sequence whose length only the run knows, or that is too long to unroll. */
import type { Type, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { type Captures, captured } from "../scope.ts";
import { zero } from "../zero.ts";
import { capturedInputs, namedOutputs } from "./control.ts";
import { emptyList, listType, stackList } from "./loop.ts";
import { type Layer, type Run, type State, step, type Weights } from "./recurrent-layer.ts";

/** Values of a state in a fixed order, and back. */
const flat = ({ h, c }: State): readonly Value[] => (c ? [h, c] : [h]);
const stateOf = ([h, c]: readonly Value[]): State => ({ h: h!, ...(c && { c }) });

/** @param wanted are the hidden states of all steps read, and not only the last? */
export function runInLoop(b: Builder, layer: Layer, wanted: boolean, at: At): Run {
  const initial = flat(layer.initial);
  const element: Type = { dtype: layer.initial.h.dtype, shape: layer.initial.h.type.shape };
  const steps = b.reshape(b.dim(layer.projected, 0), []);

  const round = b.input("round", { dtype: "int32", shape: [] });
  const limit = b.input("steps", { dtype: "int32", shape: [] });
  const carried = initial.map((value, i) => b.input(`state_${i}`, value.type));
  const captures: Captures = new Map();
  const inner = (value: Value) => captured(b, captures, value, "outside");
  const t = layer.reverse ? b.op("Sub", [b.op("Sub", [limit, b.scalar("int32", 1)]), round]) : round;
  const x = b.op("GatherV2", [inner(layer.projected), t, b.scalar("int32", 0)], { batch_dims: 0 });
  const inside = { ...layer, weights: insideWeights(layer.weights, inner) };
  const { next, y } = step(b, inside, x, stateOf(carried), t, layer.lengths && inner(layer.lengths));
  const list = b.input("list", listType);
  const before = b.input("element", { dtype: element.dtype, shape: undefined });
  const pushed = wanted ? [b.op("TensorListPushBack", [list, y], { element_dtype: y.dtype }), y] : [];

  const outer = [...captures.keys()];
  const start = wanted ? [emptyList(b, element), zero(b, element.dtype)] : [];
  const state = [b.scalar("int32", 0), steps, ...initial, ...start, ...outer];
  const types = state.map((value, i): Type => {
    const isElement = wanted && i === 2 + initial.length + 1;
    return isElement ? { dtype: value.dtype, shape: undefined } : value.type;
  });
  const body = { captures, inputs: [], outputs: [] };
  const stepName = at.define(`${at.place.node}_step`, {
    inputs: [round, limit, ...carried, ...(wanted ? [list, before] : []), ...capturedInputs(b, body, outer)],
    outputs: namedOutputs([
      b.op("AddV2", [round, b.scalar("int32", 1)]),
      limit,
      ...flat(next),
      ...pushed,
      ...outer.map((value) => captures.get(value)!),
    ]),
  });
  const tests = types.map((type, i) => b.input(`state_${i}`, type));
  const cond = at.define(`${at.place.node}_more`, {
    inputs: tests,
    outputs: namedOutputs([b.op("Less", [tests[0]!, tests[1]!])]),
  });
  const done = b.ops("StatelessWhile", state, { cond, body: stepName, output_types: types });
  const sequence = (): Value => {
    const all = stackList(b, done[2 + initial.length]!, element);
    return layer.reverse ? b.op("ReverseV2", [all, b.ints([0])]) : all;
  };
  return { sequence, last: stateOf(done.slice(2, 2 + initial.length)) };
}

/** Weights that a step multiplies with come into the body from outside; the inputs' were used before it. */
function insideWeights(weights: Weights, inner: (value: Value) => Value): Weights {
  const maybe = (value: Value | undefined) => value && inner(value);
  const scales = weights.scales && { w: weights.scales.w, r: inner(weights.scales.r) };
  return { ...weights, r: inner(weights.r), rb: maybe(weights.rb), p: maybe(weights.p), ...(scales && { scales }) };
}
