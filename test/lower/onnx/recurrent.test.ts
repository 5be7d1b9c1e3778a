import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, floats, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const [steps, batch, taken, hidden] = [5, 3, 7, 4];
const gates = { RNN: 1, GRU: 3, LSTM: 4 };
const filled = (name: string, shape: readonly number[], seed: number) =>
  tensor(
    name,
    "float32",
    shape,
    random(elementCount(shape), seed).map((v) => v / 2),
  );

interface Options {
  readonly bias?: boolean;
  readonly lengths?: readonly number[];
  readonly initial?: boolean;
  readonly peepholes?: boolean;
}

type Row = [name: string, op: keyof typeof gates, attrs: Record<string, AttrValue>, options?: Options];
const both = { bias: true, initial: true } as const;

it.each<Row>([
  ["bare", "RNN", {}],
  [
    "whole",
    "RNN",
    {
      direction: "bidirectional",
      activations: ["Relu", "ScaledTanh"],
      activation_alpha: floats([0.7]),
      activation_beta: floats([1.3]),
    },
    both,
  ],
  ["reverse, of several lengths", "RNN", { direction: "reverse" }, { ...both, lengths: [2, 5, 1] }],
  ["clipped", "RNN", { clip: float(0.4) }, both],
  ["bare", "GRU", {}],
  ["whole", "GRU", { direction: "bidirectional" }, { ...both, lengths: [5, 3, 2] }],
  ["linear before reset", "GRU", { linear_before_reset: 1 }, both],
  ["linear before reset, without bias", "GRU", { linear_before_reset: 1, direction: "reverse" }],
  [
    "other activations",
    "GRU",
    { activations: ["HardSigmoid", "Softsign"], activation_alpha: floats([0.3]), activation_beta: floats([0.4]) },
    both,
  ],
  ["bare", "LSTM", {}],
  ["whole", "LSTM", { direction: "bidirectional" }, { ...both, peepholes: true, lengths: [5, 3, 2] }],
  ["reverse with peepholes", "LSTM", { direction: "reverse" }, { ...both, peepholes: true }],
  [
    "clipped, other activations",
    "LSTM",
    { clip: float(0.9), activations: ["Sigmoid", "Elu", "LeakyRelu"], activation_alpha: floats([1.2, 0.2]) },
    both,
  ],
])("%s %s", async (_, op, attrs, { bias = false, lengths, initial = false, peepholes = false } = {}) => {
  const directions = attrs["direction"] === "bidirectional" ? 2 : 1;
  const size = gates[op] * hidden;
  const start = (name: string, seed: number) => (initial ? filled(name, [directions, batch, hidden], seed) : undefined);
  const inputs = [
    filled("x", [steps, batch, taken], 1),
    filled("w", [directions, size, taken], 2),
    filled("r", [directions, size, hidden], 3),
    bias ? filled("b", [directions, 2 * size], 4) : undefined,
    lengths && tensor("l", "int32", [batch], lengths),
    start("h", 5),
    ...(op === "LSTM" ? [start("c", 6), peepholes ? filled("p", [directions, 3 * hidden], 7) : undefined] : []),
  ];
  const outputs = op === "LSTM" ? 3 : 2;
  const all = { ...attrs, hidden_size: hidden };
  const trial = { op, opset: 14, inputs, attrs: all, outputs };
  for (const fed of [1, 6]) expect(await ort.differences({ ...trial, fed })).toEqual([]);
  // Of a length that only the run knows: a While.
  expect(await ort.differences({ ...trial, fed: 1, open: true })).toEqual([]);
});

// Of more rows onnxruntime makes codes apart for as many as a thread takes, so that its numbers depend on the machine.
it.each(["forward", "reverse", "bidirectional"])("DynamicQuantizeLSTM %s, of one row", async (direction) => {
  const directions = direction === "bidirectional" ? 2 : 1;
  const codes = (name: string, rows: number, seed: number) =>
    tensor(name, "int8", [directions, rows, 4 * hidden], randomInts(directions * rows * 4 * hidden, -128, 127, seed));
  const numbers = (name: string, dtype: "float32" | "int8", list: number[]) =>
    tensor(name, dtype, [directions], list.slice(0, directions));
  const inputs = [
    filled("x", [steps, 1, taken], 1),
    codes("w", taken, 2),
    codes("r", hidden, 3),
    filled("b", [directions, 8 * hidden], 4),
    undefined,
    filled("h", [directions, 1, hidden], 5),
    filled("c", [directions, 1, hidden], 6),
    undefined,
    numbers("ws", "float32", [0.004, 0.007]),
    numbers("wz", "int8", [0, 0]),
    numbers("rs", "float32", [0.006, 0.003]),
    numbers("rz", "int8", [0, 0]),
  ];
  const attrs = { direction, hidden_size: hidden };
  const trial = { op: "DynamicQuantizeLSTM", domain: "com.microsoft", inputs, attrs, outputs: 3 };
  for (const open of [false, true]) expect(await ort.differences({ ...trial, open })).toEqual([]);
});
