/** RNN, LSTM and GRU, unrolled: the inputs of all steps are projected at once, each step multiplies the hidden state only. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, floats, int, oneOf, optionalFloat, optionalInt, strings } from "../schema.ts";
import { type Activation, activationsOf, clip } from "./cell.ts";

/** Steps that are written out; a graph of more is slow to load. */
const maxSteps = 512;

interface Attrs {
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly activations: readonly string[] | undefined;
  readonly clip: number | undefined;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly hidden_size: number | undefined;
  readonly layout: number;
}

/** What a step hands on: the hidden state, and for LSTM the cell. */
interface State {
  readonly h: Value;
  readonly c?: Value;
}

/** One direction's weights: W transposed [I, G·H], R transposed [H, G·H], the two halves of the bias [G·H], peepholes [3·H]. */
interface Weights {
  readonly w: Value;
  readonly r: Value;
  readonly wb: Value | undefined;
  readonly rb: Value | undefined;
  readonly p: Value | undefined;
  readonly hidden: number;
}

interface Cell {
  readonly gates: number;
  readonly functions: readonly string[];
  /** Part of the recurrent bias, added to all steps at once. */
  readonly bias: (b: Builder, weights: Weights) => Value | undefined;
  /** `x` is this step's projected input [B, G·H]. */
  readonly step: (b: Builder, x: Value, state: State, weights: Weights, f: readonly Activation[]) => State;
}

const add = (b: Builder, x: Value, y: Value): Value => b.op("AddV2", [x, y]);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);
const matmul = (b: Builder, x: Value, y: Value): Value => b.op("MatMul", [x, y]);

/** Columns [begin, begin + size) of a matrix, or elements of a vector. */
const columns = (b: Builder, x: Value, begin: number, size: number): Value =>
  x.rank === 1 ? b.slice(x, [begin], [size]) : b.slice(x, [0, begin], [-1, size]);

/** 1 − x */
const rest = (b: Builder, x: Value): Value => b.op("Sub", [b.scalar(x.dtype, 1), x]);

const bothBiases = (b: Builder, { wb, rb }: Weights): Value | undefined => wb && rb && add(b, wb, rb);

const rnn: Cell = {
  gates: 1,
  functions: ["Tanh"],
  bias: bothBiases,
  step: (b, x, { h }, { r }, [f]) => ({ h: f!(b, add(b, x, matmul(b, h, r))) }),
};

const lstm = (inputForget: boolean): Cell => ({
  gates: 4,
  functions: ["Sigmoid", "Tanh", "Tanh"],
  bias: bothBiases,
  step: (b, x, { h, c }, { r, p, hidden }, [f, g, last]) => {
    const sums = add(b, x, matmul(b, h, r));
    const gate = (i: number) => columns(b, sums, i * hidden, hidden);
    const peep = (i: number, from: Value, to: Value) => (p ? add(b, to, mul(b, columns(b, p, i * hidden, hidden), from)) : to);
    const input = f!(b, peep(0, c!, gate(0)));
    const forget = inputForget ? rest(b, input) : f!(b, peep(2, c!, gate(2)));
    const cell = add(b, mul(b, forget, c!), mul(b, input, g!(b, gate(3))));
    const output = f!(b, peep(1, cell, gate(1)));
    return { h: mul(b, output, last!(b, cell)), c: cell };
  },
});

const gru = (linearBeforeReset: boolean): Cell => ({
  gates: 3,
  functions: ["Sigmoid", "Tanh"],
  // The hidden gate's own recurrent bias is reset with it: it cannot be added beforehand.
  bias: (b, { wb, rb, hidden }) => {
    if (!wb || !rb) return undefined;
    if (!linearBeforeReset) return add(b, wb, rb);
    return b.concat(
      [add(b, columns(b, wb, 0, 2 * hidden), columns(b, rb, 0, 2 * hidden)), columns(b, wb, 2 * hidden, hidden)],
      0,
    );
  },
  step: (b, x, { h }, { r, rb, hidden }, [f, g]) => {
    const both = f!(b, add(b, columns(b, x, 0, 2 * hidden), matmul(b, h, columns(b, r, 0, 2 * hidden))));
    const [update, reset] = [columns(b, both, 0, hidden), columns(b, both, hidden, hidden)];
    const weights = columns(b, r, 2 * hidden, hidden);
    const memory = (): Value => {
      if (!linearBeforeReset) return matmul(b, mul(b, reset, h), weights);
      const product = matmul(b, h, weights);
      return mul(b, reset, rb ? add(b, product, columns(b, rb, 2 * hidden, hidden)) : product);
    };
    const next = g!(b, add(b, columns(b, x, 2 * hidden, hidden), memory()));
    return { h: add(b, mul(b, rest(b, update), next), mul(b, update, h)) };
  },
});

