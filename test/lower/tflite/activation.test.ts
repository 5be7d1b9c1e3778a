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

/** Every code of 16 bits. */
const ofEvery = (op: string, power: number): [string, Trial] => {
  const data = Float32Array.from({ length: 2 ** 16 }, (_, i) => (i - 2 ** 15) * 2 ** power);
  const input = { dtype: "int16", shape: [data.length], data, codes: { scale: [2 ** power], zero: [0] } } as const;
  return [
    `${op} of every code of 2^${power}`,
    { op, fed: [input], results: [coded([data.length], 2 ** -15, 0, "int16")], rtol: 0 },
  ];
};

/** What LiteRT leaves out behind everything but recurrent operators. */
const unbounded = (activation: string): [string, Trial][] => {
  const fused_activation_function = activation;
  const window = { fused_activation_function, padding: "SAME", stride_w: 1, stride_h: 1 };
  return [
    [
      `ADD without its ${activation}`,
      {
        op: "ADD",
        table: "AddOptions",
        options: { fused_activation_function },
        fed: [x, floats([5, 7], 2)],
        results: [result("float32", shape)],
      },
    ],
    [
      `ADD of codes without its ${activation}`,
      {
        op: "ADD",
        table: "AddOptions",
        options: { fused_activation_function },
        fed: [codes(shape, 0.02, 5), codes([5, 7], 0.01, 2, "int8", 2)],
        results: [coded(shape, 0.03, 7)],
      },
    ],
    [
      `CONV_2D without its ${activation}`,
      {
        op: "CONV_2D",
        table: "Conv2DOptions",
        options: window,
        fed: [x],
        inputs: [0, weights("w", [4, 3, 2, 7]), weights("b", [4], 4)],
        results: [result("float32", [2, 3, 5, 4])],
      },
    ],
    [
      `AVERAGE_POOL_2D without its ${activation}`,
      {
        op: "AVERAGE_POOL_2D",
        table: "Pool2DOptions",
        options: { ...window, filter_width: 3, filter_height: 2 },
        fed: [x],
        results: [result("float32", shape)],
      },
    ],
  ];
};

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
  ...unbounded("TANH"),
  ...unbounded("SIGN_BIT"),
  ofCodes("RELU", 0.02, 5),
  ofCodes("LOGISTIC", 1 / 256, -128),
  ofCodes("TANH", 1 / 128, 0),
  ofCodes("HARD_SWISH", 0.018, -100),
  ofCodes("LEAKY_RELU", 0.015, -20, "LeakyReluOptions", { alpha: 0.3 }),
  ofCodes("SOFTMAX", 1 / 256, -128, "SoftmaxOptions", { beta: 1 }),
  ofWide("LOGISTIC", 1 / 2 ** 15),
  ofWide("TANH", 1 / 2 ** 15),
  // Of 2^−12, and of 2^−11 for TANH, the kernels are in fixed point.
  ofEvery("TANH", -12),
  ofEvery("TANH", -11),
  ofEvery("TANH", -10),
  ofEvery("LOGISTIC", -12),
  ofEvery("LOGISTIC", -11),
  ofWide("SOFTMAX", 1 / 2 ** 15, "SoftmaxOptions", { beta: 1 }),
  ofWide("SOFTMAX", 1 / 2 ** 15, "SoftmaxOptions", { beta: 2.5 }),
  ofWide("GELU", 0.0001, "GeluOptions", { approximate: false }),
  ofWide("GELU", 0.0001, "GeluOptions", { approximate: true }),
  ofWide("EXP", 0.003),
  ofWide("LOG", 0.0001),
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
