/**
 * Recurrent layers, over vectors and over images: the inputs of all steps are projected at once; the steps are written out where their
 * number is known, else they are a loop. A masked step hands on what it was given. Bidirectional runs one layer each way.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { functionOf } from "./activation.ts";
import { type Cell, cellOf, gathered, projected, recurrentProduct, resetsAfter, type State, type Step } from "./cells.ts";
import { Config, isObject, type Json, todays } from "./config.ts";
import { type LayerCall, type LayerFn, type Layers, Weights } from "./layer.ts";
import { withMask } from "./masks.ts";
import { loopSteps } from "./step-loop.ts";

/** Steps that are written out; a graph of more is slow to load. */
const unrolledSteps = 64;

const add = (b: Builder, x: Value, y: Value): Value => b.op("AddV2", [x, y]);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);

/** How a layer is run over a sequence. */
interface Task {
  /** [N, T, …] */
  readonly x: Value;
  /** [N, T] */
  readonly mask: Value | undefined;
  /** Empty: zeros. */
  readonly initial: readonly Value[];
  readonly backwards: boolean;
  /** Are the outputs of all steps wanted? */
  readonly all: boolean;
  readonly weights: Weights;
}

interface Ran {
  /** Outputs [N, T, …] in the order in which they were computed, or from the last to the first. */
  readonly all: (turned: boolean) => Value;
  readonly last: Value;
  readonly states: readonly Value[];
}

/** Channels behind the images of every step; the other way round where `back` is set. */
function lastChannels({ b, config }: LayerCall, x: Value, steps: 0 | 1, back = false): Value {
  if (!config.channelsFirst) return x;
  const lead = steps + 1;
  const spatial = Array.from({ length: x.rank - lead - 1 }, (_, i) => i + lead);
  const outer = Array.from({ length: lead }, (_, i) => i);
  return b.transpose(x, back ? [...outer, x.rank - 1, ...spatial] : [...outer, ...spatial.map((i) => i + 1), lead]);
}

function runCell(call: LayerCall, cell: Cell, task: Task): Ran {
  if (cell.axes === 0) return runSteps(call, cell, task);
  const ran = runSteps(call, cell, {
    ...task,
    x: lastChannels(call, task.x, 1),
    initial: task.initial.map((state) => lastChannels(call, state, 0)),
  });
  return {
    all: (turned) => lastChannels(call, ran.all(turned), 1, true),
    last: lastChannels(call, ran.last, 0, true),
    states: ran.states.map((state) => lastChannels(call, state, 0, true)),
  };
}

function runSteps(call: LayerCall, cell: Cell, task: Task): Ran {
  const { b, config, at, major } = call;
  const { x, mask, initial, backwards, weights: list } = task;
  if (config.flag("time_major", false)) throw at.unsupported("time_major");
  const [, length] = x.shape;
  if (x.rank !== 3 + cell.axes) throw at.invalid(`a sequence of rank ${x.rank}`);
  if (length === 0) throw at.unsupported("a sequence without steps");
  const old = major === 1 && cell.letters !== "" && list.list.length === 3 * cell.gates;
  const weights = old ? gathered(call, list, cell.letters) : cell.weights(call, list);
  const inputs = projected(call, cell, x, weights);
  const step: Step = {
    b,
    weights,
    units: config.number(cell.axes > 0 ? "filters" : "units"),
    resetAfter: cell.gates === 3 && resetsAfter(config),
    activation: functionOf(call, "activation", "tanh"),
    gate: functionOf(call, "recurrent_activation", config.op.startsWith("CuDNN") ? "sigmoid" : "hard_sigmoid"),
    times: recurrentProduct(call, cell),
  };
  const zeroed = mask !== undefined && config.flag("zero_output_for_mask", false);
  const carried = new Carried(cell, mask !== undefined && (zeroed || initial.length > 0), zeroed);
  const given = { ...task, x: inputs };
  if (typeof length !== "number" || length > unrolledSteps) return looped(call, carried, step, given);
  const slice = (value: Value, t: number) => {
    const rest = new Array<number>(value.rank - 2);
    return b.squeeze(b.slice(value, [0, t, ...rest.fill(0)], [-1, 1, ...[...rest].fill(-1)]), [1]);
  };
  let carry = carried.first(initial);
  const outputs: Value[] = [];
  for (let i = 0; i < length; i++) {
    const t = backwards ? length - 1 - i : i;
    const next = carried.step(step, slice(inputs, t), mask && slice(mask, t), carry);
    outputs.push(next[0]!);
    carry = next;
  }
  return {
    all: (turned) => b.op("Pack", turned ? [...outputs].reverse() : outputs, { axis: 1 }),
    last: outputs.at(-1)!,
    states: carried.states(carry) as readonly Value[],
  };
}

/** What goes from step to step: the states of the cell, the first of which is the output but for masked steps that begin with another state. */
class Carried {
  constructor(
    readonly cell: Cell,
    /** Is the output a thing of its own, in front of the states? */
    private readonly apart: boolean,
    /** Are outputs of masked steps zero, rather than those of the step before? */
    private readonly zeroed: boolean,
  ) {}

