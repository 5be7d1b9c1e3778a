/**
 * SimpleRNN, LSTM and GRU: the inputs of all steps are projected at once; the steps are written out where their number is known, else
 * they are a loop. Bidirectional runs one each way.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { functionOf } from "./activation.ts";
import { Config, type Json, todays } from "./config.ts";
import type { Faults, LayerCall, LayerFn, Layers, Weights } from "./layer.ts";
import { loopSteps } from "./step-loop.ts";

/** Steps that are written out; a graph of more is slow to load. */
const unrolledSteps = 64;

/** What a step hands on: the hidden state, and for LSTM the cell. Before the first step both are zero and not there. */
type State = readonly (Value | undefined)[];

/** The stored weights as one kernel [F, G·U], one for the state [U, G·U], and biases [G·U]. */
interface CellWeights {
  readonly kernel: Value;
  readonly recurrent: Value;
  readonly bias: Value | undefined;
  readonly recurrentBias?: Value | undefined;
}

interface Cell {
  readonly gates: number;
  readonly states: number;
  /** Gates in the order of Keras 1, which wrote each on its own. */
  readonly letters: string;
  readonly weights: (call: LayerCall, list: Weights) => CellWeights;
  /** `x` is the step's projected input [N, G·U]. */
  readonly step: (cell: Step, x: Value, state: State) => readonly Value[];
}

interface Step {
  readonly b: Builder;
  readonly weights: CellWeights;
  readonly units: number;
  readonly resetAfter: boolean;
  readonly activation: (x: Value) => Value;
  readonly gate: (x: Value) => Value;
}

const add = (b: Builder, x: Value, y: Value | undefined): Value => (y ? b.op("AddV2", [x, y]) : x);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);
/** Columns of gate `i` of a matrix, or elements of a vector. */
const part = (b: Builder, x: Value, i: number, units: number): Value =>
  x.rank === 1 ? b.slice(x, [i * units], [units]) : b.slice(x, [0, i * units], [-1, units]);

function plainWeights({ config }: LayerCall, list: Weights): CellWeights {
  const [kernel, recurrent, bias] = list.take("kernel", "recurrent_kernel", ...(config.flag("use_bias", true) ? ["bias"] : []));
  return { kernel: kernel!, recurrent: recurrent!, bias };
}

const simpleRnn: Cell = {
  gates: 1,
  states: 1,
  letters: "",
  weights: plainWeights,
  step: ({ b, weights, activation }, x, [h]) => [activation(h ? add(b, x, b.op("MatMul", [h, weights.recurrent])) : x)],
};

const lstm: Cell = {
  gates: 4,
  states: 2,
  letters: "ifco",
  weights: (call, list) => {
    const found = plainWeights(call, list);
    if (call.config.op !== "CuDNNLSTM" || !found.bias) return found;
    const size = found.kernel.shape[1] as number;
    const halves = [0, 1].map((i) => call.b.slice(found.bias!, [i * size], [size]));
    return { ...found, bias: add(call.b, halves[0]!, halves[1]) };
  },
  step: ({ b, weights, units, activation, gate }, x, [h, c]) => {
    const sums = h ? add(b, x, b.op("MatMul", [h, weights.recurrent])) : x;
    const at = (i: number) => part(b, sums, i, units);
    const fresh = mul(b, gate(at(0)), activation(at(2)));
    const cell = c ? add(b, mul(b, gate(at(1)), c), fresh) : fresh;
    return [mul(b, gate(at(3)), activation(cell)), cell];
  },
};

