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

type Layer = { readonly op: string; readonly config?: object; readonly weights?: Readonly<Record<string, readonly number[]>> };

/** One layer called on inputs [batch, sizes[i], depth] by position, with keywords beside. */
async function attended({ op, config = {}, weights = {} }: Layer, sizes: readonly number[], keywords: object = {}) {
  const name = `${op.toLowerCase()}_1`;
  const names = sizes.map((_, i) => `x${i}`);
  const inbound = [names.map((each, i) => [each, 0, 0, i === 0 ? keywords : {}])];
  const layers = [...names.map((each, i) => input(each, sizes[i]!)), { class_name: op, name, config: { name, ...config }, inbound_nodes: inbound }]; // biome-ignore format: a row
  const whole = { name: "m", layers, input_layers: names.map((each) => [each, 0, 0]), output_layers: [[name, 0, 0]] };
  const opened = await readModel(kerasFile({ class_name: "Functional", config: whole }, [{ op, weights }]));
  const data = sizes.map((size, i) => random(batch * size * depth, i + 7));
  const fed = data.map((each, i) => ({ dtype: "float32" as const, shape: [batch, sizes[i]!, depth], data: each }));
  const [y] = await graphOutputs(opened, fed);
  const row = (i: number, n: number, t: number) =>
    Array.from(data[i]!.slice((n * sizes[i]! + t) * depth, (n * sizes[i]! + t + 1) * depth));
  return { shape: y!.shape, y: y!.data as Float32Array, row };
}

const softmax = (scores: readonly number[]): number[] => {
  const powers = scores.map(Math.exp);
  const total = powers.reduce((a, b) => a + b);
  return powers.map((each) => each / total);
};
const inner = (x: readonly number[], y: readonly number[]) => x.reduce((sum, each, i) => sum + each * y[i]!, 0);

const scale = Array.from(numbers([depth], 1).data);
const scalar = numbers([], 1).data[0]!;
const second = numbers([], 2).data[0]!;
const bent = (q: readonly number[], k: readonly number[], factor: number) =>
  q.map((each, i) => Math.tanh(factor * (each + k[i]!)));

it.each([
  ["products", { op: "Attention", config: { score_mode: "dot" } }, inner],
  [
    "scaled products",
    { op: "Attention", config: { use_scale: true }, weights: { scale: [] } },
    (q: number[], k: number[]) => scalar * inner(q, k),
  ],
  [
    "sums of one scale",
    { op: "Attention", config: { score_mode: "concat", use_scale: true }, weights: { scale: [], concat_score_weight: [] } },
    (q: number[], k: number[]) => second * bent(q, k, scalar).reduce((a, b) => a + b),
  ],
  [
    "sums",
    { op: "AdditiveAttention", config: { use_scale: true }, weights: { scale: [depth] } },
    (q: number[], k: number[]) => inner(scale, bent(q, k, 1)),
  ],
] as const)("attends by %s", async (_, layer, score) => {
  const { shape, y, row } = await attended(layer as Layer, [steps, length, length]);
  expect(shape).toEqual([batch, steps, depth]);
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < steps; t++) {
      const shares = softmax(Array.from({ length }, (_, s) => score(row(0, n, t), row(2, n, s))));
      for (let i = 0; i < depth; i++) {
        const value = shares.reduce((sum, share, s) => sum + share * row(1, n, s)[i]!, 0);
        expect(y[(n * steps + t) * depth + i]).toBeCloseTo(value, 5);
      }
    }
});

