/** Masks of steps: against TF.js's layers where those carry them, else against the definition, computed here step by step. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { type KerasLayer, kerasFile, numbers, sequential } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, layersOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, steps, features, units] = [3, 5, 4, 3];
const cell = (gates: number, inputs = features) => ({
  kernel: [inputs, gates * units],
  recurrent_kernel: [units, gates * units],
  bias: [gates * units],
});
const lstm = { units, activation: "tanh", recurrent_activation: "sigmoid", return_sequences: true };
const gru = { ...lstm, reset_after: false };
const plain = { units, activation: "tanh", return_sequences: true };
const masking: KerasLayer = { op: "Masking", config: { mask_value: 0 } };

/** Steps that do not count: at the end, in the middle, at the beginning. */
const holes: readonly (readonly number[])[] = [[3, 4], [2], [0]];
const counts = (n: number, t: number): boolean => !holes[n]!.includes(t);

function sequence(seed = 5): Float32Array {
  const data = random(batch * steps * features, seed);
  for (const [n, list] of holes.entries())
    for (const t of list) data.fill(0, (n * steps + t) * features, (n * steps + t + 1) * features);
  return data;
}

const rows: readonly (readonly [string, number | null, readonly KerasLayer[]])[] = [
  ["all steps of an LSTM", steps, [masking, { op: "LSTM", config: lstm, weights: cell(4) }]],
  ["all steps of an LSTM of unknown length", null, [masking, { op: "LSTM", config: lstm, weights: cell(4) }]],
  ["the last of a GRU", steps, [masking, { op: "GRU", config: { ...gru, return_sequences: false }, weights: cell(3) }]],
  [
    "the last of a GRU of unknown length",
    null,
    [masking, { op: "GRU", config: { ...gru, return_sequences: false }, weights: cell(3) }],
  ],
  [
    "two layers, one upon the other",
    steps,
    [
      masking,
      { op: "SimpleRNN", config: plain, weights: cell(1) },
      { op: "LSTM", config: { ...lstm, return_sequences: false }, weights: cell(4, units) },
    ],
  ],
  [
    "through layers that hand masks on",
    steps,
    [
      masking,
      { op: "Dense", config: { units: 4, activation: "relu" }, weights: { kernel: [4, 4], bias: [4] } },
      { op: "Dropout", config: { rate: 0.3 } },
      { op: "Activation", config: { activation: "tanh" } },
      { op: "LSTM", config: lstm, weights: cell(4) },
    ],
  ],
];