interface Inputs {
  readonly x: Value;
  readonly w: Value;
  readonly r: Value;
  readonly bias: Value | undefined;
  readonly lengths: Value | undefined;
  readonly h: Value | undefined;
  readonly c?: Value | undefined;
  readonly p?: Value | undefined;
}

/** Entry `i` of the first axis. */
const entry = (b: Builder, v: Value, i: number): Value =>
  b.squeeze(b.slice(v, [i, ...new Array<number>(v.rank - 1).fill(0)], [1, ...new Array<number>(v.rank - 1).fill(-1)]), [0]);

function weightsOf(b: Builder, { w, r, bias, p }: Inputs, direction: number, hidden: number, gates: number): Weights {
  const halves = bias && entry(b, bias, direction);
  const size = gates * hidden;
  return {
    w: b.transpose(entry(b, w, direction), [1, 0]),
    r: b.transpose(entry(b, r, direction), [1, 0]),
    wb: halves && columns(b, halves, 0, size),
    rb: halves && columns(b, halves, size, size),
    p: p && entry(b, p, direction),
    hidden,
  };
}

/** Values of one direction: the hidden state after each step in the order of time, and the last state. */
interface Run {
  readonly steps: readonly Value[];
  readonly last: State;
}

/** All steps of x [S, B, I] one after the other, from the end if `reverse`. */
function unroll(
  b: Builder,
  cell: Cell,
  inputs: Inputs,
  weights: Weights,
  initial: State,
  f: readonly Activation[],
  steps: number,
  reverse: boolean,
): Run {
  const { x } = inputs;
  const bias = cell.bias(b, weights);
  const taken = x.shape[2] as number;
  const product = matmul(b, b.reshape(x, [-1, taken]), weights.w);
  const sums = bias ? b.op("BiasAdd", [product, bias]) : product;
  const projected = b.ops(
    "Unpack",
    [b.reshapeTo(sums, [steps, x.shape[1], cell.gates * weights.hidden], [undefined, [x, 1], undefined])],
    { num: steps, axis: 0 },
  );
  const running = new Running(b, inputs.lengths, steps);
  const hidden: Value[] = new Array(steps);
  let state = initial;
  for (let i = 0; i < steps; i++) {
    const t = reverse ? steps - 1 - i : i;
    const next = cell.step(b, projected[t]!, state, weights, f);
    hidden[t] = running.orZero(t, next.h);
    state = { h: running.orOld(t, next.h, state.h), ...(next.c && { c: running.orOld(t, next.c, state.c!) }) };
  }
  return { steps: hidden, last: state };
}

/** Sequences of different lengths: past its end a sequence keeps its state and gives zeroes. */
class Running {
  private readonly lengths: Value | undefined;

  constructor(
    private readonly b: Builder,
    lengths: Value | undefined,
    steps: number,
  ) {
    const known = lengths && constantOf(lengths);
    const full = known && Array.from(known.data as Int32Array).every((length) => length === steps);
    this.lengths = lengths && !full ? b.op("ExpandDims", [lengths, b.scalar("int32", 1)]) : undefined;
  }

  orZero(t: number, next: Value): Value {
    return this.lengths ? this.select(t, next, this.b.scalar(next.dtype, 0)) : next;
  }

  orOld(t: number, next: Value, old: Value): Value {
    return this.lengths ? this.select(t, next, old) : next;
  }

  private select(t: number, next: Value, other: Value): Value {
    const running = this.b.op("Greater", [this.lengths!, this.b.scalar(this.lengths!.dtype, t)]);
    return this.b.op("SelectV2", [running, next, other]);
  }
}

/** [D, B, H] (layout 0) or [B, D, H] (layout 1) of one direction as [B, H]; zeroes where the file gives none. */
function initialOf(b: Builder, v: Value | undefined, x: Value, direction: number, layout: number, hidden: number): Value {
  if (!v) return b.op("Fill", [b.shapeVector([x.shape[1], hidden], [[x, 1]]), b.scalar(x.dtype, 0)]);
  return entry(b, layout === 1 ? b.transpose(v, [1, 0, 2]) : v, direction);
}

