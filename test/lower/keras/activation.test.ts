/** Activations that TF.js's layers do not have, against their definitions. */
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, it } from "vitest";
import { random } from "../../build/random.ts";
import { core, graphOf } from "./tfjs.ts";

beforeAll(async () => {
  core.enableProdMode();
  await core.setBackend("cpu");
});

const x = random(35, 3).map((value) => 2.5 * value);
const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
const clip = (t: number, low: number, high: number) => Math.min(Math.max(t, low), high);
const half = (t: number) => clip((t + 1) / 2, 0, 1);

const functions: readonly (readonly [string, (t: number) => number])[] = [
  ["celu", (t) => (t > 0 ? t : Math.expm1(t))],
  ["log_sigmoid", (t) => Math.log(sigmoid(t))],
  ["hard_tanh", (t) => clip(t, -1, 1)],
  ["tanh_shrink", (t) => t - Math.tanh(t)],
  ["hard_shrink", (t) => (Math.abs(t) > 0.5 ? t : 0)],
  ["soft_shrink", (t) => Math.sign(t) * Math.max(Math.abs(t) - 0.5, 0)],
  ["squareplus", (t) => (t + Math.sqrt(t * t + 4)) / 2],
  ["sparse_sigmoid", half],
  ["sparse_plus", (t) => (t <= -1 ? 0 : t >= 1 ? t : (t + 1) ** 2 / 4)],
  ["silu", (t) => t * sigmoid(t)],
  ["hard_silu", (t) => t * clip(t / 6 + 0.5, 0, 1)],
  ["leaky_relu", (t) => (t > 0 ? t : 0.2 * t)],
  ["relu6", (t) => clip(t, 0, 6)],
  ["exponential", Math.exp],
];

it.each(functions)("%s", async (activation, fn) => {
  const y = await graphOf([7], [{ op: "Activation", config: { activation } }], { dtype: "float32", shape: [5, 7], data: x });
  for (const [i, value] of x.entries()) expect(y.data[i]).toBeCloseTo(fn(value), 4);
});

it("glu", async () => {
  const data = x.slice(0, 30);
  const y = await graphOf([6], [{ op: "Activation", config: { activation: "glu" } }], { dtype: "float32", shape: [5, 6], data });
  expect(y.shape).toEqual([5, 3]);
  for (let n = 0; n < 5; n++)
    for (let i = 0; i < 3; i++) expect(y.data[n * 3 + i]).toBeCloseTo(data[n * 6 + i]! * sigmoid(data[n * 6 + 3 + i]!), 5);
});

it.each([
  [{ negative_slope: 0.1, threshold: 0.5, max_value: 1.5 }, (t: number) => (t >= 1.5 ? 1.5 : t >= 0.5 ? t : 0.1 * (t - 0.5))],
  [{ max_value: 2 }, (t: number) => clip(t, 0, 2)],
])("ReLU with %j", async (config, fn) => {
  const y = await graphOf([7], [{ op: "ReLU", config }], { dtype: "float32", shape: [5, 7], data: x });
  for (const [i, value] of x.entries()) expect(y.data[i]).toBeCloseTo(fn(value), 5);
});

it("ELU with another alpha", async () => {
  const y = await graphOf([7], [{ op: "ELU", config: { alpha: 0.3 } }], { dtype: "float32", shape: [5, 7], data: x });
  for (const [i, value] of x.entries()) expect(y.data[i]).toBeCloseTo(value > 0 ? value : 0.3 * Math.expm1(value), 5);
});

it("Softmax over two axes together", async () => {
  const data = x.slice(0, 30);
  const fed = { dtype: "float32", shape: [2, 3, 5], data } as const;
  const y = await graphOf([3, 5], [{ op: "Softmax", config: { axis: [1, 2] } }], fed);
  for (let n = 0; n < 2; n++) {
    const powers = Array.from(data.slice(n * 15, n * 15 + 15), Math.exp);
    const total = powers.reduce((a, b) => a + b);
    for (const [i, power] of powers.entries()) expect(y.data[n * 15 + i]).toBeCloseTo(power / total, 5);
  }
});
