import { expect, it } from "vitest";
import { type AttrValue, float, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt } from "./against-ort.ts";

const ort = againstOrt();

const shape = [2, 3, 7];
/** Numbers of both signs, and what an activation may meet at its ends. */
const data = random(42).map((x, i) => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 60, -60][i] ?? 3 * x);
const x = tensor("x", "float32", shape, data);

it.each<[string, Record<string, AttrValue>]>([
  ["Elu", {}],
  ["Elu", { alpha: float(0.3) }],
  ["Celu", { alpha: float(2.5) }],
  ["Celu", {}],
  ["Selu", {}],
  ["Selu", { alpha: float(1.2), gamma: float(3) }],
  ["ThresholdedRelu", { alpha: float(0.7) }],
  ["HardSigmoid", {}],
  ["HardSigmoid", { alpha: float(0.6), beta: float(0.1) }],
  ["Softplus", {}],
  ["Sigmoid", {}],
  ["LeakyRelu", {}],
  ["LeakyRelu", { alpha: float(0.31) }],
  ["Shrink", { bias: float(1.5), lambd: float(1.5) }],
  ["Relu", {}],
])("%s", async (op, attrs) => {
  expect(await ort.differences({ op, inputs: [x], attrs })).toEqual([]);
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
])("%s, finite", async (op, attrs) => {
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
