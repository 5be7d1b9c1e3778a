/** Every layer as a graph model and as a layers model of the same file: stock TF.js must give the same numbers for both. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type KerasLayer, numbers, sequential } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, layersOutputs, readModel } from "./tfjs.ts";

const plain = { activation: "linear", use_bias: true };
const lstm = { units: 3, activation: "tanh", recurrent_activation: "hard_sigmoid", return_sequences: true };
const cell = (gates: number, inputs: number, units = 3) => ({
  kernel: [inputs, gates * units],
  recurrent_kernel: [units, gates * units],
  bias: [gates * units],
});
const directions = (gates: number, inputs: number) =>
  Object.fromEntries(
    ["forward", "backward"].flatMap((way) =>
      Object.entries(cell(gates, inputs)).map(([name, shape]) => [`${way}_${name}`, shape]),
    ),
  );
const inner = (op: string, config: object) => ({ layer: { class_name: op, config: { name: "inner", ...config } } });

type F32 = Float32Array;
type Row = readonly [string, readonly (number | null)[], readonly KerasLayer[]];

const rows: readonly Row[] = [
  [
    "dense over steps",
    [5, 3],
    [{ op: "Dense", config: { units: 7, activation: "tanh" }, weights: { kernel: [3, 7], bias: [7] } }],
  ],
  [
    "dense without bias",
    [3],
    [{ op: "Dense", config: { units: 2, use_bias: false, activation: "softmax" }, weights: { kernel: [3, 2] } }],
  ],
  [
    "convolution of a sequence",
    [11, 3],
    [
      {
        op: "Conv1D",
        config: { ...plain, filters: 5, kernel_size: [4], strides: [2], padding: "same" },
        weights: { kernel: [4, 3, 5], bias: [5] },
      },
    ],
  ],
  [
    "dilated convolution",
    [11, 13, 3],
    [
      {
        op: "Conv2D",
        config: { ...plain, filters: 5, kernel_size: [3, 2], dilation_rate: [2, 3], activation: "relu" },
        weights: { kernel: [3, 2, 3, 5], bias: [5] },
      },
    ],
  ],
  [
    "channels first",
    [3, 7, 11],
    [
      {
        op: "Conv2D",
        config: { ...plain, filters: 5, kernel_size: [3, 2], strides: [2, 1], data_format: "channels_first", padding: "same" },
        weights: { kernel: [3, 2, 3, 5], bias: [5] },
      },
    ],
  ],
  [
    "volumes",
    [5, 6, 7, 2],
    [
      {
        op: "Conv3D",
        config: { ...plain, filters: 3, kernel_size: [2, 3, 2], strides: [1, 2, 1] },
        weights: { kernel: [2, 3, 2, 2, 3], bias: [3] },
      },
    ],
  ],
  ...["same", "valid"].map(
    (padding): Row => [
      `transposed convolution, ${padding}`,
      [5, 7, 3],
      [
        {
          op: "Conv2DTranspose",
          config: { ...plain, filters: 2, kernel_size: [3, 4], strides: [2, 3], padding },
          weights: { kernel: [3, 4, 2, 3], bias: [2] },
        },
      ],
    ],
  ),
  [
    "depthwise convolution",
    [7, 11, 3],
    [
      {
        op: "DepthwiseConv2D",
        config: { ...plain, kernel_size: [3, 2], depth_multiplier: 2 },
        weights: { depthwise_kernel: [3, 2, 3, 2], bias: [6] },
      },
    ],
  ],
  [
    "separable convolution",
    [7, 11, 3],
    [
      {
        op: "SeparableConv2D",
        config: { ...plain, filters: 5, kernel_size: [3, 2], depth_multiplier: 2 },
        weights: { depthwise_kernel: [3, 2, 3, 2], pointwise_kernel: [1, 1, 6, 5], bias: [5] },
      },
    ],
  ],
  [
    "averages over the edge",
    [7, 11, 3],
    [{ op: "AveragePooling2D", config: { pool_size: [3, 2], strides: [2, 3], padding: "same" } }],
  ],
  ["greatest of a sequence", [11, 3], [{ op: "MaxPooling1D", config: { pool_size: [3], strides: [2], padding: "valid" } }]],
  [
    "padding and cropping",
    [7, 5, 3],
    [
      {
        op: "ZeroPadding2D",
        config: {
          padding: [
            [1, 2],
            [0, 3],
          ],
        },
      },
      {
        op: "Cropping2D",
        config: {
          cropping: [
            [2, 1],
            [1, 0],
          ],
        },
      },
    ],
  ],
  ["enlarging", [3, 5, 2], [{ op: "UpSampling2D", config: { size: [2, 3], interpolation: "nearest" } }]],
  ...[-1, 3].map(
    (axis): Row => [
      `batch normalisation of axis ${axis}`,
      [5, 7, 3],
      [
        {
          op: "BatchNormalization",
          config: { axis, epsilon: 0.01 },
          weights: Object.fromEntries(["gamma", "beta", "moving_mean", "moving_variance"].map((name) => [name, [3]])),
        },
      ],
    ],
  ),
  [
    "layer normalisation",
    [5, 7],
    [{ op: "LayerNormalization", config: { axis: [-1], epsilon: 0.01 }, weights: { gamma: [7], beta: [7] } }],
  ],
  [
    "a table, then a row",
    [4],
    [{ op: "Embedding", config: { input_dim: 2, output_dim: 3 }, weights: { embeddings: [2, 3] } }, { op: "Flatten" }],
  ],
  [
    "permuted, repeated",
    [6],
    [
      { op: "RepeatVector", config: { n: 5 } },
      { op: "Permute", config: { dims: [2, 1] } },
      { op: "Reshape", config: { target_shape: [3, -1] } },
    ],
  ],
  [
    "slopes of their own",
    [5, 3],
    [
      { op: "PReLU", weights: { alpha: [5, 3] } },
      { op: "LeakyReLU", config: { alpha: 0.17 } },
      { op: "Softmax", config: { axis: -1 } },
    ],
  ],
  ["LSTM", [5, 4], [{ op: "LSTM", config: lstm, weights: cell(4, 4) }]],
  [
    "LSTM of unknown length",
    [null, 4],
    [{ op: "LSTM", config: { ...lstm, recurrent_activation: "sigmoid" }, weights: cell(4, 4) }],
  ],
  [
    "GRU from the end",
    [5, 4],
    [{ op: "GRU", config: { ...lstm, return_sequences: false, go_backwards: true, reset_after: false }, weights: cell(3, 4) }],
  ],
  [
    "simple cell",
    [5, 4],
    [{ op: "SimpleRNN", config: { units: 3, activation: "tanh", return_sequences: true }, weights: cell(1, 4) }],
  ],
  ...["concat", "sum", "ave", "mul"].map(
    (merge_mode): Row => [
      `both ways, ${merge_mode}`,
      [5, 4],
      [{ op: "Bidirectional", config: { ...inner("LSTM", lstm), merge_mode }, weights: directions(4, 4) }],
    ],
  ),
  [
    "both ways, unknown length",
    [null, 4],
    [
      {
        op: "Bidirectional",
        config: { ...inner("GRU", { ...lstm, reset_after: false }), merge_mode: "concat" },
        weights: directions(3, 4),
      },
    ],
  ],
  ...[true, false].map(
    (sequences): Row => [
      `images through time, ${sequences ? "all steps" : "the last"}`,
      [3, 7, 5, 2],
      [
        {
          op: "ConvLSTM2D",
          config: { ...lstm, filters: 3, kernel_size: [3, 2], strides: [2, 1], padding: "same", return_sequences: sequences },
          weights: { kernel: [3, 2, 2, 12], recurrent_kernel: [3, 2, 3, 12], bias: [12] },
        },
      ],
    ],
  ),
  [
    "a stack of cells",
    [5, 4],
    [
      {
        op: "RNN",
        config: {
          return_sequences: true,
          cell: {
            class_name: "StackedRNNCells",
            config: {
              cells: [
                { class_name: "LSTMCell", config: { ...lstm, units: 3 } },
                { class_name: "GRUCell", config: { ...lstm, units: 2, reset_after: false } },
                { class_name: "SimpleRNNCell", config: { units: 5, activation: "tanh" } },
              ],
            },
          },
        },
        weights: Object.fromEntries(
          [cell(4, 4), cell(3, 3, 2), cell(1, 2, 5)].flatMap((each, i) =>
            Object.entries(each).map(([name, shape]) => [`cell_${i}_${name}`, shape]),
          ),
        ),
      },
    ],
  ],
  [
    "one cell, from the end",
    [null, 4],
    [
      {
        op: "RNN",
        config: {
          return_sequences: false,
          go_backwards: true,
          cell: { class_name: "GRUCell", config: { ...lstm, reset_after: false } },
        },
        weights: cell(3, 4),
      },
    ],
  ],
  [
    "a layer a step",
    [5, 3],
    [
      {
        op: "TimeDistributed",
        config: inner("Dense", { units: 2, activation: "sigmoid" }),
        weights: { kernel: [3, 2], bias: [2] },
      },
    ],
  ],
];

describe("Keras layers", () => {
  beforeAll(async () => {
    core.enableProdMode();
    await core.setBackend("cpu");
  });

  it.each(rows)("%s", async (_, input, layers) => {
    const shape = [2, ...input.map((dim) => dim ?? 7)];
    const count = shape.reduce((product, dim) => product * dim, 1);
    const raw = random(count, 5);
    const data = layers[0]!.op === "Embedding" ? raw.map((value) => (value > 0 ? 1 : 0)) : raw;
    const opened = await readModel(sequential(input, layers));
    const fed = [{ dtype: "float32", shape, data }] as const;
    const [expected] = await layersOutputs(opened, fed);
    const [actual] = await graphOutputs(opened, fed);
    expect(actual!.shape).toEqual(expected!.shape);
    expect(actual!.data.length).toBeGreaterThan(1);
    for (let i = 0; i < expected!.data.length; i++) expect(actual!.data[i]).toBeCloseTo(expected!.data[i] as number, 5);
  });

  it("normalises another axis than the last, which TF.js's layer does not", async () => {
    const names = ["gamma", "beta", "moving_mean", "moving_variance"];
    const layer = {
      op: "BatchNormalization",
      config: { axis: 1, epsilon: 0.01 },
      weights: Object.fromEntries(names.map((name) => [name, [5]])),
    };
    const opened = await readModel(sequential([5, 7], [layer]));
    const data = random(2 * 5 * 7, 3);
    const fed = [{ dtype: "float32", shape: [2, 5, 7], data }] as const;
    const [gamma, beta, mean, variance] = names.map((_, k) => numbers([5], k + 1).data) as [F32, F32, F32, F32];
    const [actual] = await graphOutputs(opened, fed);
    for (let i = 0; i < data.length; i++) {
      const c = Math.floor(i / 7) % 5;
      const scale = (Math.abs(gamma[c]!) + 0.5) / Math.sqrt(Math.abs(variance[c]!) + 0.5 + 0.01);
      expect(actual!.data[i]).toBeCloseTo((data[i]! - mean[c]!) * scale + beta[c]!, 5);
    }
    await expect(layersOutputs(opened, fed)).rejects.toThrow(/normalises axis 1 wrongly/);
  });

  it("computes a GRU that resets after the product, which TF.js's layer does not", async () => {
    const units = 3;
    const weights = { kernel: [4, 9], recurrent_kernel: [units, 9], bias: [2, 9] };
    const config = { units, activation: "tanh", recurrent_activation: "sigmoid", reset_after: true, return_sequences: false };
    const opened = await readModel(sequential([5, 4], [{ op: "GRU", config, weights }]));
    const data = random(2 * 5 * 4, 3);
    const fed = [{ dtype: "float32", shape: [2, 5, 4], data }] as const;
    const [w, u, bias] = Object.values(weights).map((shape, k) => numbers(shape, k + 1).data) as [F32, F32, F32];
    const dot = (x: ArrayLike<number>, m: F32, column: number) =>
      Array.from(x).reduce((sum, value, row) => sum + value * m[row * 9 + column]!, 0);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const [actual] = await graphOutputs(opened, fed);
    for (let n = 0; n < 2; n++) {
      let h = [0, 0, 0];
      for (let t = 0; t < 5; t++) {
        const x = data.slice((n * 5 + t) * 4, (n * 5 + t + 1) * 4);
        const [input, inner] = [(c: number) => dot(x, w, c) + bias[c]!, (c: number) => dot(h, u, c) + bias[9 + c]!];
        h = h.map((before, i) => {
          const z = sigmoid(input(i) + inner(i));
          const r = sigmoid(input(3 + i) + inner(3 + i));
          return z * before + (1 - z) * Math.tanh(input(6 + i) + r * inner(6 + i));
        });
      }
      for (let i = 0; i < units; i++) expect(actual!.data[n * units + i]).toBeCloseTo(h[i]!, 5);
    }
    await expect(layersOutputs(opened, fed)).rejects.toThrow(/reset_after/);
  });

  it("sees nothing of what comes after in a causal convolution", async () => {
    const config = { ...plain, filters: 2, kernel_size: [3], dilation_rate: [2], padding: "causal" };
    const opened = await readModel(sequential([7, 3], [{ op: "Conv1D", config, weights: { kernel: [3, 3, 2], bias: [2] } }]));
    const [kernel, bias] = [numbers([3, 3, 2], 1).data, numbers([2], 2).data];
    const data = random(2 * 7 * 3, 3);
    const [actual] = await graphOutputs(opened, [{ dtype: "float32", shape: [2, 7, 3], data }]);
    for (let n = 0; n < 2; n++)
      for (let t = 0; t < 7; t++)
        for (let f = 0; f < 2; f++) {
          let sum = bias[f]!;
          for (let k = 0; k < 3; k++)
            for (let c = 0; c < 3; c++)
              sum += (data[(n * 7 + t - 2 * (2 - k)) * 3 + c] ?? 0) * (t < 2 * (2 - k) ? 0 : kernel[(k * 3 + c) * 2 + f]!);
          expect(actual!.data[(n * 7 + t) * 2 + f]).toBeCloseTo(sum, 5);
        }
  });
});
