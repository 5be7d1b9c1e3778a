/** LiteRT.js refuses models with variables: the cells are computed here once more, number by number, as TFLite's kernels say. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { MemorySink } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import type { TableValue } from "../../../src/formats/flatbuffers/write.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { TfjsWorker } from "../../../src/runtime/tfjs.ts";
import { random } from "../../build/random.ts";
import { openTflite, operator, type TensorSpec, tfliteModel, value, variable } from "../../build/tflite.ts";
import { InOnnx } from "./in-onnx.ts";
import { assertSame } from "./in-tfjs.ts";
import { size, weights } from "./values.ts";

let worker: TfjsWorker;
let onnx: InOnnx;
beforeAll(async () => {
  [worker, onnx] = await Promise.all([TfjsWorker.start("cpu"), InOnnx.start()]);
});
afterAll(() => Promise.all([worker.close(), onnx.close()]));

type Matrix = number[][];
type Maybe = TensorSpec | undefined;

const [batch, steps, inputs, units] = [2, 5, 3, 4];

const rows = (data: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: data.length / columns }, (_, i) => Array.from(data).slice(i * columns, (i + 1) * columns));
const matrix = ({ bytes, shape }: TensorSpec): Matrix => rows(new Float32Array(bytes!.slice().buffer), shape.at(-1)!);
const times = (x: Matrix, w: Matrix): Matrix => x.map((row) => w.map((each) => each.reduce((sum, v, i) => sum + v * row[i]!, 0)));
const each = (fn: (...values: number[]) => number, ...all: Matrix[]): Matrix =>
  all[0]!.map((row, r) => row.map((_, c) => fn(...all.map((m) => (m.length === 1 ? m[0]![c]! : m[r]![c]!)))));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const zeros = (r: number, c: number): Matrix => Array.from({ length: r }, () => new Array<number>(c).fill(0));

/** Runs the operator twice, the second time with the states of the first; gives both outputs, flat. */
async function twice(
  op: string,
  table: string,
  options: TableValue,
  x: TensorSpec,
  given: readonly Maybe[],
  output: readonly number[],
) {
  const all = given.filter((spec): spec is TensorSpec => spec !== undefined);
  const model = tfliteModel({
    tensors: [x, ...all, value("y", "float32", output)],
    inputs: ["x"],
    outputs: ["y"],
    operators: [operator(op, ["x", ...given.map((spec) => spec?.name ?? "")], ["y"], table, options)],
  });
  const opened = await openTflite(model);
  const sink = new MemorySink();
  const { problems, state } = await convert(opened.model, opened.files, sink);
  expect(problems).toEqual([]);
  const loaded = await worker.load(sink.files);
  const fed: Tensor = { dtype: "float32", shape: x.shape, data: random(size(x.shape), 7) };
  let states = all
    .filter((spec) => spec.variable)
    .map((spec): [string, Tensor] => [
      `state/${spec.name}`,
      { dtype: "float32", shape: spec.shape, data: new Float32Array(size(spec.shape)) },
    ]);
  expect([...state].sort()).toEqual(states.map(([name]) => name).sort());
  const results: number[][] = [];
  for (let run = 0; run < 2; run++) {
    const feeds = new Map([["x", fed], ...states]);
    const found = await worker.run(loaded, feeds, ["y", ...state]);
    assertSame(found, await onnx.run(opened.model, opened.files, feeds, ["y", ...state]));
    states = states.map(([name]) => [name, found.get(name)!]);
    results.push(Array.from(found.get("y")!.data as Float32Array));
  }
  await worker.unload(loaded);
  return { x: rows(fed.data as Float32Array, x.shape.at(-1)!), results };
}

function expectClose(found: readonly number[][], wanted: readonly Matrix[]): void {
  found.forEach((run, i) => {
    const flat = wanted[i]!.flat();
    expect(run.length).toBe(flat.length);
    for (const [at, number] of run.entries()) expect(Math.abs(number - flat[at]!), `run ${i}, element ${at}`).toBeLessThan(1e-5);
  });
}

