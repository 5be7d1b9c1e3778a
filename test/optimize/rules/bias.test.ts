import { describe, expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { addToBias, mergeBiases, scaleBiased, scaleToWeights, subtractToBias } from "../../../src/optimize/rules/bias.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

const rules = [addToBias, subtractToBias, mergeBiases, scaleBiased, scaleToWeights];
const window = { strides: [1, 2, 1, 1], padding: "VALID" };

const conv = (b: Builder, w = weights(b, [3, 2, 3, 4])): Value => b.op("Conv2D", [float(b, "x", ["n", 7, 5, 3]), w], window);
const depthwise = (b: Builder): Value =>
  b.op("DepthwiseConv2dNative", [float(b, "x", [2, 7, 5, 3]), weights(b, [3, 2, 3, 2])], { ...window, strides: [1, 1, 1, 1] });
const transposedConv = (b: Builder): Value => {
  const sizes = b.ints([2, 9, 6, 4]);
  return b.op("Conv2DBackpropInput", [sizes, weights(b, [3, 2, 4, 3]), float(b, "x", [2, 7, 5, 3])], {
    strides: [1, 1, 1, 1],
    padding: "VALID",
  });
};
const product = (b: Builder, transpose_b: boolean): Value =>
  b.op("MatMul", [float(b, "x", ["n", 6]), weights(b, transpose_b ? [5, 6] : [6, 5])], { transpose_b });

test("a constant a channel that is added becomes a bias", async () => {
  const graph = graphOf((b) => b.op("AddV2", [weights(b, [1, 1, 1, 4]), conv(b)]));
  expect(await rewritten(graph, rules)).toMatchObject({ ops: { Conv2D: 1, BiasAdd: 1 }, fired: { "add-to-bias": 1 } });
});

test("and one that is taken away", async () => {
  const graph = graphOf((b) => b.op("Sub", [product(b, false), weights(b, [5])]));
  expect(await rewritten(graph, rules)).toMatchObject({ ops: { MatMul: 1, BiasAdd: 1 }, fired: { "subtract-to-bias": 1 } });
});

test("a second one joins the first", async () => {
  const graph = graphOf((b) => b.op("AddV2", [b.op("AddV2", [conv(b), weights(b, [4])]), weights(b, [4])]));
  expect((await rewritten(graph, rules)).ops).toEqual({ Conv2D: 1, BiasAdd: 1 });
});

test.each<[string, (b: Builder) => Value]>([
  ["over another axis", (b) => b.op("AddV2", [conv(b), weights(b, [4, 1])])],
  [
    "that widens the result",
    (b) => b.op("AddV2", [b.op("MatMul", [float(b, "x", [1, 6]), weights(b, [6, 5])]), weights(b, [3, 5])]),
  ],
  ["that is no constant", (b) => b.op("AddV2", [conv(b), float(b, "z", [4])])],
])("not a constant %s", (_, make) => {
  expect(counted(graphOf(make), rules).fired).toEqual({});
});

describe("scales", () => {
  test.each<[string, (b: Builder) => Value, number]>([
    ["Conv2D", conv, 4],
    ["DepthwiseConv2dNative", depthwise, 6],
    ["Conv2DBackpropInput", transposedConv, 4],
    ["MatMul", (b) => product(b, false), 5],
    ["MatMul of a transpose", (b) => product(b, true), 5],
  ])("go into the weights of %s, and into its bias", async (_, make, channels) => {
    const graph = graphOf((b) => {
      const batchNorm = b.op("AddV2", [b.op("Mul", [make(b), weights(b, [channels])]), weights(b, [channels])]);
      return b.op("Mul", [weights(b, [channels]), batchNorm]);
    });
    const { ops } = await rewritten(graph, rules);
    expect(Object.values(ops)).toEqual([1, 1]);
    expect(ops["BiasAdd"]).toBe(1);
  });

  test("not into weights that another convolution reads too", () => {
    const graph = graphOf((b) => {
      const w = weights(b, [3, 2, 3, 4]);
      return [b.op("Mul", [conv(b, w), weights(b, [4])]), b.op("Conv2D", [float(b, "z", [2, 7, 5, 3]), w], window)];
    });
    expect(counted(graph, rules).fired).toEqual({});
  });

  test("not where the convolution is read by others too", () => {
    const graph = graphOf((b) => {
      const y = conv(b);
      return [y, b.op("Mul", [y, weights(b, [4])])];
    });
    expect(counted(graph, rules).fired).toEqual({});
  });

  test("not in half floats, where it could be seen", () => {
    const graph = graphOf((b) => {
      const half = (shape: readonly number[]) => b.cast(weights(b, shape), "float16");
      const y = b.op("MatMul", [b.input("x", { dtype: "float16", shape: [2, 6] }), half([6, 5])]);
      return b.op("Mul", [y, half([5])]);
    });
    expect(counted(graph, rules).fired).toEqual({});
  });
});
