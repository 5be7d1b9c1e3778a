/** Models of TF.js's own layers as graph models and back as layers: the numbers are those that TF.js's layers give. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convertToKeras } from "../../../src/convert-keras.ts";
import { convertToLayers } from "../../../src/convert-layers.ts";
import { openModel } from "../../../src/formats/open.ts";
import { type KerasLayer, sequential } from "../../build/keras.ts";
import { savedLayers } from "../../build/layers.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, layersOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

type Layer = tf.layers.Layer;

/** What TF.js gives, and the model as it saves it. */
async function saved(inputShape: readonly number[], ...layers: readonly Layer[]) {
  const input = tf.input({ shape: [...inputShape] });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  model.setWeights(model.getWeights().map((weight, i) => core.tensor(random(weight.size, i + 1), weight.shape)));
  const shape = [2, ...inputShape];
  const data = random(
    shape.reduce((count, dim) => count * dim, 1),
    9,
  );
  const result = model.predict(core.tensor(data, shape)) as core.Tensor;
  const files = await savedLayers(model);
  const open = () => openModel(memorySource("model.json", files["model.json"]!), memorySources(files));
  return { open, fed: [{ dtype: "float32" as const, shape, data }], shape: result.shape, expected: [...(await result.data())] };
}

function close(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThan(2e-5 * Math.max(1, Math.abs(value)));
}