interface Cell {
  readonly w: readonly Maybe[];
  readonly r: readonly Maybe[];
  readonly p: readonly Maybe[];
  readonly b: readonly Maybe[];
  readonly projection?: TensorSpec;
  readonly projectionBias?: TensorSpec;
  readonly n: readonly Maybe[];
  readonly cellClip?: number;
  readonly projectionClip?: number;
}

const clip = (limit: number | undefined) => (x: number) => (limit ? Math.min(Math.max(x, -limit), limit) : x);

function normalized(x: Matrix): Matrix {
  return x.map((row) => {
    const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
    return row.map((v) => (v - mean) / Math.sqrt(variance + 1e-8));
  });
}

/** One step of TFLite's LSTM on plain numbers. */
function lstmStep(cell: Cell, x: Matrix, h: Matrix, c: Matrix): { h: Matrix; c: Matrix } {
  const sum = (gate: number, state: Matrix): Matrix => {
    let z = each((a, b) => a + b, times(x, matrix(cell.w[gate]!)), times(h, matrix(cell.r[gate]!)));
    const peep = cell.p[[0, 1, -1, 2][gate]!];
    if (peep) z = each((a, w, s) => a + w * s, z, matrix(peep), state);
    const norm = cell.n[gate];
    if (norm) z = each((a, s) => a * s, normalized(z), matrix(norm));
    return each((a, b) => a + b, z, matrix(cell.b[gate]!));
  };
  const forget = each(sigmoid, sum(1, c));
  const input = cell.w[0] ? each(sigmoid, sum(0, c)) : each((f) => 1 - f, forget);
  const next = each((f, s, i, g) => clip(cell.cellClip)(f * s + i * Math.tanh(g)), forget, c, input, sum(2, c));
  let out = each((o, s) => sigmoid(o) * Math.tanh(s), sum(3, next), next);
  if (cell.projection) {
    out = times(out, matrix(cell.projection));
    if (cell.projectionBias) out = each((a, b) => a + b, out, matrix(cell.projectionBias));
    out = each(clip(cell.projectionClip), out);
  }
  return { h: out, c: next };
}

/** Both runs over `x`, rows batch by batch; gives outputs [batch, steps, units]. */
function lstmRuns(cell: Cell, x: Matrix, outputs: number, reverse = false): Matrix[] {
  let [h, c] = [zeros(batch, outputs), zeros(batch, units)];
  return [0, 1].map(() => {
    const found: Matrix = new Array(batch * steps);
    for (let i = 0; i < steps; i++) {
      const t = reverse ? steps - 1 - i : i;
      ({ h, c } = lstmStep(
        cell,
        [0, 1].map((n) => x[n * steps + t]!),
        h,
        c,
      ));
      for (let n = 0; n < batch; n++) found[n * steps + t] = h[n]!;
    }
    return found;
  });
}

const gates = (prefix: string, columns: number, seed: number, coupled = false): Maybe[] =>
  [0, 1, 2, 3].map((gate) => (coupled && gate === 0 ? undefined : weights(`${prefix}${gate}`, [units, columns], seed + gate)));
const biases = (prefix: string, seed: number, coupled = false): Maybe[] =>
  [0, 1, 2, 3].map((gate) => (coupled && gate === 0 ? undefined : weights(`${prefix}${gate}`, [units], seed + gate)));
const states = (outputs: number, prefix = ""): TensorSpec[] => [
  variable(`${prefix}h`, "float32", [batch, outputs]),
  variable(`${prefix}c`, "float32", [batch, units]),
];
const nothing = (count: number): undefined[] => new Array<undefined>(count).fill(undefined);

