/** Layers models and Keras files → .h5, judged by libhdf5, by our own reader, and by the numbers of TF.js's layers. */
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-layers";
import type { Dataset, Group } from "h5wasm";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../src/base/memory.ts";
import { convertToKeras, kerasName } from "../src/convert-keras.ts";
import { convertToLayers } from "../src/convert-layers.ts";
import type { KerasModel } from "../src/formats/keras/read.ts";
import { openModel } from "../src/formats/open.ts";
import type { KerasLayer } from "./build/keras.ts";
import { kerasArchive, numbers, sequential } from "./build/keras.ts";
import { savedLayers } from "./build/layers.ts";
import { random } from "./build/random.ts";
import { core, layersOutputs, readModel } from "./lower/keras/tfjs.ts";

let folder: string;
beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(tmpdir(), "modelwright-keras-"));
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

async function toKeras({ model, files }: KerasModel): Promise<Uint8Array> {
  const sink = new MemorySink();
  const converted = await convertToKeras(model, files, sink);
  expect(converted.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(converted.files).toEqual([kerasName, "model.map.json"]);
  return sink.files[kerasName]!;
}

async function inLibrary<T>(bytes: Uint8Array, look: (file: import("h5wasm").File) => T): Promise<T> {
  const { ready, File } = await import("h5wasm/node");
  await ready;
  await fs.writeFile(path.join(folder, "m.h5"), bytes);
  const file = new File(path.join(folder, "m.h5"), "r");
  try {
    return look(file);
  } finally {
    file.close();
  }
}

const open = async (model: tf.LayersModel): Promise<KerasModel> => {
  const files = await savedLayers(model);
  return openModel(memorySource("model.json", files["model.json"]!), memorySources(files));
};

/** Untrained weights are zeroes and ones here and there. */
function scatter(model: tf.LayersModel): void {
  const values = model.getWeights().map((weight, i) => core.tensor(random(weight.size, 100 + i), weight.shape));
  model.setWeights(values.map((value, i) => (/variance/.test(model.weights[i]!.name) ? core.add(core.abs(value), 0.5) : value)));
}

it("writes a layers model as Keras reads it: architecture, layers, weights by order", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [7, 5, 3], filters: 4, kernelSize: [3, 2], activation: "relu", name: "conv" }),
      tf.layers.batchNormalization({ name: "norm" }),
      tf.layers.flatten({ name: "flat" }),
      tf.layers.dense({ units: 2, name: "dense" }),
    ],
  });
  scatter(model);
  const bytes = await toKeras(await open(model));
  await inLibrary(bytes, (file) => {
    const config = JSON.parse(file.attrs["model_config"]!.value as string);
    expect(config.class_name).toBe("Functional");
    expect(config.config.layers.map((layer: { class_name: string }) => layer.class_name)).toEqual(
      "InputLayer Conv2D BatchNormalization Flatten Dense".split(" "),
    );
    expect(file.attrs["backend"]!.value).toBe("tensorflow");
    const weights = file.get("model_weights") as Group;
    expect(weights.attrs["keras_version"]!.value).toBe("2.15.0");
    expect(weights.attrs["layer_names"]!.value).toEqual(["conv_input", "conv", "norm", "flat", "dense"]);
    expect((weights.get("norm") as Group).attrs["weight_names"]!.value).toEqual(
      ["gamma", "beta", "moving_mean", "moving_variance"].map((name) => `norm/${name}:0`),
    );
    expect((weights.get("flat") as Group).attrs["weight_names"]!.shape).toEqual([0]);
    for (const weight of model.weights) {
      const layer = weight.name.split("/")[0]!;
      const dataset = weights.get(`${layer}/${weight.originalName}:0`) as Dataset;
      expect(dataset.shape).toEqual(weight.shape);
      expect(dataset.value).toEqual(weight.read().dataSync());
    }
  });
});

