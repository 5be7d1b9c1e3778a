import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { memorySource, memorySources } from "../../../src/base/memory.ts";
import { ModelError } from "../../../src/base/problem.ts";
import { openModel } from "../../../src/formats/open.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { kerasSavedModel, type SavedLayer } from "../../build/keras-saved-model.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, layersOutputs } from "../../lower/keras/tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const tensor = (shape: readonly number[], seed: number): Tensor => ({
  dtype: "float32",
  shape,
  data: random(
    shape.reduce((count, dim) => count * dim, 1),
    seed,
  ),
});
const tuple = (...items: readonly (number | null)[]) => ({ class_name: "__tuple__", items });

const kernels = { inner: tensor([3, 4], 1), bias: tensor([4], 2), outer: tensor([4, 2], 3), step: tensor([4, 4], 4) };

function dense(name: string, units: number, weights: Readonly<Record<string, Tensor>>, from?: string): SavedLayer & object {
  const config = { name, units, activation: "linear", use_bias: "bias" in weights };
  const named = Object.fromEntries(Object.entries(weights).map(([each, value]) => [`${name}/${each}`, value]));
  return { class_name: "Dense", name, config, weights: named, ...(from && { inbound_nodes: [[[from, 0, 0, {}]]] }) };
}

const input = (name: string, ...shape: readonly (number | null)[]) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: tuple(...shape), dtype: "float32" },
  inbound_nodes: [],
});

/** [N, 5, 3] → dense of 4 by step, in a model within → dense by step, in a wrapper → the last axis is summed up in 2. */
function model(): SavedLayer {
  const inside = [input("z", null, 5, 3), dense("d", 4, { kernel: kernels.inner, bias: kernels.bias }, "z")];
  const inner = {
    class_name: "Functional",
    name: "inner",
    config: { name: "inner", layers: inside, input_layers: [["z", 0, 0]], output_layers: [["d", 0, 0]] },
    layers: inside,
    inbound_nodes: [[["x", 0, 0, {}]]],
  };
  const within = dense("within", 4, { kernel: kernels.step });
  const steps = {
    class_name: "TimeDistributed",
    name: "steps",
    config: { name: "steps", layer: { class_name: "Dense", config: within.config } },
    weights: { "steps/kernel": kernels.step },
    layer: { class_name: "Dense", name: "within", config: within.config },
    inbound_nodes: [[["inner", 1, 0, {}]]],
  };
  const layers = [input("x", null, 5, 3), inner, steps, dense("d2", 2, { kernel: kernels.outer }, "steps")];
  const config = { name: "m", layers, input_layers: [["x", 0, 0]], output_layers: [["d2", 0, 0]] };
  return { class_name: "Functional", name: "m", config, layers };
}

const open = (files: Record<string, Uint8Array>, layers = true) =>
  openModel(memorySource("saved_model.pb", files["saved_model.pb"]!), memorySources(files), { layers });

function product(x: ArrayLike<number>, { shape, data }: Tensor, bias?: Tensor): number[] {
  const [rows, columns] = shape as readonly [number, number];
  return Array.from({ length: (x.length / rows) * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = Number(bias?.data[column] ?? 0);
    for (let k = 0; k < rows; k++) sum += x[row * rows + k]! * Number(data[k * columns + column]);
    return sum;
  });
}

it.each([false, true])("reads layers and weights, what is said of them in a file beside: %s", async (beside) => {
  const { model: read, files } = await open(kerasSavedModel(model(), beside));
  expect(read.problems).toEqual([]);
  expect(read).toMatchObject({ dialect: "keras", formatVersion: "SavedModel, layers", producer: "Keras 2.9.0" });
  expect(read.graphs.map(({ name }) => name)).toEqual(["main", "inner"]);
  const x = random(30, 9);
  const expected = product(product(product(x, kernels.inner, kernels.bias), kernels.step), kernels.outer);
  const fed = [{ dtype: "float32" as const, shape: [2, 5, 3], data: x }];
  for (const outputs of [await graphOutputs({ model: read, files }, fed), await layersOutputs({ model: read, files }, fed)]) {
    expect(outputs[0]!.shape).toEqual([2, 5, 2]);
    for (const [i, value] of expected.entries()) expect(outputs[0]!.data[i]).toBeCloseTo(value, 3);
  }
});

it("reads it as graphs where its layers are not asked for", async () => {
  const { model: read } = await open(kerasSavedModel(model(), true), false);
  expect(read.dialect).toBe("tensorflow");
});

it("reads a graph where Keras says of no layers, and tells where they are in code", async () => {
  const silent = { ...kerasSavedModel(model(), true) };
  delete silent["keras_metadata.pb"];
  expect((await open(silent)).model.dialect).toBe("tensorflow");
  const subclassed = { class_name: "MyModel", name: "m", config: {} };
  await expect(open(kerasSavedModel(subclassed, true))).rejects.toThrow("a model that is no graph of layers: MyModel");
});

it("tells of a file that is cut at any place, and of variables that are not there", async () => {
  const whole = kerasSavedModel(model(), true);
  for (const [name, bytes] of Object.entries(whole))
    for (let length = 0; length < bytes.length; length += 64) {
      const cut = { ...whole, [name]: bytes.subarray(0, length) };
      const told = await open(cut).then(
        // Of an empty keras_metadata.pb nothing tells that Keras wrote the model.
        ({ model: read }) => (read.dialect === "keras" ? read.problems.length : 1),
        (error) => (error instanceof ModelError ? 1 : error),
      );
      expect(told, `${name} cut at ${length}`).toBeGreaterThan(0);
    }
});

it("tells of a flipped bit wherever a checksum covers it", async () => {
  const whole = kerasSavedModel(model(), true);
  const name = "variables/variables.data-00000-of-00001";
  for (let at = 3; at < whole[name]!.length; at += 31) {
    const flipped = { ...whole, [name]: whole[name]!.slice() };
    flipped[name]![at]! ^= 1 << (at % 8);
    const outcome = await open(flipped)
      .then(async (read) => graphOutputs(read, [{ dtype: "float32", shape: [1, 5, 3], data: random(15, 1) }]))
      .then(
        () => "nothing",
        (error: Error) => error.message,
      );
    expect(outcome, `byte ${at}`).toMatch(/checksum/);
  }
});
