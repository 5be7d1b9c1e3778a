/**
 * RNN, LSTM and GRU: the inputs of all steps are projected at once, each step multiplies the hidden state only. Short sequences of
 * known length are unrolled (64 steps of an LSTM run 2.5 times as fast on wasm as in a While), others become a While.
 */
import type { Dim, Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, floats, int, oneOf, optionalFloat, optionalInt, strings } from "../schema.ts";
import { type Activation, activationsOf, clip } from "./cell.ts";
import { reshapeToSizes, sizeAt } from "./dims.ts";
import { type Cell, type Layer, product, type Run, type State, step, type Weights } from "./recurrent-layer.ts";
import { runInLoop } from "./recurrent-loop.ts";

/** Steps that are written out; a graph of more is slow to load. */
const unrolledSteps = 512;

interface Attrs {
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly activations: readonly string[] | undefined;
  readonly clip: number | undefined;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly hidden_size: number | undefined;
  readonly layout: number;
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
  step: (b, x, { h, c }, { r, p, hidden, scales }, [f, g, last]) => {
    const sums = add(b, x, product(b, h, r, scales?.r));
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
  /** Of codes: those of W and R are [D, in, 4·H] then, scales and zero points [D] or [D, 4·H]. */
  readonly quantized?: { readonly scales: readonly [Value, Value]; readonly zeros: readonly [Value, Value] };
}

/** Entry `i` of the first axis. */
const entry = (b: Builder, v: Value, i: number): Value =>
  b.squeeze(b.slice(v, [i, ...new Array<number>(v.rank - 1).fill(0)], [1, ...new Array<number>(v.rank - 1).fill(-1)]), [0]);

function weightsOf(b: Builder, { w, r, bias, p, quantized }: Inputs, direction: number, hidden: number, gates: number): Weights {
  const halves = bias && entry(b, bias, direction);
  const size = gates * hidden;
  const centred = (codes: Value, zero: Value) =>
    b.op("Sub", [b.cast(entry(b, codes, direction), "float32"), b.cast(entry(b, zero, direction), "float32")]);
  return {
    w: quantized ? centred(w, quantized.zeros[0]) : b.transpose(entry(b, w, direction), [1, 0]),
    r: quantized ? centred(r, quantized.zeros[1]) : b.transpose(entry(b, r, direction), [1, 0]),
    ...(quantized && { scales: { w: entry(b, quantized.scales[0], direction), r: entry(b, quantized.scales[1], direction) } }),
    wb: halves && columns(b, halves, 0, size),
    rb: halves && columns(b, halves, size, size),
    p: p && entry(b, p, direction),
    hidden,
  };
}

function project(b: Builder, x: Value, weights: Weights, cell: Cell): Value {
  const bias = cell.bias(b, weights);
  const rows = product(b, b.reshape(x, [-1, weights.w.shape[0] as number]), weights.w, weights.scales?.w);
  const sums = bias ? b.op("BiasAdd", [rows, bias]) : rows;
  return reshapeToSizes(b, sums, [sizeAt(b, x, 0), sizeAt(b, x, 1), cell.gates * weights.hidden]);
}

/** Sequences of different lengths, as a column; undefined where all are of full length. */
function lengthsOf(b: Builder, lengths: Value | undefined, steps: Dim): Value | undefined {
  const known = lengths && constantOf(lengths);
  const full = known && numbersOf(known).every((length) => length === steps);
  return lengths && !full ? b.op("ExpandDims", [b.cast(lengths, "int32"), b.scalar("int32", 1)]) : undefined;
}

/** All steps one after the other, from the end if `reverse`. */
function unroll(b: Builder, layer: Layer, steps: number): Run {
  const inputs = b.ops("Unpack", [layer.projected], { num: steps, axis: 0 });
  const hidden: Value[] = new Array(steps);
  let state = layer.initial;
  for (let i = 0; i < steps; i++) {
    const t = layer.reverse ? steps - 1 - i : i;
    const { next, y } = step(b, layer, inputs[t]!, state, b.scalar("int32", t), layer.lengths);
    hidden[t] = y;
    state = next;
  }
  return { sequence: () => b.op("Pack", hidden, { axis: 0, N: steps }), last: state };
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
  const hidden = a.hidden_size ?? r.shape[inputs.quantized ? 1 : 2];
  if (typeof hidden !== "number" || typeof inputs.w.shape[inputs.quantized ? 1 : 2] !== "number")
    throw at.unsupported("weights of unknown size");
  const directions = a.direction === "bidirectional" ? [false, true] : [a.direction === "reverse"];
  const names = a.activations ?? directions.flatMap(() => cell.functions);
  if (names.length !== cell.functions.length * directions.length) throw at.invalid(`${names.length} activations`);
  const all = activationsOf(names, a.activation_alpha ?? [], a.activation_beta ?? [], at).map((each, i) =>
    // As onnxruntime does it, the cell state of an LSTM is not clipped on its way out.
    i % cell.functions.length === 2 ? each : clipped(each, a.clip),
  );
  const lengths = lengthsOf(b, inputs.lengths, steps);
  const runs = directions.map((reverse, d) => {
    const weights = weightsOf(b, inputs, d, hidden, cell.gates);
    const initialState = (v: Value | undefined) => initialOf(b, v, x, d, a.layout, hidden);
    const initial = { h: initialState(inputs.h), ...(cell.gates === 4 && { c: initialState(inputs.c) }) };
    const functions = all.slice(d * cell.functions.length, (d + 1) * cell.functions.length);
    const layer: Layer = { cell, weights, initial, functions, projected: project(b, x, weights, cell), lengths, reverse };
    const short = typeof steps === "number" && steps > 0 && steps <= unrolledSteps;
    return short ? unroll(b, layer, steps) : runInLoop(b, layer, at.used(0), at);
  });
  const axis = a.layout === 1 ? 1 : 0;
  const stacked = (values: readonly Value[], along: number) => b.op("Pack", values, { axis: along, N: values.length });
  const sequence = () => {
    // [S, B, H] a direction, or [B, S, H]; the directions come after both outer axes or before the batch.
    const each = runs.map((run) => (a.layout === 1 ? b.transpose(run.sequence(), [1, 0, 2]) : run.sequence()));
    return stacked(each, a.layout === 1 ? 2 : 1);
  };
  const last = (pick: (state: State) => Value | undefined) => {
    const values = runs.map((run) => pick(run.last));
    return values.every((value) => value !== undefined) ? stacked(values, axis) : undefined;
  };
  const outputs = [sequence, () => last((state) => state.h), () => last((state) => state.c)];
  return outputs.map((make, i) => (at.used(i) ? make() : undefined));
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
  rule(
    "DynamicQuantizeLSTM",
    { domain: "com.microsoft", since: 1, arity: [3, 12], attrs: { ...attrs, input_forget: bool(false) } },
    (b, [x, w, r, bias, lengths, h, c, p, wScale, wZero, rScale, rZero], a, at) => {
      if (!wScale || !wZero || !rScale || !rZero) throw at.invalid("a scale or zero point is missing");
      const quantized = { scales: [wScale, rScale] as const, zeros: [wZero, rZero] as const };
      return recurrent(b, lstm(a.input_forget), { x, w, r, bias, lengths, h, c, p, quantized }, a, at);
    },
  ),
];
