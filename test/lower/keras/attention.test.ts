import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { kerasFile, numbers } from "../../build/keras.ts";
import { random } from "../../build/random.ts";
import { core, graphOutputs, readModel } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const [batch, steps, length, depth, heads, width, out] = [2, 3, 5, 4, 2, 3, 4];
const input = (name: string, size: number) => ({
  class_name: "InputLayer",
  name,
  config: { name, batch_input_shape: [null, size, depth], dtype: "float32" },
  inbound_nodes: [],
});

/** Called in order, and by keywords in another. */
const calls = [
  [
    [
      ["q", 0, 0, {}],
      ["v", 0, 0, {}],
      ["k", 0, 0, {}],
    ],
  ],
  [[["q", 0, 0, { key: ["k", 0, 0], value: ["v", 0, 0] }]]],
];

it.each(calls)("attends with several heads", async (...inbound) => {
  const op = "MultiHeadAttention";
  const weights = Object.fromEntries(
    ["query", "key", "value"].flatMap((name) => [
      [`${name}/kernel`, [depth, heads, width]],
      [`${name}/bias`, [heads, width]],
    ]),
  );
  const all = { ...weights, "output/kernel": [heads, width, out], "output/bias": [out] };
  // The builder calls a first layer so.
  const name = `${op.toLowerCase()}_1`;
  const layer = {
    class_name: op,
    name,
    config: { name, num_heads: heads, key_dim: width, use_bias: true },
    inbound_nodes: inbound,
  };
  const config = {
    name: "m",
    layers: [input("q", steps), input("v", length), input("k", length), layer],
    input_layers: ["q", "v", "k"].map((each) => [each, 0, 0]),
    output_layers: [[name, 0, 0]],
  };
  const opened = await readModel(kerasFile({ class_name: "Functional", config }, [{ op, weights: all }]));
  expect(opened.model.problems).toEqual([]);
  const sizes = [steps, length, length];
  const [q, v, k] = sizes.map((size, i) => random(batch * size * depth, i + 7)) as [Float32Array, Float32Array, Float32Array];
  const fed = [q, v, k].map((data, i) => ({ dtype: "float32" as const, shape: [batch, sizes[i]!, depth], data }));
  const [actual] = await graphOutputs(opened, fed);
  const stored = Object.values(all).map((shape, i) => numbers(shape, i + 1).data);

  /** Of head `h` at step `t`. */
  const project = (x: Float32Array, size: number, kind: number, n: number, t: number, h: number) =>
    Array.from({ length: width }, (_, e) => {
      let sum = stored[2 * kind + 1]![h * width + e]!;
      for (let d = 0; d < depth; d++) sum += x[(n * size + t) * depth + d]! * stored[2 * kind]![(d * heads + h) * width + e]!;
      return sum;
    });
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < steps; t++) {
      const result = Array.from(stored[7]!);
      for (let h = 0; h < heads; h++) {
        const query = project(q, steps, 0, n, t, h);
        const scores = Array.from({ length }, (_, s) => {
          const key = project(k, length, 1, n, s, h);
          return Math.exp(query.reduce((sum, each, e) => sum + each * key[e]!, 0) / Math.sqrt(width));
        });
        const total = scores.reduce((a, b) => a + b);
        for (let s = 0; s < length; s++) {
          const value = project(v, length, 2, n, s, h);
          for (let e = 0; e < width; e++)
            for (let o = 0; o < out; o++) result[o]! += (scores[s]! / total) * value[e]! * stored[6]![(h * width + e) * out + o]!;
        }
      }
      for (let o = 0; o < out; o++) expect(actual!.data[(n * steps + t) * out + o]).toBeCloseTo(result[o]!, 5);
    }
});
