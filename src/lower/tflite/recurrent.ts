/** Operators with a state that outlives a run: LSTM, RNN and SVDF, one step or a sequence. Sequences are written out step by step. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { flag, float, int, oneOf } from "../schema.ts";
import { activate, type Fused, fused } from "./activation.ts";
import { weighted } from "./conv.ts";
import { hybridInput } from "./hybrid.ts";
import { type Gates, type LstmOptions, type LstmState, type LstmWeights, lstmStep, projectInputs } from "./lstm.ts";
import { coded, real, transposeWeights } from "./quantized.ts";
import { lite } from "./rule.ts";

/** A graph of more is slow to load. */
const maxSteps = 512;

type Maybe = Value | undefined;

const product = (b: Builder) => (x: Value, w: Value) => b.op("MatMul", [x, w], { transpose_a: false, transpose_b: false });

/** A value as the tensor of input `i` can hold it, and left there for the next run. */
function keep(b: Builder, x: Value, i: number, at: At): Value {
  const codes = coded(b, x, at.given(i), at.quantized, false);
  at.assign(i, codes);
  return real(b, codes, at.given(i), at.quantized);
}

/** As `keep`, between two steps of one run. */
const rounded = (b: Builder, x: Value, i: number, at: At): Value =>
  real(b, coded(b, x, at.given(i), at.quantized, false), at.given(i), at.quantized);

const gatesFrom = (inputs: readonly Maybe[], first: number): Gates => [
  inputs[first],
  inputs[first + 1],
  inputs[first + 2],
  inputs[first + 3],
];

/** The tensors of one direction, which begin at input `first`. */
function lstmWeights(inputs: readonly Maybe[], first: number, norm: number | undefined, at: At): LstmWeights {
  for (const gate of [1, 2, 3]) for (const part of [0, 4, 11]) needed(inputs, first + part + gate, at);
  return {
    input: gatesFrom(inputs, first),
    recurrent: gatesFrom(inputs, first + 4),
    peephole: [inputs[first + 8], inputs[first + 9], inputs[first + 10]],
    bias: gatesFrom(inputs, first + 11),
    projection: inputs[first + 15],
    projectionBias: inputs[first + 16],
    norm: norm === undefined ? [undefined, undefined, undefined, undefined] : gatesFrom(inputs, norm),
  };
}

interface Sequence {
  /** [batch, inputs] a step. */
  readonly x: Value;
  /** Axis of the steps. */
  readonly axis: 0 | 1;
  readonly steps: number;
}

/** An input that may not be left out. */
function needed(inputs: readonly Maybe[], place: number, at: At): Value {
  const input = inputs[place];
  if (!input) throw at.invalid(`input ${place} is missing`);
  return input;
}

function sequenceOf(x: Value, timeMajor: boolean, at: At): Sequence {
  if (x.rank !== 3) throw at.invalid(`a sequence of rank ${x.rank}`);
  const axis = timeMajor ? 0 : 1;
  const steps = x.shape[axis];
  if (typeof steps !== "number") throw at.unsupported("a sequence of unknown length", "give the input's shape with --input");
  if (steps > maxSteps) throw at.unsupported(`a sequence of ${steps} steps, more than ${maxSteps}`);
  return { x, axis, steps };
}

/** A function of rows applied to all steps at once, then taken apart: an array a step, an entry each result. */
function perStep(b: Builder, { x, axis, steps }: Sequence, apply: (rows: Value) => readonly Value[]): (readonly Value[])[] {
  const inputs = x.shape[2] as number;
  const results = apply(b.reshape(x, [-1, inputs])).map((rows) => {
    const back = b.reshapeTo(rows, [x.shape[0], x.shape[1], rows.shape[1]], [[x, 0], [x, 1], undefined]);
    return b.ops("Unpack", [back], { num: steps, axis });
  });
  return Array.from({ length: steps }, (_, t) => results.map((parts) => parts[t]!));
}

const startOf = (inputs: readonly Maybe[], [h, c]: readonly [number, number], at: At): LstmState => ({
  h: needed(inputs, h, at),
  c: needed(inputs, c, at),
});

function lstmRun(
  b: Builder,
  sequence: Sequence,
  weights: LstmWeights,
  inputs: readonly Maybe[],
  states: readonly [number, number],
  options: LstmOptions,
  reverse: boolean,
  at: At,
): Value {
  const projected = perStep(b, sequence, (rows) => projectInputs(b, rows, weights, options, at));
  const outputs: Value[] = [];
  let state = startOf(inputs, states, at);
  for (let i = 0; i < sequence.steps; i++) {
    const t = reverse ? sequence.steps - 1 - i : i;
    const next = lstmStep(b, projected[t]!, state, weights, options, at);
    const hold = i === sequence.steps - 1 ? keep : rounded;
    state = { h: hold(b, next.h, states[0], at), c: hold(b, next.c, states[1], at) };
    outputs[t] = state.h;
  }
  return b.op("Pack", outputs, { axis: sequence.axis });
}