function recurrent(b: Builder, cell: Cell, given: Inputs, a: Attrs, at: At): readonly (Value | undefined)[] {
  const inputs = a.layout === 1 ? { ...given, x: b.transpose(given.x, [1, 0, 2]) } : given;
  const { x, r } = inputs;
  const steps = x.shape[0];
  const hidden = a.hidden_size ?? r.shape[2];
  if (typeof steps !== "number")
    throw at.unsupported("a sequence of a length that is not known", "give the input's shape with --input");
  if (steps > maxSteps) throw at.unsupported(`a sequence of more than ${maxSteps} steps: ${steps}`);
  if (typeof hidden !== "number" || typeof x.shape[2] !== "number") throw at.unsupported("weights of unknown size");
  const directions = a.direction === "bidirectional" ? [false, true] : [a.direction === "reverse"];
  const names = a.activations ?? directions.flatMap(() => cell.functions);
  if (names.length !== cell.functions.length * directions.length) throw at.invalid(`${names.length} activations`);
  const functions = activationsOf(names, a.activation_alpha ?? [], a.activation_beta ?? [], at).map((each, i) =>
    // As onnxruntime does it, the cell state of an LSTM is not clipped on its way out.
    i % cell.functions.length === 2 ? each : clipped(each, a.clip),
  );
  const runs = directions.map((reverse, d) => {
    const weights = weightsOf(b, inputs, d, hidden, cell.gates);
    const initial = (v: Value | undefined) => initialOf(b, v, x, d, a.layout, hidden);
    const state = { h: initial(inputs.h), ...(cell.gates === 4 && { c: initial(inputs.c) }) };
    const f = functions.slice(d * cell.functions.length, (d + 1) * cell.functions.length);
    return unroll(b, cell, inputs, weights, state, f, steps, reverse);
  });
  const axis = a.layout === 1 ? 1 : 0;
  const stacked = (values: readonly Value[], along: number) => b.op("Pack", values, { axis: along, N: values.length });
  const sequence = () => {
    // [S, B, H] a direction, or [B, S, H]; the directions come after both outer axes or before the batch.
    const each = runs.map((run) => stacked(run.steps, axis));
    return stacked(each, a.layout === 1 ? 2 : 1);
  };
  const last = (pick: (state: State) => Value | undefined) => {
    const values = runs.map((run) => pick(run.last));
    return values.every((value) => value !== undefined) ? stacked(values, axis) : undefined;
  };
  return [
    at.used(0) ? sequence() : undefined,
    at.used(1) ? last((state) => state.h) : undefined,
    at.used(2) ? last((state) => state.c) : undefined,
  ];
}

/** The input of every activation held within ±limit. */
const clipped = (f: Activation, limit: number | undefined): Activation =>
  limit === undefined || limit === 0 ? f : (b, x) => f(b, clip(b, x, -limit, limit));

const attrs = {
  activation_alpha: floats(),
  activation_beta: floats(),
  activations: strings(),
  clip: optionalFloat(),
  direction: oneOf("forward", "reverse", "bidirectional"),
  hidden_size: optionalInt(),
  layout: int(0),
  /** Before opset 7: whether the first output is wanted, which its readers tell as well. */
  output_sequence: bool(false),
};

export const recurrents: readonly Rule[] = [
  rule("RNN", { since: 1, arity: [3, 6], attrs }, (b, [x, w, r, bias, lengths, h], a, at) =>
    recurrent(b, rnn, { x, w, r, bias, lengths, h }, a, at).slice(0, 2),
  ),
  rule(
    "GRU",
    { since: 1, arity: [3, 6], attrs: { ...attrs, linear_before_reset: bool(false) } },
    (b, [x, w, r, bias, lengths, h], a, at) =>
      recurrent(b, gru(a.linear_before_reset), { x, w, r, bias, lengths, h }, a, at).slice(0, 2),
  ),
  rule(
    "LSTM",
    { since: 1, arity: [3, 8], attrs: { ...attrs, input_forget: bool(false) } },
    (b, [x, w, r, bias, lengths, h, c, p], a, at) =>
      recurrent(b, lstm(a.input_forget), { x, w, r, bias, lengths, h, c, p }, a, at),
  ),
];