/** Two inputs, a branch, a shared layer, a model called twice with a batch norm in it, one in a wrapper, one that is not to be trained. */
function branched(): tf.LayersModel {
  const inner = tf.sequential({
    name: "inner",
    layers: [
      tf.layers.dense({ inputShape: [5], units: 5, name: "inner_dense" }),
      tf.layers.batchNormalization({ name: "inner_norm" }),
      tf.layers.dense({ units: 5, name: "inner_last", trainable: false }),
      tf.layers.layerNormalization({ name: "inner_scale" }),
    ],
  });
  const [x, y] = [tf.input({ shape: [5], name: "x" }), tf.input({ shape: [3, 5], name: "y" })];
  const shared = tf.layers.dense({ units: 5, activation: "tanh", name: "shared" });
  const steps = tf.layers.timeDistributed({
    layer: tf.sequential({
      name: "step",
      layers: [
        tf.layers.dense({ inputShape: [5], units: 5, name: "step_dense" }),
        tf.layers.batchNormalization({ name: "step_norm" }),
        tf.layers.dense({ units: 5, name: "step_last" }),
      ],
    }),
    name: "steps",
  });
  const gru = tf.layers.gru({ units: 4, name: "gru", recurrentInitializer: "glorotUniform" });
  const both = tf.layers.bidirectional({ layer: gru as tf.RNN, mergeMode: "concat", name: "both" });
  const left = inner.apply(shared.apply(x)) as tf.SymbolicTensor;
  const right = shared.apply(inner.apply(left)) as tf.SymbolicTensor;
  const sum = tf.layers.add({ name: "sum" }).apply([left, right]) as tf.SymbolicTensor;
  const tail = both.apply(steps.apply(y)) as tf.SymbolicTensor;
  const joined = tf.layers.concatenate({ name: "joined" }).apply([tail, sum]) as tf.SymbolicTensor;
  return tf.model({ inputs: [x, y], outputs: [joined, left] });
}

it("keeps the numbers of a model with branches, models within and wrappers, there and back", async () => {
  const model = branched();
  scatter(model);
  const [x, y] = [random(10, 1), random(30, 2)];
  const results = model.predict([core.tensor(x, [2, 5]), core.tensor(y, [2, 3, 5])]) as core.Tensor[];
  const bytes = await toKeras(await open(model));
  const back = await readModel(bytes);
  expect(back.model.problems).toEqual([]);
  const fed = [{ dtype: "float32" as const, shape: [2, 5], data: x }, { dtype: "float32" as const, shape: [2, 3, 5], data: y }]; // biome-ignore format: a row
  const outputs = await layersOutputs(back, fed);
  for (const [i, result] of results.entries()) expect([...outputs[i]!.data]).toEqual([...(await result.data())]);
  await inLibrary(bytes, (file) => {
    const weights = file.get("model_weights") as Group;
    const layers = model.layers.map(({ name }) => name);
    expect(weights.attrs["layer_names"]!.value).toEqual(layers);
    // As Keras gathers them: what is trained of all layers, then the rest.
    expect((weights.get("inner") as Group).attrs["weight_names"]!.value).toEqual(
      [
        ["inner_dense/kernel", "inner_dense/bias", "inner_norm/gamma", "inner_norm/beta", "inner_scale/gamma"],
        ["inner_scale/beta", "inner_norm/moving_mean", "inner_norm/moving_variance", "inner_last/kernel", "inner_last/bias"],
      ]
        .flat()
        .map((name) => `${name}:0`),
    );
    expect((weights.get("steps") as Group).attrs["weight_names"]!.value).toEqual(
      [
        ["step_dense/kernel", "step_dense/bias", "step_norm/gamma", "step_norm/beta", "step_last/kernel", "step_last/bias"],
        ["step_norm/moving_mean", "step_norm/moving_variance"],
      ]
        .flat()
        .map((name) => `${name}:0`),
    );
    const config = JSON.parse(file.attrs["model_config"]!.value as string).config;
    const wrapper = config.layers.find((layer: { name: string }) => layer.name === "both");
    expect(wrapper.config.layer.config.reset_after).toBe(false);
  });
});

