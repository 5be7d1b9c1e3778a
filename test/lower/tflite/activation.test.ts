import { afterAll, beforeAll, expect, test } from "vitest";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { coded, codes, floats, result, weights } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const shape = [2, 3, 5, 7];
const x = floats(shape, 1, (value) => 4 * value);
const plain = (op: string, table?: string, options?: Trial["options"]): [string, Trial] => [
  op,
  { op, ...(table !== undefined && { table }), ...(options && { options }), fed: [x], results: [result("float32", shape)] },
];
const ofCodes = (op: string, scale: number, zero: number, table?: string, options?: Trial["options"]): [string, Trial] => [
  `${op} of codes`,
  {
    op,
    ...(table !== undefined && { table }),
    ...(options && { options }),
    fed: [codes(shape, 0.02, 5)],
    results: [coded(shape, scale, zero)],
  },
];

/** Of 16 bits: a step is so fine that the tables show in which TFLite's kernels look functions up. */
const ofWide = (op: string, scale: number, table?: string, options?: Trial["options"]): [string, Trial] => [
  `${op} of codes of 16 bits ${JSON.stringify(options ?? {})}`,
  {
    op,
    ...(table !== undefined && { table }),
    ...(options && { options }),
    fed: [codes(shape, 0.0001, 0, "int16")],
    results: [coded(shape, scale, 0, "int16")],
  },
];

test.each<[string, Trial]>([
  plain("RELU"),
  plain("RELU6"),
  plain("RELU_N1_TO_1"),
  plain("RELU_0_TO_1"),
  plain("TANH"),
  plain("LOGISTIC"),
  plain("ELU"),
  plain("HARD_SWISH"),
  plain("LEAKY_RELU", "LeakyReluOptions", { alpha: 0.3 }),
  plain("GELU", "GeluOptions", { approximate: true }),
  plain("SOFTMAX", "SoftmaxOptions", { beta: 1 }),
  plain("LOG_SOFTMAX"),
  [
    "GELU, exact",
    { op: "GELU", table: "GeluOptions", options: { approximate: false }, fed: [x], results: [result("float32", shape)] },
  ],
  [
    "SOFTMAX, sharper",
    { op: "SOFTMAX", table: "SoftmaxOptions", options: { beta: 2.5 }, fed: [x], results: [result("float32", shape)] },
  ],
  ["PRELU", { op: "PRELU", fed: [x], inputs: [0, weights("a", [1, 1, 7])], results: [result("float32", shape)] }],
  ofCodes("RELU", 0.02, 5),
  ofCodes("LOGISTIC", 1 / 256, -128),
  ofCodes("TANH", 1 / 128, 0),
  ofCodes("HARD_SWISH", 0.018, -100),
  ofCodes("LEAKY_RELU", 0.015, -20, "LeakyReluOptions", { alpha: 0.3 }),
  ofCodes("SOFTMAX", 1 / 256, -128, "SoftmaxOptions", { beta: 1 }),
  ofWide("LOGISTIC", 1 / 2 ** 15),
  ofWide("TANH", 1 / 2 ** 15),
  ofWide("SOFTMAX", 1 / 2 ** 15, "SoftmaxOptions", { beta: 1 }),
  ofWide("SOFTMAX", 1 / 2 ** 15, "SoftmaxOptions", { beta: 2.5 }),
  ofWide("GELU", 0.0001, "GeluOptions", { approximate: false }),
  ofWide("GELU", 0.0001, "GeluOptions", { approximate: true }),
  ofWide("EXP", 0.003),
  ofWide("LOG", 0.0001),
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