function cellOf(prefix: string, seed: number, more: Partial<Cell> & { coupled?: boolean; outputs?: number } = {}): Cell {
  const { coupled = false, outputs = units, ...rest } = more;
  return {
    w: gates(`${prefix}w`, inputs, seed, coupled),
    r: gates(`${prefix}r`, outputs, seed + 10, coupled),
    b: biases(`${prefix}b`, seed + 20, coupled),
    p: nothing(3),
    n: nothing(4),
    ...rest,
  };
}
const tensorsOf = ({ w, r, p, b, projection, projectionBias }: Cell): Maybe[] => [
  ...w,
  ...r,
  ...p,
  ...b,
  projection,
  projectionBias,
];

const x = value("x", "float32", [batch, steps, inputs]);
const cells: Record<string, { cell: Cell; outputs?: number }> = {
  plain: { cell: cellOf("", 1) },
  clipped: { cell: cellOf("", 1, { cellClip: 0.4 }) },
  "without an input gate, with peepholes": {
    cell: cellOf("", 1, { coupled: true, p: [undefined, weights("p1", [units], 31), weights("p2", [units], 32)] }),
  },
  "with a projection": {
    cell: cellOf("", 1, {
      outputs: 2,
      projection: weights("proj", [2, units], 41),
      projectionBias: weights("projb", [2], 42),
      projectionClip: 0.9,
    }),
    outputs: 2,
  },
  "with normalised layers": { cell: cellOf("", 1, { n: [0, 1, 2, 3].map((gate) => weights(`n${gate}`, [units], 51 + gate)) }) },
};

test.each(Object.entries(cells))("LSTM over a sequence, %s", async (_, { cell, outputs = units }) => {
  const options = {
    fused_activation_function: "TANH",
    cell_clip: cell.cellClip ?? 0,
    proj_clip: cell.projectionClip ?? 0,
    time_major: false,
  };
  const given = [...tensorsOf(cell), ...states(outputs), ...cell.n];
  const run = await twice("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions", options, x, given, [
    batch,
    steps,
    outputs,
  ]);
  expectClose(run.results, lstmRuns(cell, run.x, outputs));
});

test("LSTM both ways, joined", async () => {
  const [forward, backward] = [cellOf("f", 1), cellOf("b", 61)];
  const given = [...tensorsOf(forward), ...tensorsOf(backward), ...states(units, "f"), ...states(units, "b"), ...nothing(9)];
  const options = { fused_activation_function: "TANH", merge_outputs: true, time_major: false };
  const run = await twice("BIDIRECTIONAL_SEQUENCE_LSTM", "BidirectionalSequenceLSTMOptions", options, x, given, [
    batch,
    steps,
    2 * units,
  ]);
  const [there, back] = [lstmRuns(forward, run.x, units), lstmRuns(backward, run.x, units, true)];
  expectClose(
    run.results,
    there.map((found, i) => found.map((row, r) => [...row, ...back[i]![r]!])),
  );
});

test("one step of an LSTM", async () => {
  const cell = cellOf("", 1);
  const given = [...tensorsOf(cell), ...states(units)];
  const run = await twice(
    "LSTM",
    "LSTMOptions",
    { fused_activation_function: "TANH" },
    value("x", "float32", [batch, inputs]),
    given,
    [batch, units],
  );
  const first = lstmStep(cell, run.x, zeros(batch, units), zeros(batch, units));
  expectClose(run.results, [first.h, lstmStep(cell, run.x, first.h, first.c).h]);
});

const rnn = [weights("w", [units, inputs]), weights("r", [units, units], 4), weights("b", [units], 5)] as const;
const rnnStep = (row: Matrix, h: Matrix, f: (x: number) => number): Matrix =>
  each((a, c, bias) => f(a + c + bias), times(row, matrix(rnn[0])), times(h, matrix(rnn[1])), matrix(rnn[2]));

test("one step of an RNN", async () => {
  const given = [...rnn, variable("h", "float32", [batch, units])];
  const run = await twice(
    "RNN",
    "RNNOptions",
    { fused_activation_function: "TANH" },
    value("x", "float32", [batch, inputs]),
    given,
    [batch, units],
  );
  const first = rnnStep(run.x, zeros(batch, units), Math.tanh);
  expectClose(run.results, [first, rnnStep(run.x, first, Math.tanh)]);
});