  first(initial: readonly Value[]): State {
    return this.apart ? [undefined, ...initial] : initial;
  }

  states(carry: State): State {
    return this.apart ? carry.slice(1) : carry;
  }

  step(step: Step, x: Value, mask: Value | undefined, carry: State): readonly Value[] {
    const { b } = step;
    const before = this.states(carry);
    const next = this.cell.step(step, x, before);
    if (!mask) return next;
    const counts = b.op("Reshape", [mask, b.concat([b.dim(mask, 0), b.ints(new Array<number>(x.rank - 1).fill(1))], 0)]);
    const chosen = (value: Value, else_: Value | undefined) =>
      b.op("SelectV2", [counts, value, else_ ?? b.scalar(value.dtype, 0)]);
    const states = next.map((value, i) => chosen(value, before[i]));
    return this.apart ? [chosen(next[0]!, this.zeroed ? undefined : carry[0]), ...states] : states;
  }
}

/** `task.x` is projected. */
function looped({ b, at }: LayerCall, carried: Carried, step: Step, task: Task): Ran {
  const { x, mask } = task;
  const shape = [x.shape[0], ...x.shape.slice(2, -1), step.units];
  const zeros = () => b.op("Fill", [b.shapeVector(shape, [[x, 0]]), b.scalar(x.dtype, 0)]);
  const states = task.initial.length > 0 ? task.initial : Array.from({ length: carried.cell.states }, zeros);
  const { kernel, recurrent, recurrentBias } = step.weights;
  const loop = loopSteps(
    b,
    {
      projected: x,
      mask,
      initial: carried.first(states).map((value) => value ?? zeros()),
      backwards: task.backwards,
      all: task.all,
      step: (input, counts, state, outside) => {
        const weights = {
          kernel,
          bias: undefined,
          recurrent: outside(recurrent),
          recurrentBias: recurrentBias && outside(recurrentBias),
        };
        return carried.step({ ...step, weights }, input, counts, state);
      },
    },
    at,
  );
  return {
    all: (turned) => (turned ? b.op("ReverseV2", [loop.all!, b.ints([1])]) : loop.all!),
    last: loop.states[0]!,
    states: carried.states(loop.states) as readonly Value[],
  };
}

interface OwnCell {
  readonly cell: Cell;
  readonly call: LayerCall;
}

/** A layer's own cell, or those of an RNN, one upon the other. */
function cellsOf(call: LayerCall): readonly OwnCell[] {
  const { config, at } = call;
  const own = cellOf(config.op);
  if (own) return [{ cell: own, call }];
  const given = config.layer("cell") ?? listedCells(config);
  if (!given) throw at.invalid("a recurrent layer without a cell");
  const list = given.op === "StackedRNNCells" ? given.config["cells"] : [{ class_name: given.op, config: given.config }];
  if (!Array.isArray(list) || list.length === 0) throw at.invalid("a recurrent layer without a cell");
  return list.filter(isObject).map(({ class_name: name, config: json }) => {
    const op = String(name);
    const cell = cellOf(op);
    if (!cell || !isObject(json)) throw at.unsupported(`a recurrent layer of the cell ${op}`);
    // What the layer around says of time goes for all cells.
    const whole = {
      ...todays(op, json),
      time_major: config.json["time_major"],
      zero_output_for_mask: config.json["zero_output_for_mask"],
    };
    return { cell, call: { ...call, config: new Config(op, whole, at) } };
  });
}

/** Keras 2 may write the cells of a stack as a list. */
function listedCells(config: Config): { readonly op: string; readonly config: Json } | undefined {
  const cells = config.json["cell"];
  return Array.isArray(cells) ? { op: "StackedRNNCells", config: { cells } } : undefined;
}

const statesOf = (cells: readonly OwnCell[]): number => cells.reduce((sum, { cell }) => sum + cell.states, 0);

/** Cell after cell: the next one sees the outputs of the one before, step by step in the order in which they were computed. */
function run(call: LayerCall, cells: readonly OwnCell[], task: Task): Ran {
  const lists = cells.length === 1 ? [task.weights] : weightsOfCells(call, cells, task.weights);
  let [x, first] = [task.x, 0];
  let ran: Ran | undefined;
  const states: Value[] = [];
  for (const [i, { cell, call: own }] of cells.entries()) {
    const last = i === cells.length - 1;
    const initial = task.initial.slice(first, first + cell.states);
    first += cell.states;
    // Behind the first cell the sequence, and its mask, are in the order of computing.
    const mask = task.mask && i > 0 && task.backwards ? call.b.op("ReverseV2", [task.mask, call.b.ints([1])]) : task.mask;
    const backwards = i === 0 && task.backwards;
    ran = runCell(own, cell, { x, mask, initial, backwards, all: !last || task.all, weights: lists[i]! });
    if (!last) x = ran.all(false);
    states.push(...ran.states);
  }
  return { ...ran!, states };
}

