/** The cells of recurrent layers: what one step makes of its input and of what the step before handed on. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Config } from "./config.ts";
import { windowed, windowOf } from "./conv.ts";
import type { Faults, LayerCall, Weights } from "./layer.ts";

/** What a step hands on: the hidden state, and for LSTM the cell. Before the first step both are zero and not there. */
export type State = readonly (Value | undefined)[];

/** The stored weights as one kernel [F, G·U], one for the state [U, G·U], and biases [G·U]; kernels of images have their windows in front. */
export interface CellWeights {
  readonly kernel: Value;
  readonly recurrent: Value;
  readonly bias: Value | undefined;
  readonly recurrentBias?: Value | undefined;
}

export interface Cell {
  readonly gates: number;
  readonly states: number;
  /** Spatial axes of a step's input: none for vectors. */
  readonly axes: 0 | 1 | 2 | 3;
  /** Gates in the order of Keras 1, which wrote each on its own. */
  readonly letters: string;
  readonly weights: (call: LayerCall, list: Weights) => CellWeights;
  /** `x` is the step's projected input [N, …, G·U]. */
  readonly step: (cell: Step, x: Value, state: State) => readonly Value[];
}

export interface Step {
  readonly b: Builder;
  readonly weights: CellWeights;
  readonly units: number;
  readonly resetAfter: boolean;
  readonly activation: (x: Value) => Value;
  readonly gate: (x: Value) => Value;
  /** The state times (a part of) the recurrent kernel. */
  readonly times: (h: Value, kernel: Value) => Value;
}

const add = (b: Builder, x: Value, y: Value | undefined): Value => (y ? b.op("AddV2", [x, y]) : x);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);

/** Gate `i` of what has the gates side by side on its last axis. */
const part = (b: Builder, x: Value, i: number, units: number): Value => {
  const rest = x.rank - 1;
  return b.slice(x, [...new Array<number>(rest).fill(0), i * units], [...new Array<number>(rest).fill(-1), units]);
};

function plainWeights({ config }: LayerCall, list: Weights): CellWeights {
  const [kernel, recurrent, bias] = list.take("kernel", "recurrent_kernel", ...(config.flag("use_bias", true) ? ["bias"] : []));
  return { kernel: kernel!, recurrent: recurrent!, bias };
}

const simpleRnn: Cell = {
  gates: 1,
  states: 1,
  axes: 0,
  letters: "",
  weights: plainWeights,
  step: ({ b, weights, activation, times }, x, [h]) => [activation(h ? add(b, x, times(h, weights.recurrent)) : x)],
};

const lstm: Cell = {
  gates: 4,
  states: 2,
  axes: 0,
  letters: "ifco",
  weights: (call, list) => {
    const found = plainWeights(call, list);
    if (call.config.op !== "CuDNNLSTM" || !found.bias) return found;
    const size = found.kernel.shape[1] as number;
    const halves = [0, 1].map((i) => call.b.slice(found.bias!, [i * size], [size]));
    return { ...found, bias: add(call.b, halves[0]!, halves[1]) };
  },
  step: ({ b, weights, units, activation, gate, times }, x, [h, c]) => {
    const sums = h ? add(b, x, times(h, weights.recurrent)) : x;
    const at = (i: number) => part(b, sums, i, units);
    const fresh = mul(b, gate(at(0)), activation(at(2)));
    const cell = c ? add(b, mul(b, gate(at(1)), c), fresh) : fresh;
    return [mul(b, gate(at(3)), activation(cell)), cell];
  },
};

const gru: Cell = {
  gates: 3,
  states: 1,
  axes: 0,
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
  step: ({ b, weights, units, resetAfter, activation, gate, times }, x, [h]) => {
    const { recurrent, recurrentBias } = weights;
    const of = (value: Value | undefined, i: number) => value && part(b, value, i, units);
    const rest = (value: Value) => b.op("Sub", [b.scalar(value.dtype, 1), value]);
    if (resetAfter) {
      const inner = h ? add(b, times(h, recurrent), recurrentBias) : recurrentBias;
      const [update, reset] = [0, 1].map((i) => gate(add(b, of(x, i)!, of(inner, i))));
      const last = of(inner, 2);
      const fresh = activation(last ? add(b, of(x, 2)!, mul(b, reset!, last)) : of(x, 2)!);
      const kept = mul(b, rest(update!), fresh);
      return [h ? add(b, mul(b, update!, h), kept) : kept];
    }
    const from = (value: Value | undefined, i: number) => value && times(value, part(b, recurrent, i, units));
    const [update, reset] = [0, 1].map((i) => gate(add(b, of(x, i)!, from(h, i))));
    const fresh = activation(add(b, of(x, 2)!, h && from(mul(b, reset!, h), 2)));
    const kept = mul(b, rest(update!), fresh);
    return [h ? add(b, mul(b, update!, h), kept) : kept];
  },
};

export const resetsAfter = (config: Config): boolean => config.op === "CuDNNGRU" || config.flag("reset_after", false);

const cells: Readonly<Record<string, Cell>> = {
  SimpleRNN: simpleRnn,
  LSTM: lstm,
  GRU: gru,
  CuDNNLSTM: lstm,
  CuDNNGRU: gru,
  SimpleRNNCell: simpleRnn,
  LSTMCell: lstm,
  GRUCell: gru,
  ConvLSTM1D: { ...lstm, axes: 1 },
  ConvLSTM2D: { ...lstm, axes: 2 },
  ConvLSTM3D: { ...lstm, axes: 3 },
};

/** By the name of the layer or of the cell itself. */
export const cellOf = (op: string): Cell | undefined => cells[op];

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

/** The inputs of all steps [N, T, …] times the kernel, plus the bias. */
export function projected(call: LayerCall, { axes }: Cell, x: Value, { kernel, bias }: CellWeights): Value {
  const { b, at } = call;
  if (axes === 0) return add(b, b.op("BatchMatMulV2", [x, kernel]), bias);
  const [batch, steps, ...rest] = x.shape;
  if (rest.some((dim) => typeof dim !== "number"))
    throw at.unsupported("images of a size that is not known", "give the input's shape with --input");
  const images = typeof batch === "number" && typeof steps === "number" ? batch * steps : undefined;
  const y = windowed(b, axes === 3 ? "Conv3D" : "Conv2D", b.reshapeTo(x, [images, ...rest]), kernel, windowOf(call, axes));
  const like = [[x, 0] as const, [x, 1] as const];
  return b.reshapeTo(bias ? b.op("BiasAdd", [y, bias]) : y, [batch, steps, ...y.shape.slice(1)], like);
}

/** How the state meets its kernel: a product, or a convolution that keeps the size. */
export function recurrentProduct({ b }: LayerCall, { axes }: Cell): Step["times"] {
  if (axes === 0) return (h, kernel) => b.op("MatMul", [h, kernel]);
  const ones = new Array<number>(axes).fill(1);
  const window = { strides: ones, dilations: ones, padding: "SAME" };
  return (h, kernel) => windowed(b, axes === 3 ? "Conv3D" : "Conv2D", h, kernel, window);
}