test("one step of an RNN of sign bits", async () => {
  const given = [...rnn, variable("h", "float32", [batch, units])];
  const options = { fused_activation_function: "SIGN_BIT" };
  const run = await twice("RNN", "RNNOptions", options, value("x", "float32", [batch, inputs]), given, [batch, units]);
  const signBit = (sum: number) => (sum < 0 ? 1 : 0);
  const first = rnnStep(run.x, zeros(batch, units), signBit);
  expectClose(run.results, [first, rnnStep(run.x, first, signBit)]);
});

test("RNN over a sequence", async () => {
  const given = [...rnn, variable("h", "float32", [batch, units])];
  const options = { fused_activation_function: "TANH", time_major: false };
  const run = await twice("UNIDIRECTIONAL_SEQUENCE_RNN", "SequenceRNNOptions", options, x, given, [batch, steps, units]);
  let h = zeros(batch, units);
  const wanted = [0, 1].map(() => {
    const found: Matrix = new Array(batch * steps);
    for (let t = 0; t < steps; t++) {
      h = rnnStep(
        [0, 1].map((n) => run.x[n * steps + t]!),
        h,
        Math.tanh,
      );
      for (let n = 0; n < batch; n++) found[n * steps + t] = h[n]!;
    }
    return found;
  });
  expectClose(run.results, wanted);
});

test("RNN both ways, side by side", async () => {
  const back = [weights("bw", [units, inputs], 14), weights("br", [units, units], 15), weights("bb", [units], 16)] as const;
  const given = [
    ...rnn,
    variable("h", "float32", [batch, units]),
    ...back,
    variable("bh", "float32", [batch, units]),
    ...nothing(3),
  ];
  const options = { fused_activation_function: "TANH", time_major: false, merge_outputs: true };
  const run = await twice("BIDIRECTIONAL_SEQUENCE_RNN", "BidirectionalSequenceRNNOptions", options, x, given, [
    batch,
    steps,
    2 * units,
  ]);
  let [h, g] = [zeros(batch, units), zeros(batch, units)];
  const wanted = [0, 1].map(() => {
    const found: Matrix = Array.from({ length: batch * steps }, () => []);
    const rowsAt = (t: number) => [0, 1].map((n) => run.x[n * steps + t]!);
    for (let t = 0; t < steps; t++) {
      h = rnnStep(rowsAt(t), h, Math.tanh);
      for (let n = 0; n < batch; n++) found[n * steps + t]!.splice(0, 0, ...h[n]!);
    }
    for (let t = steps - 1; t >= 0; t--) {
      g = each(
        (a, c, bias) => Math.tanh(a + c + bias),
        times(rowsAt(t), matrix(back[0])),
        times(g, matrix(back[1])),
        matrix(back[2]),
      );
      for (let n = 0; n < batch; n++) found[n * steps + t]!.push(...g[n]!);
    }
    return found;
  });
  expectClose(run.results, wanted);
});

test("SVDF: features of the last steps, weighted over time, summed by rank", async () => {
  const [rank, memory] = [2, 3];
  const feature = weights("f", [rank * units, inputs]);
  const time = weights("t", [rank * units, memory], 4);
  const bias = weights("b", [units], 5);
  const given = [feature, time, bias, variable("s", "float32", [batch, memory * rank * units])];
  const options = { rank, fused_activation_function: "NONE" };
  const run = await twice("SVDF", "SVDFOptions", options, value("x", "float32", [batch, inputs]), given, [batch, units]);
  const features = times(run.x, matrix(feature));
  const weighted = (past: number) =>
    features.map((row) =>
      Array.from({ length: units }, (_, unit) => {
        let sum = matrix(bias)[0]![unit]!;
        for (let k = 0; k < rank; k++)
          for (let step = 0; step <= past; step++)
            sum += row[unit * rank + k]! * matrix(time)[unit * rank + k]![memory - 1 - step]!;
        return sum;
      }),
    );
  expectClose(run.results, [weighted(0), weighted(1)]);
});