/** By the cells' own places where the archive has them (`cells/lstm_cell_1/vars/0`), which it keeps in the order of their names; else by order. */
function weightsOfCells({ at }: LayerCall, cells: readonly OwnCell[], { list }: Weights): readonly Weights[] {
  const places = list.map(({ name }) => /(?:^|\/)cells\/([^/]+)\//.exec(name)?.[1]);
  if (places.length > 0 && places.every((place) => place !== undefined)) {
    const seen = new Map<string, number>();
    return cells.map(({ call: { config } }) => {
      const kind =
        config.op === "SimpleRNNCell" ? "simple_rnn_cell" : config.op.replace(/Cell$/, "").toLowerCase().concat("_cell");
      const nth = seen.get(kind) ?? 0;
      seen.set(kind, nth + 1);
      const place = nth === 0 ? kind : `${kind}_${nth}`;
      return new Weights(
        list.filter((_, i) => places[i] === place),
        at,
      );
    });
  }
  let first = 0;
  const lists = cells.map(({ call: { config } }) => {
    const count = config.flag("use_bias", true) ? 3 : 2;
    first += count;
    return new Weights(list.slice(first - count, first), at);
  });
  if (first !== list.length) throw at.invalid(`${list.length} weights where its cells take ${first}`);
  return lists;
}

const recurrent: LayerFn = (call) => {
  const { b, config, inputs, weights, at } = call;
  const [x, ...given] = inputs;
  const cells = cellsOf(call);
  const count = statesOf(cells);
  if (!x) throw at.invalid("a recurrent layer without a sequence");
  if (given.length !== 0 && given.length !== count) throw at.invalid(`${given.length} initial states`);
  const stateful = config.flag("stateful", false);
  if (stateful && call.states.length !== count)
    throw at.unsupported(
      "a stateful layer that is called more than once, or within another",
      "save the model with stateful false",
    );
  const initial = given.length > 0 ? given : stateful ? call.states : [];
  const all = config.flag("return_sequences", false);
  const mask = call.mask();
  const ran = run(call, cells, { x, mask, initial, backwards: config.flag("go_backwards", false), all, weights });
  if (stateful) for (const [i, state] of ran.states.entries()) call.keep(i, state);
  const y = all ? withMask(b, ran.all(false), mask) : ran.last;
  return config.flag("return_state", false) ? [y, ...ran.states] : [y];
};

const merges: Readonly<Record<string, (call: LayerCall, x: Value, y: Value) => Value>> = {
  concat: ({ b }, x, y) => b.concat([x, y], x.rank - 1),
  sum: ({ b }, x, y) => add(b, x, y),
  mul: ({ b }, x, y) => mul(b, x, y),
  ave: ({ b }, x, y) => mul(b, add(b, x, y), b.scalar(x.dtype, 0.5)),
};

/** The second layer reads from the end, and its outputs are turned round. */
const bidirectional: LayerFn = (call) => {
  const { b, config, inputs, weights, at } = call;
  const forward = config.layer("layer");
  if (!forward) throw at.invalid("a wrapper without a layer");
  const backward = config.layer("backward_layer") ?? forward;
  const of = ({ op, config: json }: typeof forward): LayerCall => ({ ...call, config: new Config(op, todays(op, json), at) });
  const calls = [of(forward), of(backward)] as const;
  const [x, ...initial] = inputs;
  const mask = call.mask();
  const sequences = forward.config["return_sequences"] === true;
  if (calls.some(({ config: own }) => own.flag("stateful", false)))
    throw at.unsupported("a stateful layer within another", "save the model with stateful false");
  const halves = weights.parts(2);
  const [one, two] = calls.map((own, i) => {
    const cells = cellsOf(own);
    const count = statesOf(cells);
    if (!x || (initial.length !== 0 && initial.length !== 2 * count)) throw at.invalid(`${initial.length} initial states`);
    const backwards = (forward.config["go_backwards"] === true) !== (i === 1);
    const task = { x, mask, backwards, all: sequences, weights: halves[i]! };
    return run(own, cells, { ...task, initial: initial.slice(i * count, (i + 1) * count) });
  }) as [Ran, Ran];
  const outputs: Value[] = sequences ? [one.all(false), two.all(true)] : [one.last, two.last];
  const states = forward.config["return_state"] === true ? [...one.states, ...two.states] : [];
  const masked = (y: Value) => (sequences ? withMask(b, y, mask) : y);
  if (!config.has("merge_mode")) return [...outputs.map(masked), ...states];
  const merge = merges[config.string("merge_mode", "concat")];
  if (!merge) throw at.unsupported(`merge_mode is ${config.string("merge_mode", "")}`);
  return [masked(merge(calls[0], outputs[0]!, outputs[1]!)), ...states];
};

const ops = "SimpleRNN LSTM GRU CuDNNLSTM CuDNNGRU ConvLSTM1D ConvLSTM2D ConvLSTM3D RNN".split(" ");

export const recurrentLayers: Layers = {
  ...Object.fromEntries(ops.map((op) => [op, recurrent])),
  Bidirectional: bidirectional,
};