it("shares keys among heads, sees no step that comes later", async () => {
  const [queries, pairs] = [4, 2];
  const weights = {
    "query/kernel": [depth, queries, width],
    "key/kernel": [depth, pairs, width],
    "value/kernel": [depth, pairs, width],
    "output/kernel": [queries, width, out],
  };
  const config = {
    num_query_heads: queries,
    num_key_value_heads: pairs,
    head_dim: width,
    use_bias: false,
    use_causal_mask: true,
  };
  const { y, row } = await attended({ op: "GroupedQueryAttention", config, weights }, [length, length]);
  const stored = Object.values(weights).map((shape, i) => numbers(shape, i + 1).data);
  const project = (x: readonly number[], kernel: Float32Array, count: number, h: number) =>
    Array.from({ length: width }, (_, e) => x.reduce((sum, each, d) => sum + each * kernel[(d * count + h) * width + e]!, 0));
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < length; t++) {
      const result = new Array<number>(out).fill(0);
      for (let h = 0; h < queries; h++) {
        const pair = Math.floor(h / 2);
        const q = project(row(0, n, t), stored[0]!, queries, h);
        const seen = Array.from({ length: t + 1 }, (_, s) => s);
        const shares = softmax(seen.map((s) => inner(q, project(row(1, n, s), stored[1]!, pairs, pair)) / Math.sqrt(width)));
        for (const s of seen) {
          const value = project(row(1, n, s), stored[2]!, pairs, pair);
          for (let o = 0; o < out; o++)
            for (let e = 0; e < width; e++) result[o]! += shares[s]! * value[e]! * stored[3]![(h * width + e) * out + o]!;
        }
      }
      for (let o = 0; o < out; o++) expect(y[(n * length + t) * out + o]).toBeCloseTo(result[o]!, 5);
    }
});

it("sees only what the mask that is passed lets it see, with several heads", async () => {
  const seen = depth;
  const weights = Object.fromEntries(["query", "key", "value"].map((name) => [`${name}/kernel`, [depth, heads, width]]));
  const all = { ...weights, "output/kernel": [heads, width, out] };
  const name = "multiheadattention_1";
  const config = { num_heads: heads, key_dim: width, use_bias: false };
  const sizes = [steps, seen, steps];
  const names = ["q", "v", "m"];
  const inbound = [[["q", 0, 0, { value: ["v", 0, 0], attention_mask: ["m", 0, 0] }]]];
  const layers = [...names.map((each, i) => input(each, sizes[i]!)), { class_name: "MultiHeadAttention", name, config: { name, ...config }, inbound_nodes: inbound }]; // biome-ignore format: a row
  const whole = { name: "m", layers, input_layers: names.map((each) => [each, 0, 0]), output_layers: [[name, 0, 0]] };
  const stored = { op: "MultiHeadAttention", weights: all };
  const opened = await readModel(kerasFile({ class_name: "Functional", config: whole }, [stored]));
  const [q, v] = [random(batch * steps * depth, 7), random(batch * seen * depth, 8)];
  // Every step sees something, and no two the same.
  const mask = Float32Array.from({ length: batch * steps * seen }, (_, i) => (i % 3 === 0 || i % 4 === 1 ? 1 : 0));
  const fed = [q, v, mask].map((data, i) => ({ dtype: "float32" as const, shape: [batch, sizes[i]!, depth], data }));
  const [y] = await graphOutputs(opened, fed);
  const kernels = Object.values(all).map((shape, i) => numbers(shape, i + 1).data);
  const project = (x: Float32Array, size: number, kind: number, n: number, t: number, h: number) =>
    Array.from({ length: width }, (_, e) => {
      let sum = 0;
      for (let d = 0; d < depth; d++) sum += x[(n * size + t) * depth + d]! * kernels[kind]![(d * heads + h) * width + e]!;
      return sum;
    });
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < steps; t++) {
      const result = new Array<number>(out).fill(0);
      const open = Array.from({ length: seen }, (_, s) => s).filter((s) => mask[(n * steps + t) * seen + s] === 1);
      expect(open.length).toBeGreaterThan(0);
      for (let h = 0; h < heads; h++) {
        const query = project(q, steps, 0, n, t, h);
        const shares = softmax(open.map((s) => inner(query, project(v, seen, 1, n, s, h)) / Math.sqrt(width)));
        for (const [k, s] of open.entries()) {
          const value = project(v, seen, 2, n, s, h);
          for (let e = 0; e < width; e++)
            for (let o = 0; o < out; o++) result[o]! += shares[k]! * value[e]! * kernels[3]![(h * width + e) * out + o]!;
        }
      }
      for (let o = 0; o < out; o++) expect(y!.data[(n * steps + t) * out + o]).toBeCloseTo(result[o]!, 5);
    }
});
