/** Functions between layers, as Keras 2 and Keras 3 write them down. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { kerasFile } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, rows, columns] = [2, 3, 5];
const x = random(batch * rows * columns, 3);
const y = random(batch * rows * columns, 8);
const at = (n: number, r: number, c: number) => (n * rows + r) * columns + c;

const input = (name: string) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: [null, rows, columns], dtype: "float32" },
  inbound_nodes: [],
});

async function run(layer: object) {
  const layers = [input("x"), input("y"), { name: "f", ...layer }];
  const config = { name: "m", layers, input_layers: [["x", 0, 0], ["y", 0, 0]], output_layers: [["f", 0, 0]] }; // biome-ignore format: a row
  const opened = await readModel(kerasFile({ class_name: "Functional", config }, []));
  const shape = [batch, rows, columns];
  const [out] = await graphOutputs(opened, [{ dtype: "float32", shape, data: x }, { dtype: "float32", shape, data: y }]); // biome-ignore format: a row
  return { shape: out!.shape, data: Array.from(out!.data as Float32Array) };
}

const tensor = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });

/** As Keras 3 writes it. */
const three = (class_name: string, args: readonly unknown[], config: object = {}, kwargs: object = {}) =>
  run({ class_name, module: "keras.src.ops.numpy", config: { name: "f", ...config }, inbound_nodes: [{ args, kwargs }] });

/** As Keras 2 writes it. */
const two = (name: string, first: readonly unknown[], kwargs: object = {}) =>
  run({
    class_name: name === "__operators__.getitem" ? "SlicingOpLambda" : "TFOpLambda",
    config: { name: "f", function: name },
    inbound_nodes: [[...first, kwargs]],
  });

const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 5);
};

describe("functions between layers", () => {
  it("of two tensors, of a tensor and a number, of a number and a tensor", async () => {
    close(
      (await three("Subtract", [tensor("x"), tensor("y")])).data,
      Array.from(x, (each, i) => each - y[i]!),
    );
    close(
      (await three("Subtract", [tensor("x"), 0.75])).data,
      Array.from(x, (each) => each - 0.75),
    );
    close(
      (await three("Subtract", [0.75, tensor("x")])).data,
      Array.from(x, (each) => 0.75 - each),
    );
    close(
      (await two("math.subtract", ["x", 0, 0], { y: ["y", 0, 0] })).data,
      Array.from(x, (each, i) => each - y[i]!),
    );
    close(
      (await two("math.truediv", ["x", 0, 0], { y: 4, name: null })).data,
      Array.from(x, (each) => each / 4),
    );
    close(
      (await two("math.subtract", ["_CONSTANT_VALUE", -1, 2.5], { y: ["x", 0, 0] })).data,
      Array.from(x, (each) => 2.5 - each),
    );
  });

  it("comparisons that become numbers again", async () => {
    const picked = await three("Where", [tensor("x"), tensor("y"), 3]);
    close(
      picked.data,
      Array.from(x, (each, i) => (each !== 0 ? y[i]! : 3)),
    );
  });

  it("slices, numbers and new axes", async () => {
    const slice = (start: number | null, stop: number | null, step: number | null) => ({ start, stop, step });
    const expected = Array.from({ length: batch }, (_, n) => [4, 2].map((c) => x[at(n, 1, c)]!)).flat();
    const spec = [slice(null, null, null), 1, slice(4, 1, -2)];
    const old = await two("__operators__.getitem", ["x", 0, 0], { slice_spec: { class_name: "__tuple__", items: spec } });
    expect(old.shape).toEqual([batch, 2]);
    close(old.data, expected);
    const parts = spec.map((each) => (typeof each === "number" ? each : { class_name: "__slice__", config: each }));
    const fresh = await three("GetItem", [tensor("x"), parts]);
    expect(fresh.shape).toEqual([batch, 2]);
    close(fresh.data, expected);
    const last = await three("GetItem", [tensor("x"), [{ class_name: "__ellipsis__", config: {} }, -1, null]]);
    expect(last.shape).toEqual([batch, rows, 1]);
    for (let n = 0; n < batch; n++) for (let r = 0; r < rows; r++) expect(last.data[n * rows + r]).toBe(x[at(n, r, columns - 1)]);
  });

  it("reductions, shapes and lists of tensors", async () => {
    const mean = await three("Mean", [tensor("x")], { axis: [-1], keepdims: true });
    expect(mean.shape).toEqual([batch, rows, 1]);
    for (let n = 0; n < batch; n++)
      for (let r = 0; r < rows; r++) {
        const row = Array.from({ length: columns }, (_, c) => x[at(n, r, c)]!);
        expect(mean.data[n * rows + r]).toBeCloseTo(row.reduce((a, b) => a + b) / columns, 5);
      }
    const sum = await two("math.reduce_sum", ["x", 0, 0], { axis: 1 });
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < columns; c++)
        expect(sum.data[n * columns + c]).toBeCloseTo(
          [0, 1, 2].reduce((total, r) => total + x[at(n, r, c)]!, 0),
          5,
        );
    const turned = await three("Transpose", [tensor("x")], { axes: [0, 2, 1] });
    expect(turned.shape).toEqual([batch, columns, rows]);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < columns; c++)
        for (let r = 0; r < rows; r++) expect(turned.data[(n * columns + c) * rows + r]).toBe(x[at(n, r, c)]);
    const joined = await three("Concatenate", [[tensor("y"), tensor("x")]], { axis: 1 });
    expect(joined.shape).toEqual([batch, 2 * rows, columns]);
    for (let n = 0; n < batch; n++)
      for (let r = 0; r < 2 * rows; r++)
        for (let c = 0; c < columns; c++)
          expect(joined.data[(n * 2 * rows + r) * columns + c]).toBe(r < rows ? y[at(n, r, c)] : x[at(n, r - rows, c)]);
    const packed = await run({
      class_name: "TFOpLambda",
      config: { name: "f", function: "stack" },
      inbound_nodes: [
        [
          ["x", 0, 0, { axis: 1 }],
          ["y", 0, 0, { axis: 1 }],
        ],
      ],
    });
    expect(packed.shape).toEqual([batch, 2, rows, columns]);
    close(packed.data.slice(rows * columns, 2 * rows * columns), Array.from(y.slice(0, rows * columns)));
  });

  it("single operators of TensorFlow with their constants", async () => {
    const node_def = {
      name: "f",
      op: "Transpose",
      input: ["x", "f/perm"],
      attr: { T: { type: "DT_FLOAT" }, Tperm: { type: "DT_INT32" } },
    };
    const layer = { class_name: "TensorFlowOpLayer", config: { name: "f", node_def, constants: { 1: [0, 2, 1] } } };
    const turned = await run({ ...layer, inbound_nodes: [[["x", 0, 0, {}]]] });
    expect(turned.shape).toEqual([batch, columns, rows]);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < columns; c++)
        for (let r = 0; r < rows; r++) expect(turned.data[(n * columns + c) * rows + r]).toBe(x[at(n, r, c)]);
  });

  it("names a function that is not known", async () => {
    await expect(two("math.betainc", ["x", 0, 0])).rejects.toThrow(/tf.math.betainc|math.betainc/);
  });
});