const gru: Cell = {
  gates: 3,
  states: 1,
  letters: "zrh",
  weights: (call, list) => {
    const found = plainWeights(call, list);
    if (!found.bias || !resetsAfter(call.config)) return found;
    // [2, 3·U]; CuDNN's layer has them in a row.
    const size = found.kernel.shape[1] as number;
    const both = call.b.reshape(found.bias, [2, size]);
    const half = (i: number) => call.b.reshape(call.b.slice(both, [i, 0], [1, size]), [size]);
    return { ...found, bias: half(0), recurrentBias: half(1) };
  },
  step: ({ b, weights, units, resetAfter, activation, gate }, x, [h]) => {
    const { recurrent, recurrentBias } = weights;
    const of = (value: Value | undefined, i: number) => value && part(b, value, i, units);
    const rest = (value: Value) => b.op("Sub", [b.scalar(value.dtype, 1), value]);
    if (resetAfter) {
      const inner = h ? add(b, b.op("MatMul", [h, recurrent]), recurrentBias) : recurrentBias;
      const [update, reset] = [0, 1].map((i) => gate(add(b, of(x, i)!, of(inner, i))));
      const last = of(inner, 2);
      const fresh = activation(last ? add(b, of(x, 2)!, mul(b, reset!, last)) : of(x, 2)!);
      const kept = mul(b, rest(update!), fresh);
      return [h ? add(b, mul(b, update!, h), kept) : kept];
    }
    const from = (value: Value | undefined, i: number) => value && b.op("MatMul", [value, part(b, recurrent, i, units)]);
    const [update, reset] = [0, 1].map((i) => gate(add(b, of(x, i)!, from(h, i))));
    const fresh = activation(add(b, of(x, 2)!, h && from(mul(b, reset!, h), 2)));
    const kept = mul(b, rest(update!), fresh);
    return [h ? add(b, mul(b, update!, h), kept) : kept];
  },
};

const resetsAfter = (config: Config): boolean => config.op === "CuDNNGRU" || config.flag("reset_after", false);

/** Keras 1 wrote a kernel, a recurrent kernel and a bias for each gate: W_i, U_i, b_i, W_c … */
export function gathered({ b, at }: { readonly b: Builder; readonly at: Faults }, list: Weights, letters: string): CellWeights {
  const of = (kind: string): Value => {
    const parts = [...letters].map((letter) => list.list.find(({ name }) => name.endsWith(`_${kind}_${letter}`))?.value);
    const missing = parts.indexOf(undefined);
    if (missing >= 0) throw at.invalid(`no weight ${kind}_${letters[missing]}`);
    return b.concat(parts as Value[], parts[0]!.rank - 1);
  };
  return { kernel: of("W"), recurrent: of("U"), bias: of("b") };
}

interface Ran {
  /** Outputs [N, T, U] in the order in which they were computed, or from the last to the first. */
  readonly all: (turned: boolean) => Value;
  readonly states: readonly Value[];
}

/** `all`: are the outputs of all steps wanted? */
function run(
  call: LayerCall,
  cell: Cell,
  x: Value,
  initial: readonly Value[],
  backwards: boolean,
  all: boolean,
  list: Weights,
): Ran {
  const { b, config, at, major } = call;
  if (config.flag("stateful", false))
    throw at.unsupported("a stateful layer keeps its state from call to call", "save the model with stateful false");
  if (config.flag("time_major", false)) throw at.unsupported("time_major");
  const [, length] = x.shape;
  if (x.rank !== 3) throw at.invalid(`a sequence of rank ${x.rank}`);
  if (length === 0) throw at.unsupported("a sequence without steps");
  const old = major === 1 && cell.letters !== "" && list.list.length === 3 * cell.gates;
  const weights = old ? gathered(call, list, cell.letters) : cell.weights(call, list);
  const projected = add(b, b.op("BatchMatMulV2", [x, weights.kernel]), weights.bias);
  const step: Step = {
    b,
    weights,
    units: config.number("units"),
    resetAfter: cell === gru && resetsAfter(config),
    activation: functionOf(call, "activation", "tanh"),
    gate: functionOf(call, "recurrent_activation", config.op.startsWith("CuDNN") ? "sigmoid" : "hard_sigmoid"),
  };
  if (typeof length !== "number" || length > unrolledSteps) return looped(call, cell, step, projected, initial, backwards, all);
  let states: State = initial;
  const steps: Value[] = [];
  for (let i = 0; i < length; i++) {
    const t = backwards ? length - 1 - i : i;
    const next = cell.step(step, b.squeeze(b.slice(projected, [0, t, 0], [-1, 1, -1]), [1]), states);
    steps.push(next[0]!);
    states = next;
  }
  const sequence = (turned: boolean) => b.op("Pack", turned ? [...steps].reverse() : steps, { axis: 1 });
  return { all: sequence, states: states as readonly Value[] };
}

