import { afterAll, beforeAll, expect, it } from "vitest";
import { type AttrValue, float, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { AgainstOrt } from "./against-ort.ts";

let ort: AgainstOrt;
beforeAll(async () => {
  ort = await AgainstOrt.start();
});
afterAll(() => ort.close());

const shape = [2, 3, 7];
/** Numbers of both signs, and what an activation may meet at its ends. */
const data = random(42).map((x, i) => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 60, -60][i] ?? 3 * x);
const x = tensor("x", "float32", shape, data);

it.each<[string, number, Record<string, AttrValue>]>([
  ["Elu", 21, {}],
  ["Elu", 21, { alpha: float(0.3) }],
  ["Celu", 21, { alpha: float(2.5) }],
  ["Celu", 21, {}],
  ["Selu", 21, {}],
  ["Selu", 21, { alpha: float(1.2), gamma: float(3) }],
  ["ThresholdedRelu", 21, { alpha: float(0.7) }],
  ["HardSigmoid", 21, {}],
  ["HardSigmoid", 21, { alpha: float(0.6), beta: float(0.1) }],
  ["Softplus", 21, {}],
  ["Sigmoid", 21, {}],
  ["LeakyRelu", 21, {}],
  ["LeakyRelu", 21, { alpha: float(0.31) }],
  ["Shrink", 21, { bias: float(1.5), lambd: float(1.5) }],
  ["Relu", 21, {}],
])("%s at opset %i with %j", async (op, opset, attrs) => {
  expect(await ort.differences({ op, opset, inputs: [x], attrs })).toEqual([]);
});

/** These are NaN at an infinity by ONNX's own definition, where onnxruntime's kernels are not. */
const finite = tensor(
  "x",
  "float32",
  shape,
  data.map((value) => (Number.isFinite(value) ? value : 1.5)),
);

it.each<[string, Record<string, AttrValue>]>([
  ["HardSwish", {}],
  ["Softsign", {}],
  ["Mish", {}],
  ["Gelu", {}],
  ["Gelu", { approximate: "tanh" }],
])("%s with %j", async (op, attrs) => {
  expect(await ort.differences({ op, inputs: [finite], attrs })).toEqual([]);
});

it.each([[[7]], [[3, 1]], [[2, 1, 7]], [[1]]])("PRelu with a slope of [%s]", async (dims) => {
  const slope = tensor(
    "slope",
    "float32",
    dims,
    random(
      dims.reduce((n, dim) => n * dim, 1),
      5,
    ),
  );
  for (const fed of [1, 2]) expect(await ort.differences({ op: "PRelu", inputs: [x, slope], fed })).toEqual([]);
});

it("PRelu of integers", async () => {
  const ints = tensor("x", "int32", shape, randomInts(42, -50, 50));
  const slope = tensor("slope", "int32", [3, 1], [2, -3, 5]);
  expect(await ort.differences({ op: "PRelu", inputs: [ints, slope] })).toEqual([]);
});