it.each<readonly [string, readonly number[], () => Layer]>(
  [
  ["the hard sigmoid of TF.js, which is that of Keras 2", [5, 3], () => tf.layers.lstm({ units: 4, recurrentActivation: "hardSigmoid", recurrentInitializer: "glorotUniform" })],
  ["a reshape whose open dim is saved as null", [3, 4], () => tf.layers.reshape({ targetShape: [-1, 2] })],
  ["bilinear enlarging from the corners", [3, 4, 2], () => tf.layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" })],
  ["the approximate gelu", [7], () => tf.layers.activation({ activation: "gelu_new" as "gelu" })],
  // Softmax is over the last axis of what Keras has, not over the channels.
  ["a softmax behind a convolution, channels first", [3, 5, 4], () => tf.layers.conv2d({ filters: 2, kernelSize: 2, dataFormat: "channelsFirst", activation: "softmax" })],
  ["a softmax behind a transposed convolution, channels first", [3, 4, 5], () => tf.layers.conv2dTranspose({ filters: 2, kernelSize: [2, 3], strides: 2, dataFormat: "channelsFirst", activation: "softmax" })],
  ["a softmax behind a convolution by channel, channels first", [3, 5, 4], () => tf.layers.depthwiseConv2d({ kernelSize: 2, dataFormat: "channelsFirst", activation: "softmax" })],
] /* biome-ignore format: a row each */,
)("computes %s", async (_, shape, layer) => {
  const model = await saved(shape, layer());
  const [output] = await graphOutputs(await model.open(), model.fed);
  expect(output!.shape).toEqual(model.shape);
  close(output!.data as Float32Array, model.expected);
});

/** What TF.js gives of these inputs, against both conversions of the saved model. */
async function sameAs(model: tf.LayersModel, fed: readonly { readonly shape: number[]; readonly data: Float32Array }[]) {
  const expected = [...(await (model.predict(fed.map(({ data, shape }) => core.tensor(data, shape))) as core.Tensor).data())];
  const files = await savedLayers(model);
  const open = () => openModel(memorySource("model.json", files["model.json"]!), memorySources(files));
  const inputs = fed.map((each) => ({ dtype: "float32" as const, ...each }));
  for (const outputs of [await graphOutputs(await open(), inputs), await layersOutputs(await open(), inputs)])
    close(outputs[0]!.data as Float32Array, expected);
}

it("takes the mean over masked steps too, as TF.js does", async () => {
  const input = tf.input({ shape: [5] });
  const embedded = tf.layers.embedding({ inputDim: 7, outputDim: 3, maskZero: true }).apply(input);
  const output = tf.layers.globalAveragePooling1d({}).apply(embedded) as tf.SymbolicTensor;
  const data = Float32Array.of(1, 0, 6, 2, 0, 0, 0, 3, 5, 4);
  await sameAs(tf.model({ inputs: input, outputs: output }), [{ shape: [2, 5], data }]);
});

it("normalises short vectors of a dot product by TF.js's least length", async () => {
  const inputs = [tf.input({ shape: [3, 2] }), tf.input({ shape: [5, 2] })];
  const output = tf.layers.dot({ axes: 2, normalize: true }).apply(inputs) as tf.SymbolicTensor;
  const fed = [random(12, 3), random(20, 4)].map((data, i) => ({ shape: [2, 3 + 2 * i, 2], data: data.map((x) => x * 1e-4) }));
  await sameAs(tf.model({ inputs, outputs: output }), fed);
});

const enlarging = () => tf.layers.upSampling2d({ size: [2, 3], interpolation: "bilinear" });
const dilated = () => tf.layers.depthwiseConv2d({ kernelSize: 2, dilationRate: 2 });
const skipping = () => tf.layers.conv3d({ filters: 2, kernelSize: 1, strides: 3, padding: "same" });

it("hands layers that TF.js computes in its own way on to TF.js as they are", async () => {
  for (const [
    shape,
    layer,
  ] of [[[3, 4, 2], enlarging], [[5, 4, 3], dilated], [[4, 5, 4, 2], skipping]] as const /* biome-ignore format: a row */) {
    const model = await saved(shape, layer());
    const [output] = await layersOutputs(await model.open(), model.fed);
    close(output!.data as Float32Array, model.expected);
  }
});

it("refuses what TF.js computes otherwise than Keras where the other is to compute it", async () => {
  const ofTfjs = async (shape: readonly number[], layer: Layer) => (await saved(shape, layer)).open();
  const keras = async (model: Awaited<ReturnType<typeof ofTfjs>>) =>
    (await convertToKeras(model.model, model.files, new MemorySink())).problems[0]?.reason;
  expect(await keras(await ofTfjs([3, 4, 2], enlarging()))).toContain("bilinear from the corners");
  expect(await keras(await ofTfjs([5, 4, 3], dilated()))).toContain("ignores dilation_rate");
  expect(await keras(await ofTfjs([4, 5, 4, 2], skipping()))).toContain("less than nothing");
  const wrapped = tf.layers.timeDistributed({ layer: dilated() });
  expect(await keras(await ofTfjs([2, 5, 4, 3], wrapped))).toContain("ignores dilation_rate");
  const first = tf.layers.separableConv2d({ filters: 2, kernelSize: 2, dataFormat: "channelsFirst", activation: "softmax", useBias: false }); // biome-ignore format: a row
  expect(await keras(await ofTfjs([3, 5, 4], first))).toContain("another axis for the channels");
  await expect(graphOutputs(await ofTfjs([5, 4, 3], dilated()), [])).rejects.toThrow("ignores dilation_rate");

  const ofKeras = (input: readonly number[], layer: KerasLayer) => readModel(sequential(input, [layer]));
  const layers = async ({ model, files }: Awaited<ReturnType<typeof ofKeras>>) =>
    (await convertToLayers(model, files, new MemorySink())).problems[0]?.reason;
  const bilinear = { op: "UpSampling2D", config: { size: [2, 2], interpolation: "bilinear" } };
  expect(await layers(await ofKeras([3, 4, 2], bilinear))).toContain("bilinear from the corners");
  const deep = { op: "DepthwiseConv2D", config: { kernel_size: [2, 2], dilation_rate: [2, 2], use_bias: false }, weights: { depthwise_kernel: [2, 2, 3, 1] } }; // biome-ignore format: a row
  expect(await layers(await ofKeras([5, 4, 3], deep))).toContain("ignores dilation_rate");
  const separable: KerasLayer = { op: "SeparableConv2D", config: { filters: 2, kernel_size: [2, 2], data_format: "channels_first" }, weights: { depthwise_kernel: [2, 2, 3, 1], pointwise_kernel: [1, 1, 3, 2], bias: [2] } }; // biome-ignore format: a row
  expect(await layers(await ofKeras([3, 5, 4], separable))).toContain("another axis for the channels");
  const pool = { op: "MaxPooling3D", config: { pool_size: [1, 2, 2], strides: [2, 2, 2], padding: "same" } };
  expect(await layers(await ofKeras([4, 4, 4, 1], pool))).toContain("less than nothing");
  const { model, files } = await ofKeras([3, 4, 2], bilinear);
  expect((await convertToKeras(model, files, new MemorySink())).ok).toBe(true);
});