function looped(
  { b, at }: LayerCall,
  cell: Cell,
  step: Step,
  projected: Value,
  given: readonly Value[],
  backwards: boolean,
  wanted: boolean,
): Ran {
  const zeros = () =>
    b.op("Fill", [b.shapeVector([projected.shape[0], step.units], [[projected, 0]]), b.scalar(projected.dtype, 0)]);
  const initial = given.length > 0 ? given : Array.from({ length: cell.states }, zeros);
  const { kernel, recurrent, recurrentBias } = step.weights;
  const { states, all } = loopSteps(
    b,
    {
      projected,
      initial,
      backwards,
      all: wanted,
      step: (x, state, outside) => {
        const weights = {
          kernel,
          bias: undefined,
          recurrent: outside(recurrent),
          recurrentBias: recurrentBias && outside(recurrentBias),
        };
        return cell.step({ ...step, weights }, x, state);
      },
    },
    at,
  );
  return { all: (turned) => (turned ? b.op("ReverseV2", [all!, b.ints([1])]) : all!), states };
}

const recurrent =
  (cell: Cell): LayerFn =>
  (call) => {
    const { config, inputs, weights, at } = call;
    const [x, ...initial] = inputs;
    if (initial.length !== 0 && initial.length !== cell.states) throw at.invalid(`${initial.length} initial states`);
    const all = config.flag("return_sequences", false);
    const ran = run(call, cell, x!, initial, config.flag("go_backwards", false), all, weights);
    const y = all ? ran.all(false) : ran.states[0]!;
    return config.flag("return_state", false) ? [y, ...ran.states] : [y];
  };

const cells: Readonly<Record<string, Cell>> = {
  SimpleRNN: simpleRnn,
  LSTM: lstm,
  GRU: gru,
  CuDNNLSTM: lstm,
  CuDNNGRU: gru,
};

const merges: Readonly<Record<string, (b: Builder, x: Value, y: Value) => Value>> = {
  concat: (b, x, y) => b.concat([x, y], x.rank - 1),
  sum: (b, x, y) => add(b, x, y),
  mul,
  ave: (b, x, y) => mul(b, add(b, x, y), b.scalar(x.dtype, 0.5)),
};

/** The second layer reads from the end, and its outputs are turned round. */
const bidirectional: LayerFn = (call) => {
  const { b, config, inputs, weights, at } = call;
  const forward = config.layer("layer");
  const cell = forward && cells[forward.op];
  if (!forward || !cell) throw at.unsupported(`both ways through the layer ${forward?.op ?? "?"}`);
  const backward = config.layer("backward_layer") ?? forward;
  if (backward.op !== forward.op) throw at.unsupported(`${forward.op} one way and ${backward.op} the other`);
  const [x, ...initial] = inputs;
  if (initial.length !== 0 && initial.length !== 2 * cell.states) throw at.invalid(`${initial.length} initial states`);
  const halves = weights.parts(2);
  const sequences = forward.config["return_sequences"] === true;
  const [one, two] = [forward.config, backward.config].map((json: Json, i) => {
    const own: LayerCall = { ...call, config: new Config(forward.op, todays(forward.op, json), at) };
    const backwards = (forward.config["go_backwards"] === true) !== (i === 1);
    return run(own, cell, x!, initial.slice(i * cell.states, (i + 1) * cell.states), backwards, sequences, halves[i]!);
  }) as [Ran, Ran];
  const outputs: Value[] = sequences ? [one.all(false), two.all(true)] : [one.states[0]!, two.states[0]!];
  const states = forward.config["return_state"] === true ? [...one.states, ...two.states] : [];
  if (!("merge_mode" in config.json)) return [...outputs, ...states];
  const merge = merges[config.string("merge_mode", "concat")];
  if (!merge) throw at.unsupported(`merge_mode is ${config.string("merge_mode", "")}`);
  return [merge(b, outputs[0]!, outputs[1]!), ...states];
};

export const recurrentLayers: Layers = {
  ...Object.fromEntries(Object.entries(cells).map(([op, cell]) => [op, recurrent(cell)])),
  Bidirectional: bidirectional,
};