describe("masks", () => {
  it.each(rows)("%s", async (_, length, layers) => {
    const opened = await readModel(sequential([length, features], layers));
    const fed = [{ dtype: "float32", shape: [batch, steps, features], data: sequence() }] as const;
    const [expected] = await layersOutputs(opened, fed);
    const [actual] = await graphOutputs(opened, fed);
    expect(actual!.shape).toEqual(expected!.shape);
    for (let i = 0; i < expected!.data.length; i++) expect(actual!.data[i]).toBeCloseTo(expected!.data[i] as number, 5);
  });

  it("are lost behind layers that do not hand them on, and TF.js's layers think otherwise", async () => {
    const lost = [
      { op: "Reshape", config: { target_shape: [steps, features] } },
      { op: "LSTM", config: lstm, weights: cell(4) },
    ];
    const fed = [{ dtype: "float32", shape: [batch, steps, features], data: sequence() }] as const;
    // Of as many layers, so that the weights are the same.
    const without = { op: "Dropout", config: { rate: 0.5 } };
    const [expected] = await layersOutputs(await readModel(sequential([steps, features], [without, ...lost])), fed);
    const opened = await readModel(sequential([steps, features], [masking, ...lost]));
    const [actual] = await graphOutputs(opened, fed);
    for (let i = 0; i < expected!.data.length; i++) expect(actual!.data[i]).toBeCloseTo(expected!.data[i] as number, 5);
    await expect(layersOutputs(opened, fed)).rejects.toThrow(/belongs to another layer/);
  });

  /** tanh(x·W + h·U + b) over the steps in this order; a step that does not count gives what the one before gave. */
  function simple(x: Float32Array, order: readonly number[], n: number, seed: number): number[][] {
    const [w, u, bias] = Object.values(cell(1)).map((shape, k) => numbers(shape, seed + k).data) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    let h = new Array<number>(units).fill(0);
    return order.map((t) => {
      if (counts(n, t))
        h = h.map((_, i) => {
          let sum = bias[i]!;
          for (let f = 0; f < features; f++) sum += x[(n * steps + t) * features + f]! * w[f * units + i]!;
          for (let j = 0; j < units; j++) sum += h[j]! * u[j * units + i]!;
          return Math.tanh(sum);
        });
      return h;
    });
  }

  const forwards = Array.from({ length: steps }, (_, t) => t);
  const backwards = [...forwards].reverse();

  it("both ways", async () => {
    const inner = { layer: { class_name: "SimpleRNN", config: { name: "inner", ...plain } }, merge_mode: "concat" };
    const weights = Object.fromEntries(
      ["forward", "backward"].flatMap((way) => Object.entries(cell(1)).map(([name, shape]) => [`${way}_${name}`, shape])),
    );
    const opened = await readModel(sequential([steps, features], [masking, { op: "Bidirectional", config: inner, weights }]));
    const x = sequence();
    const [actual] = await graphOutputs(opened, [{ dtype: "float32", shape: [batch, steps, features], data: x }]);
    for (let n = 0; n < batch; n++) {
      const one = simple(x, forwards, n, 11);
      const two = simple(x, backwards, n, 14).reverse();
      for (const t of forwards)
        for (const [i, value] of [...one[t]!, ...two[t]!].entries())
          expect(actual!.data[(n * steps + t) * 2 * units + i]).toBeCloseTo(value, 5);
    }
    const [layers] = await layersOutputs(opened, [{ dtype: "float32", shape: [batch, steps, features], data: x }]);
    for (const [i, value] of (layers!.data as Float32Array).entries()) expect(actual!.data[i]).toBeCloseTo(value, 5);
  });

  it("from the end", async () => {
    const config = { ...plain, return_sequences: false, go_backwards: true };
    const opened = await readModel(sequential([steps, features], [masking, { op: "SimpleRNN", config, weights: cell(1) }]));
    const x = sequence();
    const [actual] = await graphOutputs(opened, [{ dtype: "float32", shape: [batch, steps, features], data: x }]);
    for (let n = 0; n < batch; n++)
      for (const [i, value] of simple(x, backwards, n, 11).at(-1)!.entries())
        expect(actual!.data[n * units + i]).toBeCloseTo(value, 5);
  });

  it.each([false, true])("zero in the place of the output before: zero_output_for_mask %s", async (zeroed) => {
    const config = { ...plain, zero_output_for_mask: zeroed };
    const opened = await readModel(sequential([steps, features], [masking, { op: "SimpleRNN", config, weights: cell(1) }]));
    const x = sequence();
    const [actual] = await graphOutputs(opened, [{ dtype: "float32", shape: [batch, steps, features], data: x }]);
    for (let n = 0; n < batch; n++)
      for (const [t, h] of simple(x, forwards, n, 11).entries())
        for (const [i, value] of h.entries())
          expect(actual!.data[(n * steps + t) * units + i]).toBeCloseTo(zeroed && !counts(n, t) ? 0 : value, 5);
  });

  it("means over the steps that count", async () => {
    const opened = await readModel(sequential([null, features], [masking, { op: "GlobalAveragePooling1D" }]));
    const x = sequence();
    const [actual] = await graphOutputs(opened, [{ dtype: "float32", shape: [batch, steps, features], data: x }]);
    for (let n = 0; n < batch; n++)
      for (let f = 0; f < features; f++) {
        const kept = forwards.filter((t) => counts(n, t));
        const sum = kept.reduce((total, t) => total + x[(n * steps + t) * features + f]!, 0);
        expect(actual!.data[n * features + f]).toBeCloseTo(sum / kept.length, 5);
      }
  });

  it("words that are 0, and scores of steps that do not count", async () => {
    const [size, width] = [7, 3];
    const call = (from: readonly string[]) => [from.map((each) => [each, 0, 0, {}])];
    const layer = (class_name: string, name: string, config: object, from: readonly string[]) => ({
      class_name,
      name,
      config: { name, ...config },
      inbound_nodes: call(from),
    });
    const input = {
      class_name: "InputLayer",
      name: "words",
      config: { name: "words", batch_input_shape: [null, steps], dtype: "int32" },
      inbound_nodes: [],
    };
    const config = {
      name: "m",
      layers: [
        input,
        layer("Embedding", "embedding_1", { input_dim: size, output_dim: width, mask_zero: true }, ["words"]),
        layer("Attention", "attention_2", { use_scale: false, score_mode: "dot", causal: true }, ["embedding_1", "embedding_1"]),
      ],
      input_layers: [["words", 0, 0]],
      output_layers: [["attention_2", 0, 0]],
    };
    const stored: readonly KerasLayer[] = [{ op: "Embedding", weights: { embeddings: [size, width] } }];
    const opened = await readModel(kerasFile({ class_name: "Functional", config }, stored));
    const words = Int32Array.of(3, 1, 6, 0, 0, 2, 5, 0, 4, 1, 0, 1, 2, 3, 6);
    const [actual] = await graphOutputs(opened, [{ dtype: "int32", shape: [batch, steps], data: words }]);
    const table = numbers([size, width], 1).data;
    const row = (n: number, t: number) => Array.from(table.slice(words[n * steps + t]! * width).slice(0, width));
    for (let n = 0; n < batch; n++)
      for (const t of forwards) {
        const seen = forwards.filter((s) => s <= t && words[n * steps + s] !== 0);
        const scores = seen.map((s) => Math.exp(row(n, t).reduce((sum, each, i) => sum + each * row(n, s)[i]!, 0)));
        const total = scores.reduce((a, b) => a + b, 0);
        for (let i = 0; i < width; i++) {
          const value = seen.reduce((sum, s, k) => sum + (scores[k]! / total) * row(n, s)[i]!, 0);
          const masked = words[n * steps + t] === 0;
          expect(actual!.data[(n * steps + t) * width + i]).toBeCloseTo(masked ? 0 : value, 5);
        }
      }
  });

  it("that Keras 3 writes down as functions are what TF.js's layers carry along", async () => {
    const [size, width] = [7, 3];
    const tensor = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });
    const layer = (
      class_name: string,
      name: string,
      config: object,
      args: readonly unknown[],
      kwargs: object,
      module = "keras.layers",
    ) => ({
      class_name,
      module,
      name,
      config: { name, ...config },
      inbound_nodes: [{ args, kwargs }],
    });
    const words = {
      class_name: "InputLayer",
      name: "words",
      config: { name: "words", batch_shape: [null, steps], dtype: "float32" },
      inbound_nodes: [],
    };
    const config = {
      name: "m",
      layers: [
        words,
        layer("NotEqual", "not_equal", {}, [tensor("words"), 0], {}, "keras.src.ops.numpy"),
        layer("Embedding", "embedding_1", { input_dim: size, output_dim: width, mask_zero: true }, [tensor("words")], {}),
        layer("LSTM", "lstm_2", lstm, [tensor("embedding_1")], { mask: tensor("not_equal") }),
      ],
      input_layers: [["words", 0, 0]],
      output_layers: [["lstm_2", 0, 0]],
    };
    const stored: readonly KerasLayer[] = [
      { op: "Embedding", weights: { embeddings: [size, width] } },
      { op: "LSTM", weights: cell(4, width) },
    ];
    const opened = await readModel(kerasFile({ class_name: "Functional", config }, stored));
    const data = Float32Array.of(3, 1, 6, 0, 0, 2, 5, 0, 4, 1, 0, 1, 2, 3, 6);
    const fed = [{ dtype: "float32", shape: [batch, steps], data }] as const;
    const [expected] = await layersOutputs(opened, fed);
    const [actual] = await graphOutputs(opened, fed);
    expect(actual!.shape).toEqual([batch, steps, units]);
    for (let i = 0; i < expected!.data.length; i++) expect(actual!.data[i]).toBeCloseTo(expected!.data[i] as number, 5);
    // The masks of Masking are two functions.
    const inputs = { class_name: "InputLayer", name: "x", config: { name: "x", batch_shape: [null, steps, features], dtype: "float32" }, inbound_nodes: [] }; // biome-ignore format: a row
    const numpy = "keras.src.ops.numpy";
    const chain = {
      name: "m",
      layers: [
        inputs,
        layer("NotEqual", "not_equal", {}, [tensor("x"), 0], {}, numpy),
        layer("Any", "any", { axis: -1, keepdims: false }, [tensor("not_equal")], {}, numpy),
        layer("Masking", "masking_1", { mask_value: 0 }, [tensor("x")], {}),
        layer("LSTM", "lstm_2", lstm, [tensor("masking_1")], { mask: tensor("any") }),
      ],
      input_layers: [["x", 0, 0]],
      output_layers: [["lstm_2", 0, 0]],
    };
    const masked = await readModel(kerasFile({ class_name: "Functional", config: chain }, [{ op: "Masking" }, { op: "LSTM", weights: cell(4) }])); // biome-ignore format: a row
    const sequences = [{ dtype: "float32", shape: [batch, steps, features], data: sequence() }] as const;
    const [own] = await layersOutputs(masked, sequences);
    const [graph] = await graphOutputs(masked, sequences);
    for (let i = 0; i < own!.data.length; i++) expect(graph!.data[i]).toBeCloseTo(own!.data[i] as number, 5);
    // A masked step repeats the one before.
    const row = (n: number, t: number) =>
      Array.from(actual!.data.slice((n * steps + t) * units, (n * steps + t + 1) * units) as Float32Array);
    expect(row(0, 4)).toEqual(row(0, 2));
  });
});
