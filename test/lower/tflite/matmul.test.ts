import { afterAll, beforeAll, expect, test } from "vitest";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { codeBias, coded, codes, codeWeights, floats, result, weights } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const dense = (options: Trial["options"] = {}): Pick<Trial, "op" | "table" | "options"> => ({
  op: "FULLY_CONNECTED",
  table: "FullyConnectedOptions",
  options,
});
const product = (options: Trial["options"] = {}): Pick<Trial, "op" | "table" | "options"> => ({
  op: "BATCH_MATMUL",
  table: "BatchMatMulOptions",
  options,
});

const perTensor = codeWeights("w", [7, 11], undefined);
const perChannel = codeWeights("w", [7, 11], 0);
test.each<[string, Trial]>([
  [
    "rows",
    {
      ...dense(),
      fed: [floats([5, 11])],
      inputs: [0, weights("w", [7, 11]), weights("b", [7], 4)],
      results: [result("float32", [5, 7])],
    },
  ],
  [
    "without a bias, RELU",
    {
      ...dense({ fused_activation_function: "RELU" }),
      fed: [floats([5, 11])],
      inputs: [0, weights("w", [7, 11]), undefined],
      results: [result("float32", [5, 7])],
    },
  ],
  [
    "a flattened input",
    {
      ...dense(),
      fed: [floats([2, 3, 11])],
      inputs: [0, weights("w", [7, 11]), weights("b", [7], 4)],
      results: [result("float32", [6, 7])],
    },
  ],
  [
    "dims that are kept",
    {
      ...dense({ keep_num_dims: true }),
      fed: [floats([2, 3, 11])],
      inputs: [0, weights("w", [7, 11]), weights("b", [7], 4)],
      results: [result("float32", [2, 3, 7])],
    },
  ],
  // LiteRT's product takes asymmetric codes in either case.
  ...[true, false].flatMap((asymmetric): [string, Trial][] =>
    [perTensor, perChannel].map((w) => [
      `8-bit weights of ${w.codes!.scale.length} scales, float input${asymmetric ? ", asymmetric" : ""}`,
      {
        ...dense({ asymmetric_quantize_inputs: asymmetric }),
        fed: [floats([5, 11])],
        inputs: [0, w, weights("b", [7], 4)],
        results: [result("float32", [5, 7])],
      },
    ]),
  ),
  [
    "a batch of matrices by 8-bit weights",
    {
      ...product({ adj_y: true }),
      fed: [floats([2, 5, 11])],
      inputs: [0, codeWeights("w", [2, 7, 11], undefined)],
      results: [result("float32", [2, 5, 7])],
    },
  ],
  ...[true, false].flatMap((adj_y): [string, Trial][] => [
    [
      `turned matrices by 8-bit weights${adj_y ? ", turned too" : ""}`,
      {
        ...product({ adj_x: true, adj_y }),
        fed: [floats([2, 11, 5])],
        inputs: [0, codeWeights("w", adj_y ? [2, 7, 11] : [2, 11, 7], undefined)],
        results: [result("float32", [2, 5, 7])],
      },
    ],
    [
      `a turned matrix by 8-bit weights${adj_y ? ", turned too" : ""}`,
      {
        ...product({ adj_x: true, adj_y }),
        fed: [floats([11, 5])],
        inputs: [0, codeWeights("w", adj_y ? [7, 11] : [11, 7], undefined)],
        results: [result("float32", [5, 7])],
      },
    ],
  ]),
  [
    "a batch of matrices",
    { ...product(), fed: [floats([2, 3, 5, 7]), floats([2, 3, 7, 4], 2)], results: [result("float32", [2, 3, 5, 4])] },
  ],
  [
    "broadcast and turned",
    {
      ...product({ adj_y: true }),
      fed: [floats([2, 3, 5, 7]), floats([1, 3, 4, 7], 2)],
      results: [result("float32", [2, 3, 5, 4])],
    },
  ],
  [
    "codes",
    {
      ...dense(),
      fed: [codes([5, 11], 0.02, 5)],
      inputs: [0, perTensor, codeBias("b", 0.02, perTensor, 7)],
      results: [coded([5, 7], 0.08, -3)],
    },
  ],
  [
    "codes, a scale a channel",
    {
      ...dense({ fused_activation_function: "RELU" }),
      fed: [codes([5, 11], 0.02, 5)],
      inputs: [0, perChannel, codeBias("b", 0.02, perChannel, 7)],
      results: [coded([5, 7], 0.05, -128)],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
