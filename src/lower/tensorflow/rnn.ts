/** Recurrent cells that TensorFlow computes in one op, and the layer of them. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { float } from "../schema.ts";
import { flag, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";

interface CellAttrs {
  readonly forget_bias: number;
  readonly cell_clip: number;
  readonly use_peephole: boolean;
}

interface Weights {
  readonly w: Value;
  readonly peepholes: readonly [Value, Value, Value];
  readonly b: Value;
}

/** i, cs, f, o, ci, co, h; `order` is that of the gates in the weights. */
function lstmCell(
  b: Builder,
  x: Value,
  cs: Value,
  h: Value,
  weights: Weights,
  a: CellAttrs,
  order: "icfo" | "ifco",
): readonly Value[] {
  const gates = b.op("BiasAdd", [
    b.op("MatMul", [b.concat([x, h], 1), weights.w], { transpose_a: false, transpose_b: false }),
    weights.b,
  ]);
  const parts = b.ops("Split", [b.scalar("int32", 1), gates], { num_split: 4 });
  const gate = (name: string) => parts[order.indexOf(name)]!;
  const [wi, wf, wo] = weights.peepholes;
  const sees = (value: Value, cell: Value, w: Value) => (a.use_peephole ? b.op("AddV2", [value, b.op("Mul", [cell, w])]) : value);
  const forget = b.op("AddV2", [gate("f"), number(b, x, a.forget_bias)]);
  const i = b.op("Sigmoid", [sees(gate("i"), cs, wi)]);
  const f = b.op("Sigmoid", [sees(forget, cs, wf)]);
  const ci = b.op("Tanh", [gate("c")]);
  const sum = b.op("AddV2", [b.op("Mul", [ci, i]), b.op("Mul", [cs, f])]);
  const clip = (bound: number) => b.op("ClipByValue", [sum, number(b, x, -bound), number(b, x, bound)]);
  const cell = a.cell_clip > 0 ? clip(a.cell_clip) : sum;
  const o = b.op("Sigmoid", [sees(gate("o"), cell, wo)]);
  const co = b.op("Tanh", [cell]);
  return [i, cell, f, o, ci, co, b.op("Mul", [co, o])];
}

/** Steps are written out; those past the length of the sequence are zeroes. */
function lstmLayer(b: Builder, inputs: readonly Value[], a: CellAttrs, order: "icfo" | "ifco", at: At): readonly Value[] {
  const [length, x, cs0, h0, w, wci, wcf, wco, bias] = inputs as [Value, Value, Value, Value, Value, Value, Value, Value, Value];
  const time = x.shape[0];
  if (typeof time !== "number")
    throw at.unsupported("a sequence whose length is not known", "give the input's shape with --input");
  const weights = { w, peepholes: [wci, wcf, wco] as const, b: bias };
  const rows: (readonly Value[])[] = [];
  let [cs, h] = [cs0, h0];
  for (let t = 0; t < time; t++) {
    const step = lstmCell(b, b.gather(x, b.scalar("int32", t), 0), cs, h, weights, a, order);
    [cs, h] = [step[1]!, step[6]!];
    const runs = b.op("Greater", [length, b.scalar(length.dtype, t)]);
    rows.push(step.map((value) => b.op("SelectV2", [runs, value, number(b, value, 0)])));
  }
  return (rows[0] ?? []).map((_, k) =>
    b.op(
      "Pack",
      rows.map((row) => row[k]!),
      { axis: 0 },
    ),
  );
}

/** r, u, c, h */
function gruCell(b: Builder, inputs: readonly Value[]): readonly Value[] {
  const [x, h, wru, wc, bru, bc] = inputs as [Value, Value, Value, Value, Value, Value];
  const product = (from: Value, w: Value, bias: Value) =>
    b.op("BiasAdd", [b.op("MatMul", [b.concat([x, from], 1), w], { transpose_a: false, transpose_b: false }), bias]);
  const [r, u] = b.ops("Split", [b.scalar("int32", 1), b.op("Sigmoid", [product(h, wru, bru)])], { num_split: 2 });
  const c = b.op("Tanh", [product(b.op("Mul", [r!, h]), wc, bc)]);
  const kept = b.op("Mul", [u!, h]);
  return [r!, u!, c, b.op("AddV2", [b.op("Mul", [b.op("Sub", [number(b, x, 1), u!]), c]), kept])];
}

const cellAttrs = { forget_bias: float(1), cell_clip: float(3), use_peephole: flag(false) };

export const recurrents: readonly Rule[] = [
  tfRule("LSTMBlockCell", [8, 8], cellAttrs, (b, [x, cs, h, w, wci, wcf, wco, bias], a) =>
    lstmCell(b, x, cs, h, { w, peepholes: [wci, wcf, wco], b: bias }, a, "icfo"),
  ),
  tfRule("BlockLSTM", [9, 9], cellAttrs, (b, inputs, a, at) => lstmLayer(b, inputs, a, "icfo", at)),
  tfRule("BlockLSTMV2", [9, 9], { cell_clip: float(0), use_peephole: flag(false) }, (b, inputs, a, at) =>
    lstmLayer(b, inputs, { ...a, forget_bias: 0 }, "ifco", at),
  ),
  tfRule("GRUBlockCell", [6, 6], {}, (b, inputs) => gruCell(b, inputs)),
];