const lstmAttrs = {
  fused_activation_function: fused,
  cell_clip: float(0),
  proj_clip: float(0),
  asymmetric_quantize_inputs: flag(false),
};
type LstmAttrs = {
  readonly fused_activation_function: Fused;
  readonly cell_clip: number;
  readonly proj_clip: number;
  readonly asymmetric_quantize_inputs: boolean;
};

const optionsOf = (a: LstmAttrs): LstmOptions => ({
  activation: a.fused_activation_function,
  cellClip: a.cell_clip,
  projectionClip: a.proj_clip,
  asymmetric: a.asymmetric_quantize_inputs,
});

/** BASIC: one matrix of all gates over [x, h], in the order input, candidate, forget, output. */
function basicLstm(b: Builder, inputs: readonly Maybe[], activation: Fused, at: At): readonly Value[] {
  const [x, h, w, , c] = [0, 1, 2, 3, 4].map((place) => needed(inputs, place, at)) as [Value, Value, Value, Value, Value];
  const bias = inputs[3];
  const joined = b.concat([x, h], 1);
  const sums = weighted(b, joined, transposeWeights(b, w, [1, 0]), bias, "NONE", product(b), at);
  const [input, candidate, forget, output] = b.ops("Split", [b.scalar("int32", 1), sums], { num_split: 4 });
  const gate = (sum: Value) => b.op("Sigmoid", [sum]);
  const cell = b.op("AddV2", [
    b.op("Mul", [gate(input!), activate(b, candidate!, activation === "NONE" ? "TANH" : activation)]),
    b.op("Mul", [gate(forget!), c]),
  ]);
  return [b.op("Mul", [gate(output!), b.op("Tanh", [cell])]), cell];
}

/** Features of the last steps, weighted over time, summed by rank. */
function svdf(b: Builder, inputs: readonly Maybe[], rank: number, asymmetric: boolean, at: At): Value {
  const [x, feature, time, state] = [0, 1, 2, 4].map((place) => needed(inputs, place, at)) as [Value, Value, Value, Value];
  const bias = inputs[3];
  const [filters, memory] = time.shape;
  if (typeof filters !== "number" || typeof memory !== "number") throw at.unsupported("weights of unknown size");
  const given = hybridInput(b, x, asymmetric ? "asymmetric" : "symmetric", at);
  const news = weighted(b, given, transposeWeights(b, feature, [1, 0]), undefined, "NONE", product(b), at);
  const before = b.reshape(state, [-1, filters, memory]);
  const after = b.concat([b.slice(before, [0, 0, 1], [-1, -1, memory - 1]), b.op("ExpandDims", [news, b.scalar("int32", 2)])], 2);
  const kept = b.reshape(keep(b, b.reshape(after, [-1, filters * memory]), 4, at), [-1, filters, memory]);
  const sums = b.reduce("Sum", b.op("Mul", [kept, time]), [2], false);
  const units = b.reduce("Sum", b.reshape(sums, [-1, filters / rank, rank]), [2], false);
  return bias ? b.op("AddV2", [units, bias]) : units;
}

/** h = f(x·Wᵀ + h·Rᵀ + bias) */
function rnnStep(
  b: Builder,
  projected: Value,
  h: Value,
  recurrent: Value,
  activation: Fused,
  asymmetric: boolean,
  at: At,
): Value {
  const given = hybridInput(b, h, asymmetric ? "asymmetric" : "symmetric", at, 0, 2);
  const sums = b.op("AddV2", [
    projected,
    weighted(b, given, transposeWeights(b, recurrent, [1, 0]), undefined, "NONE", product(b), at),
  ]);
  return activate(b, sums, activation);
}

function rnnInputs(b: Builder, x: Value, w: Value, bias: Maybe, asymmetric: boolean, at: At): Value {
  const given = hybridInput(b, x, asymmetric ? "asymmetric" : "symmetric", at);
  return weighted(b, given, transposeWeights(b, w, [1, 0]), bias, "NONE", product(b), at);
}