it("cuts lists of names that no attribute holds, as Keras does", async () => {
  const name = (i: number) => `a_layer_of_a_rather_long_name_${"x".repeat(370)}_${i}`;
  const layers = Array.from({ length: 201 }, (_, i) => tf.layers.activation({ activation: "relu", name: name(i), ...(i === 0 && { inputShape: [3] }) })); // biome-ignore format: a row
  const bytes = await toKeras(await open(tf.sequential({ layers })));
  await inLibrary(bytes, (file) => {
    const { attrs } = file.get("model_weights") as Group;
    expect(attrs["layer_names"]).toBeUndefined();
    const parts = [attrs["layer_names0"]!.value, attrs["layer_names1"]!.value] as string[][];
    expect(parts.flat()).toEqual([`${name(0)}_input`, ...layers.map((layer) => layer.name)]);
    expect(attrs["layer_names2"]).toBeUndefined();
  });
  const back = await readModel(bytes);
  expect(back.model.graphs[0]!.nodes.length).toBe(201);
});

it("writes a .h5 of Keras 1's layers in today's words, and the same again from what it wrote", async () => {
  const layers: readonly KerasLayer[] = [
    {
      op: "LSTM",
      config: { units: 4, return_sequences: true },
      weights: { kernel: [3, 16], recurrent_kernel: [4, 16], bias: [16] },
    },
    { op: "SpatialDropout1D", config: { rate: 0.5 } },
    { op: "Dense", config: { units: 2, use_bias: false, trainable: false }, weights: { kernel: [4, 2] } },
  ];
  const source = await readModel(sequential([5, 3], layers));
  const bytes = await toKeras(source);
  const again = await toKeras(await readModel(bytes));
  expect(again).toEqual(bytes);
  const [first, second] = [new MemorySink(), new MemorySink()];
  await convertToLayers(source.model, source.files, first);
  const back = await readModel(bytes);
  await convertToLayers(back.model, back.files, second);
  expect(second.files["group1-shard1of1.bin"]).toEqual(first.files["group1-shard1of1.bin"]);
});

it("writes an archive of Keras 3 as .h5, of which each weight is where Keras 2 looks for it", async () => {
  const layer: KerasLayer = { op: "Dense", config: { units: 3, activation: "silu" }, weights: { kernel: [3, 3], bias: [3] } };
  const archive = await readModel(kerasArchive([3], [layer, layer]), "m.keras");
  const bytes = await toKeras(archive);
  await inLibrary(bytes, (file) => {
    const weights = file.get("model_weights") as Group;
    for (const [i, name] of ["dense_1", "dense_2"].entries())
      for (const [k, weight] of ["kernel", "bias"].entries())
        expect((weights.get(`${name}/${name}/${weight}:0`) as Dataset).value).toEqual(
          numbers(k === 0 ? [3, 3] : [3], 10 * i + k + 1).data,
        );
    expect(JSON.parse(file.attrs["model_config"]!.value as string).config.layers[1].config.activation).toBe("swish");
  });
});

it("refuses graphs of operators, and names a layer whose class is the user's", async () => {
  const custom = await readModel(sequential([3], [{ op: "MyLayer", config: { size: 7 } }]));
  const sink = new MemorySink();
  const { ok, problems } = await convertToKeras(custom.model, custom.files, sink);
  expect(ok).toBe(true);
  expect(problems).toMatchObject([{ severity: "warning", hint: expect.stringContaining("custom_objects") }]);
  const other = { ...custom.model, dialect: "onnx" as const };
  await expect(convertToKeras(other, custom.files, new MemorySink())).rejects.toThrow(/not from onnx/);
});
