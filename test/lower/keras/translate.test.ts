/** Models within models, in both targets. */
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

const input = (name: string, size: number) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: [null, size], dtype: "float32" },
  inbound_nodes: [],
});
const dense = (name: string, units: number, from: string) => ({
  class_name: "Dense",
  name,
  config: { name, units, activation: "tanh", use_bias: true },
  inbound_nodes: [[[from, 0, 0, {}]]],
});

/** Keras numbers the calls of a model from 1 on: call 0 is the one that made it. */
it.each([1, 0])("a model that is called twice, its calls numbered from %i", async (first) => {
  const inner = {
    name: "inner",
    layers: [input("z", 3), dense("d", 4, "z")],
    input_layers: [["z", 0, 0]],
    output_layers: [["d", 0, 0]],
  };
  const join = [["inner", first, 0, {}], ["inner", first + 1, 0, {}]]; // biome-ignore format: a row
  const config = {
    name: "m",
    layers: [
      input("x", 3),
      input("y", 3),
      { class_name: "Functional", name: "inner", config: inner, inbound_nodes: [[["x", 0, 0, {}]], [["y", 0, 0, {}]]] },
      { class_name: "Subtract", name: "s", config: { name: "s" }, inbound_nodes: [join] },
    ],
    input_layers: [["x", 0, 0], ["y", 0, 0]], // biome-ignore format: a row
    output_layers: [["inner", first + 1, 0], ["s", 0, 0]], // biome-ignore format: a row
  };
  const [kernel, bias] = [numbers([3, 4], 1), numbers([4], 2)];
  const group = {
    attributes: { weight_names: ["d/kernel:0", "d/bias:0"] },
    members: { d: { members: { "kernel:0": kernel, "bias:0": bias } } },
  };
  const file = (class_name: string) => {
    const whole = { ...config, layers: config.layers.map((layer) => (layer.name === "s" ? { ...layer, class_name } : layer)) };
    return hdf5({
      attributes: { model_config: JSON.stringify({ class_name: "Functional", config: whole }), keras_version: "2.15.0" },
      members: { model_weights: { attributes: { layer_names: ["inner"] }, members: { inner: group } } },
    });
  };
  const [x, y] = [random(6, 3), random(6, 4)];
  const fed = [x, y].map((data) => ({ dtype: "float32" as const, shape: [2, 3], data }));
  const layer = (data: Float32Array, n: number) =>
    Array.from(bias.data, (each, u) =>
      Math.tanh([0, 1, 2].reduce((sum, i) => sum + data[n * 3 + i]! * kernel.data[i * 4 + u]!, each)),
    );
  const opened = await readModel(file("Subtract"));
  expect(opened.model.problems).toEqual([]);
  const [second, difference] = await graphOutputs(opened, fed);
  for (let n = 0; n < 2; n++)
    for (let u = 0; u < 4; u++) {
      const [one, two] = [layer(x, n)[u]!, layer(y, n)[u]!];
      expect(second!.data[n * 4 + u]).toBeCloseTo(two, 5);
      expect(difference!.data[n * 4 + u]).toBeCloseTo(one - two, 5);
    }
  // TF.js has no Subtract.
  const products = await readModel(file("Multiply"));
  const [actual, expected] = [await layersOutputs(products, fed), await graphOutputs(products, fed)];
  for (const [k, { data }] of expected.entries())
    for (let i = 0; i < data.length; i++) expect(actual[k]!.data[i]).toBeCloseTo(data[i] as number, 5);
});
