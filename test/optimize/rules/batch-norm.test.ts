import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { tensorOf } from "../../../src/graph/tensor.ts";
import { batchNormToWeights } from "../../../src/optimize/rules/batch-norm.ts";
import { addToBias, mergeBiases, scaleBiased, scaleToWeights } from "../../../src/optimize/rules/bias.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const rules = [batchNormToWeights, scaleBiased, scaleToWeights, addToBias, mergeBiases];

const norm = (b: Builder, x: Value): Value => {
  const variance = b.constant(tensorOf("float32", [4], [0.3, 2, 0.07, 5]));
  return b.op("FusedBatchNormV3", [x, weights(b, [4]), weights(b, [4]), weights(b, [4]), variance], {
    epsilon: 1e-2,
    is_training: false,
  });
};
const conv = (b: Builder): Value =>
  b.op("Conv2D", [float(b, "x", ["n", 7, 5, 3]), weights(b, [3, 2, 3, 4])], { strides: [1, 1, 1, 1], padding: "SAME" });

test("goes into the weights of a convolution, with its bias or without", async () => {
  expect(
    (
      await rewritten(
        graphOf((b) => norm(b, conv(b))),
        rules,
      )
    ).ops,
  ).toEqual({ Conv2D: 1, BiasAdd: 1 });
  const biased = graphOf((b) => norm(b, b.op("BiasAdd", [conv(b), weights(b, [4])])));
  expect((await rewritten(biased, rules)).ops).toEqual({ Conv2D: 1, BiasAdd: 1 });
});

test("stays where others read the convolution, or there is none", () => {
  const shared = graphOf((b) => {
    const y = conv(b);
    return [y, norm(b, y)];
  });
  const bare = graphOf((b) => norm(b, float(b, "x", [2, 7, 5, 4])));
  expect([counted(shared, rules).fired, counted(bare, rules).fired]).toEqual([{}, {}]);
});
