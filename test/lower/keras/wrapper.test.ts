import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { hdf5 } from "../../build/hdf5.ts";
import { numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, layersOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

it("applies a model to every step", async () => {
  const [batch, steps, width, hidden, out] = [2, 3, 5, 4, 2];
  const dense = (name: string, units: number, more = {}) => ({
    class_name: "Dense",
    config: { name, units, activation: "tanh", ...more },
  });
  const within = {
    class_name: "Sequential",
    config: { name: "inner", layers: [dense("one", hidden, { batch_input_shape: [null, width] }), dense("two", out)] },
  };
  const config = {
    name: "outer",
    layers: [
      { class_name: "TimeDistributed", config: { name: "steps", layer: within, batch_input_shape: [null, steps, width] } },
    ],
  };
  const sizes = [[width, hidden], [hidden], [hidden, out], [out]]; // biome-ignore format: a row
  const names = ["one/kernel:0", "one/bias:0", "two/kernel:0", "two/bias:0"];
  const group = (i: number) => ({ members: { "kernel:0": numbers(sizes[i]!, i + 1), "bias:0": numbers(sizes[i + 1]!, i + 2) } }); // biome-ignore format: a row
  const steps_ = { attributes: { weight_names: names }, members: { one: group(0), two: group(2) } };
  const file = hdf5({
    attributes: { model_config: JSON.stringify({ class_name: "Sequential", config }), keras_version: "2.15.0" },
    members: { model_weights: { attributes: { layer_names: ["steps"] }, members: { steps: steps_ } } },
  });
  const opened = await readModel(file);
  expect(opened.model.problems).toEqual([]);
  expect(opened.model.graphs.map(({ nodes }) => nodes.map(({ op }) => op))).toEqual([["TimeDistributed"], ["Dense", "Dense"]]);
  const x = random(batch * steps * width, 3);
  const fed = [{ dtype: "float32", shape: [batch, steps, width], data: x }] as const;
  const [y] = await graphOutputs(opened, fed);
  const weights = sizes.map((shape, i) => numbers(shape, i + 1).data);
  const layer = (values: readonly number[], kernel: Float32Array, bias: Float32Array) =>
    Array.from(bias, (each, u) => Math.tanh(values.reduce((sum, value, i) => sum + value * kernel[i * bias.length + u]!, each)));
  expect(y!.shape).toEqual([batch, steps, out]);
  for (let row = 0; row < batch * steps; row++) {
    const first = layer(Array.from(x.slice(row * width, (row + 1) * width)), weights[0]!, weights[1]!);
    for (const [i, value] of layer(first, weights[2]!, weights[3]!).entries())
      expect(y!.data[row * out + i]).toBeCloseTo(value, 5);
  }
  const [layers] = await layersOutputs(opened, fed);
  for (const [i, value] of (layers!.data as Float32Array).entries()) expect(y!.data[i]).toBeCloseTo(value, 5);
});
