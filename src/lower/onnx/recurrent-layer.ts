/** What unrolled and looped recurrent layers share: their parts, and one step. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Activation } from "./cell.ts";
import { dynamicQuantize } from "./quantize.ts";

/** What a step hands on: the hidden state, and for LSTM the cell. */
export interface State {
  readonly h: Value;
  readonly c?: Value;
}

/** One direction's weights: W transposed [I, G·H], R transposed [H, G·H], the two halves of the bias [G·H], peepholes [3·H]. */
export interface Weights {
  readonly w: Value;
  readonly r: Value;
  readonly wb: Value | undefined;
  readonly rb: Value | undefined;
  readonly p: Value | undefined;
  readonly hidden: number;
  /** Of quantised weights: `w` and `r` are codes less their zero point, these their scales. */
  readonly scales?: { readonly w: Value; readonly r: Value };
}

export interface Cell {
  readonly gates: number;
  readonly functions: readonly string[];
  /** Part of the recurrent bias, added to all steps at once. */
  readonly bias: (b: Builder, weights: Weights) => Value | undefined;
  /** `x` is this step's projected input [B, G·H]. */
  readonly step: (b: Builder, x: Value, state: State, weights: Weights, f: readonly Activation[]) => State;
}

/** One direction: the hidden state after each step in the order of time, [S, B, H], and the last state. */
export interface Run {
  readonly sequence: () => Value;
  readonly last: State;
}

/** One direction of one layer, ready to run. */
export interface Layer {
  readonly cell: Cell;
  readonly weights: Weights;
  readonly initial: State;
  readonly functions: readonly Activation[];
  /** [S, B, G·H]: every step's share of the sums. */
  readonly projected: Value;
  /** [B, 1], where sequences end before the last step. */
  readonly lengths: Value | undefined;
  readonly reverse: boolean;
}

/** Rows times a matrix. Of quantised weights the rows become codes as well, by a scale of their own, as onnxruntime does it each time. */
export function product(b: Builder, x: Value, weights: Value, scale: Value | undefined): Value {
  if (!scale) return b.op("MatMul", [x, weights]);
  const [codes, step, zero] = dynamicQuantize(b, x);
  const rows = b.op("Sub", [b.cast(codes, "float32"), b.cast(zero, "float32")]);
  return b.op("Mul", [b.op("MatMul", [rows, weights]), b.op("Mul", [step, scale])]);
}

/** One step: what it hands on, and what it gives. Past its end a sequence keeps its state and gives zeroes. */
export function step(
  b: Builder,
  { cell, weights, functions }: Layer,
  x: Value,
  state: State,
  t: Value,
  lengths: Value | undefined,
): { next: State; y: Value } {
  const next = cell.step(b, x, state, weights, functions);
  if (!lengths) return { next, y: next.h };
  const running = b.op("Greater", [lengths, t]);
  const held = (value: Value, old: Value) => b.op("SelectV2", [running, value, old]);
  const kept = { h: held(next.h, state.h), ...(next.c && { c: held(next.c, state.c!) }) };
  return { next: kept, y: held(next.h, b.scalar(next.h.dtype, 0)) };
}