/** Weights, recurrent weights, bias and state are inputs `first` to `first` + 3. */
function rnnRun(
  b: Builder,
  inputs: readonly Maybe[],
  first: number,
  a: { readonly fused_activation_function: Fused; readonly asymmetric_quantize_inputs: boolean; readonly time_major: boolean },
  reverse: boolean,
  at: At,
): Value {
  const [w, recurrent, bias, start] = [0, 1, 2, 3].map((i) => needed(inputs, first + i, at)) as [Value, Value, Value, Value];
  const sequence = sequenceOf(needed(inputs, 0, at), a.time_major, at);
  const asymmetric = a.asymmetric_quantize_inputs;
  const projected = perStep(b, sequence, (rows) => [rnnInputs(b, rows, w, bias, asymmetric, at)]);
  const outputs: Value[] = [];
  let h = start;
  for (let i = 0; i < sequence.steps; i++) {
    const t = reverse ? sequence.steps - 1 - i : i;
    const next = rnnStep(b, projected[t]![0]!, h, recurrent, a.fused_activation_function, asymmetric, at);
    h = (i === sequence.steps - 1 ? keep : rounded)(b, next, first + 3, at);
    outputs[t] = h;
  }
  return b.op("Pack", outputs, { axis: sequence.axis });
}

const rnnAttrs = { fused_activation_function: fused, asymmetric_quantize_inputs: flag(false) };

export const recurrent: readonly Rule[] = [
  lite(
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    { arity: [1, 24], attrs: { ...lstmAttrs, time_major: flag(false), diagonal_recurrent_tensors: flag(false) } },
    (b, inputs, a, at) => {
      if (a.diagonal_recurrent_tensors) throw at.unsupported("diagonal recurrent weights");
      const all = inputs as readonly Maybe[];
      const sequence = sequenceOf(needed(all, 0, at), a.time_major, at);
      return [lstmRun(b, sequence, lstmWeights(all, 1, 20, at), all, [18, 19], optionsOf(a), false, at)];
    },
  ),
  lite(
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    { arity: [1, 48], attrs: { ...lstmAttrs, merge_outputs: flag(false), time_major: flag(true) } },
    (b, inputs, a, at) => {
      const all = inputs as readonly Maybe[];
      if (all.slice(39).some((input) => input)) throw at.unsupported("an auxiliary input");
      const sequence = sequenceOf(needed(all, 0, at), a.time_major, at);
      const run = (first: number, states: readonly [number, number], reverse: boolean) =>
        lstmRun(b, sequence, lstmWeights(all, first, undefined, at), all, states, optionsOf(a), reverse, at);
      const [forward, backward] = [run(1, [35, 36], false), run(18, [37, 38], true)];
      return a.merge_outputs ? [b.concat([forward, backward], 2)] : [forward, backward];
    },
  ),
  lite("LSTM", { arity: [1, 24], attrs: { ...lstmAttrs, kernel_type: oneOf("FULL", "BASIC") } }, (b, inputs, a, at) => {
    const all = inputs as readonly Maybe[];
    if (a.kernel_type === "BASIC") return basicLstm(b, all, a.fused_activation_function, at);
    const weights = lstmWeights(all, 1, 20, at);
    const projected = projectInputs(b, needed(all, 0, at), weights, optionsOf(a), at);
    const next = lstmStep(b, projected, startOf(all, [18, 19], at), weights, optionsOf(a), at);
    keep(b, next.c, 19, at);
    return [keep(b, next.h, 18, at)];
  }),
  lite("RNN", { arity: [5, 5], attrs: rnnAttrs }, (b, [x, w, recurrentWeights, bias, h], a, at) => {
    const asymmetric = a.asymmetric_quantize_inputs;
    const next = rnnStep(
      b,
      rnnInputs(b, x, w, bias, asymmetric, at),
      h,
      recurrentWeights,
      a.fused_activation_function,
      asymmetric,
      at,
    );
    return [keep(b, next, 4, at)];
  }),
  lite("UNIDIRECTIONAL_SEQUENCE_RNN", { arity: [5, 5], attrs: { ...rnnAttrs, time_major: flag(false) } }, (b, inputs, a, at) => [
    rnnRun(b, inputs, 1, a, false, at),
  ]),
  lite(
    "BIDIRECTIONAL_SEQUENCE_RNN",
    { arity: [9, 12], attrs: { ...rnnAttrs, time_major: flag(false), merge_outputs: flag(false) } },
    (b, inputs, a, at) => {
      if (inputs.slice(9).some((input) => input)) throw at.unsupported("an auxiliary input");
      const [forward, backward] = [rnnRun(b, inputs, 1, a, false, at), rnnRun(b, inputs, 5, a, true, at)];
      return a.merge_outputs ? [b.concat([forward, backward], 2)] : [forward, backward];
    },
  ),
  lite(
    "SVDF",
    { arity: [1, 5], attrs: { rank: int(1), fused_activation_function: fused, asymmetric_quantize_inputs: flag(false) } },
    (b, inputs, a, at) => [
      activate(b, svdf(b, inputs as readonly Maybe[], a.rank, a.asymmetric_quantize_inputs, at), a.fused_activation_function),
    ],
  ),
];
