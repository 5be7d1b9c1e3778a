/**
 * LSTM cells as TFLite writes them: a tensor a gate, in the order input, forget, cell, output. Without input gate it is 1 − forget (CIFG);
 * peepholes, projection and layer normalisation where their tensors are there.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { activate, type Fused } from "./activation.ts";
import { weighted } from "./conv.ts";
import { hybridInput } from "./hybrid.ts";
import { transposeWeights } from "./quantized.ts";

/** Gate by gate; undefined where the cell has none. */
export type Gates = readonly [Value | undefined, Value | undefined, Value | undefined, Value | undefined];

export interface LstmWeights {
  /** [units, inputs] */
  readonly input: Gates;
  /** [units, outputs] */
  readonly recurrent: Gates;
  /** [units]: input, forget, output. */
  readonly peephole: readonly [Value | undefined, Value | undefined, Value | undefined];
  /** [units] */
  readonly bias: Gates;
  /** [outputs, units] */
  readonly projection: Value | undefined;
  readonly projectionBias: Value | undefined;
  /** [units] */
  readonly norm: Gates;
}

export interface LstmOptions {
  readonly activation: Fused;
  readonly cellClip: number;
  readonly projectionClip: number;
  readonly asymmetric: boolean;
}

export interface LstmState {
  /** [batch, outputs] */
  readonly h: Value;
  /** [batch, units] */
  readonly c: Value;
}

/** Rounds a state to what its tensor can hold. */
export type Keep = (state: LstmState) => LstmState;

const add = (b: Builder, x: Value, y: Value): Value => b.op("AddV2", [x, y]);
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);

/** The gates that the cell computes. */
const present = ({ input }: LstmWeights): readonly number[] => [0, 1, 2, 3].filter((gate) => input[gate]);

/** x·Wᵀ of each gate: [rows, inputs] → [rows, units] a gate. */
function products(b: Builder, x: Value, weights: Gates, gates: readonly number[], at: At): readonly Value[] {
  return gates.map((gate) =>
    weighted(
      b,
      x,
      transposeWeights(b, weights[gate]!, [1, 0]),
      undefined,
      "NONE",
      (part, w) => b.op("MatMul", [part, w], { transpose_a: false, transpose_b: false }),
      at,
    ),
  );
}

/** What the inputs of all steps give each gate: `x` is [rows, inputs]. Biases are within, but where the sums are normalised first. */
export function projectInputs(b: Builder, x: Value, weights: LstmWeights, options: LstmOptions, at: At): readonly Value[] {
  const gates = present(weights);
  const given = hybridInput(b, x, options.asymmetric ? "asymmetric" : "symmetric", at, 0, 2);
  return products(b, given, weights.input, gates, at).map((sum, i) => {
    const gate = gates[i]!;
    const bias = weights.norm[gate] ? undefined : weights.bias[gate];
    return bias ? b.op("BiasAdd", [sum, bias]) : sum;
  });
}

const epsilon = 1e-8;

function normalize(b: Builder, x: Value, scale: Value, bias: Value | undefined): Value {
  const mean = b.reduce("Mean", x, [1], true);
  const centred = b.op("Sub", [x, mean]);
  const variance = b.reduce("Mean", b.op("Square", [centred]), [1], true);
  const unit = mul(b, centred, b.op("Rsqrt", [add(b, variance, b.scalar(x.dtype, epsilon))]));
  const scaled = mul(b, unit, scale);
  return bias ? add(b, scaled, bias) : scaled;
}

const clipped = (b: Builder, x: Value, limit: number): Value =>
  limit > 0 ? b.op("ClipByValue", [x, b.scalar(x.dtype, -limit), b.scalar(x.dtype, limit)]) : x;

/** One step; `projected` as `projectInputs` gives it, of this step. */
export function lstmStep(
  b: Builder,
  projected: readonly Value[],
  { h, c }: LstmState,
  weights: LstmWeights,
  options: LstmOptions,
  at: At,
): LstmState {
  const gates = present(weights);
  const last = hybridInput(b, h, options.asymmetric ? "asymmetric" : "symmetric", at, 0, 6);
  const recurrent = products(b, last, weights.recurrent, gates, at);
  const sums = new Map(gates.map((gate, i) => [gate, add(b, projected[i]!, recurrent[i]!)]));
  const peep = (x: Value, w: Value | undefined, cell: Value) => (w ? add(b, x, mul(b, cell, w)) : x);
  const settled = (gate: number, x: Value): Value => {
    const norm = weights.norm[gate];
    return norm ? normalize(b, x, norm, weights.bias[gate]) : x;
  };
  const sigmoid = (gate: number, w: Value | undefined, cell: Value) =>
    b.op("Sigmoid", [settled(gate, peep(sums.get(gate)!, w, cell))]);
  const forget = sigmoid(1, weights.peephole[1], c);
  const input = sums.has(0) ? sigmoid(0, weights.peephole[0], c) : b.op("Sub", [b.scalar(c.dtype, 1), forget]);
  const candidate = activate(b, settled(2, sums.get(2)!), options.activation);
  const cell = clipped(b, add(b, mul(b, forget, c), mul(b, input, candidate)), options.cellClip);
  const output = sigmoid(3, weights.peephole[2], cell);
  const hidden = mul(b, output, activate(b, cell, options.activation));
  return { h: project(b, hidden, weights, options, at), c: cell };
}

function project(b: Builder, hidden: Value, { projection, projectionBias }: LstmWeights, options: LstmOptions, at: At): Value {
  if (!projection) return hidden;
  const given = hybridInput(b, hidden, options.asymmetric ? "asymmetric" : "symmetric", at, 0, 16);
  const product = (part: Value, w: Value) => b.op("MatMul", [part, w], { transpose_a: false, transpose_b: false });
  const y = weighted(b, given, transposeWeights(b, projection, [1, 0]), projectionBias, "NONE", product, at);
  return clipped(b, y, options.projectionClip);
}
