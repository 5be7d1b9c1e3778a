import { describe, expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { fuseActivation, fuseBias, leakyToPrelu } from "../../../src/optimize/rules/fuse.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { type Backend, counted, float, graphOf, rewritten, weights } from "../run.ts";

const rules = [fuseBias, fuseActivation, leakyToPrelu];
const both: readonly Backend[] = ["cpu", "wasm"];

const conv = (b: Builder): Value =>
  b.op("Conv2D", [float(b, "x", [2, 7, 5, 3]), weights(b, [3, 2, 3, 4])], { strides: [1, 2, 1, 1], padding: "SAME" });
const depthwise = (b: Builder): Value =>
  b.op("DepthwiseConv2dNative", [float(b, "x", [2, 7, 5, 3]), weights(b, [3, 2, 3, 2])], {
    strides: [1, 1, 1, 1],
    padding: "VALID",
  });
// More than 48 columns: what the wasm kernel does wrong with a transposed operand begins there.
const product = (b: Builder): Value => b.op("MatMul", [float(b, "x", ["n", 61]), weights(b, [61, 7])]);

const linear: readonly [string, (b: Builder) => Value, number][] = [
  ["_FusedConv2D", conv, 4],
  ["FusedDepthwiseConv2dNative", depthwise, 6],
  ["_FusedMatMul", product, 7],
];
const activations: readonly [string, (b: Builder, x: Value, channels: number) => Value][] = [
  ...["Relu", "Relu6", "Elu", "Sigmoid"].map(
    (op) => [op, (b: Builder, x: Value) => b.op(op, [x])] as [string, (b: Builder, x: Value) => Value],
  ),
  ["LeakyRelu", (b, x) => b.op("LeakyRelu", [x], { alpha: 0.37 })],
  ["Prelu", (b, x, channels) => b.op("Prelu", [x, weights(b, [channels])])],
];

describe.each(linear)("%s", (fused, make, channels) => {
  test("takes a bias", async () => {
    const graph = graphOf((b) => b.op("BiasAdd", [make(b), weights(b, [channels])]));
    expect(await rewritten(graph, rules, both)).toMatchObject({ ops: { [fused]: 1 }, fired: { "fuse-bias": 1 } });
  });

  test.each(activations)("takes a bias and %s", async (_, activation) => {
    const graph = graphOf((b) => activation(b, b.op("BiasAdd", [make(b), weights(b, [channels])]), channels));
    expect(await rewritten(graph, rules, both)).toMatchObject({ ops: { [fused]: 1 } });
  });

  test("takes an activation without a bias", async () => {
    const graph = graphOf((b) => b.op("Relu", [make(b)]));
    expect(await rewritten(graph, rules, both)).toMatchObject({ ops: { [fused]: 1 }, fired: { "fuse-activation": 1 } });
  });

  test("takes one activation only", async () => {
    const graph = graphOf((b) => b.op("Sigmoid", [b.op("Relu", [b.op("BiasAdd", [make(b), weights(b, [channels])])])]));
    expect((await rewritten(graph, rules)).ops).toEqual({ [fused]: 1, Sigmoid: 1 });
  });

  test("takes nothing of which the plain value is read too", () => {
    const graph = graphOf((b) => {
      const y = make(b);
      return [y, b.op("Relu", [y]), b.op("BiasAdd", [y, weights(b, [channels])])];
    });
    expect(counted(graph, rules).fired).toEqual({});
  });
});

test("a product of a transpose or a batch is not fused: the wasm kernel is wrong there", () => {
  const turned = graphOf((b) =>
    b.op("BiasAdd", [b.op("MatMul", [float(b, "x", [61, 5]), weights(b, [61, 7])], { transpose_a: true }), weights(b, [7])]),
  );
  const batch = graphOf((b) =>
    b.op("BiasAdd", [b.op("BatchMatMulV2", [float(b, "x", [2, 5, 61]), weights(b, [61, 7])]), weights(b, [7])]),
  );
  expect([counted(turned, rules).fired, counted(batch, rules).fired]).toEqual([{}, {}]);
});

test("a Prelu with slopes by place is not fused", () => {
  const graph = graphOf((b) => b.op("Prelu", [conv(b), weights(b, [4, 5, 4])]));
  expect(counted(graph, rules).fired).toEqual({});
});

test("a LeakyRelu of its own becomes a Prelu", async () => {
  const graph = graphOf((b) => b.op("LeakyRelu", [float(b, "x", ["n", 3, 5])], { alpha: 0.37 }));
  expect(await rewritten(graph, rules, both)).toMatchObject({ ops: { Prelu: 1 }, fired: { "leaky-relu-to-prelu": 1 } });
});

test("but not where the channels are not known", () => {
  const graph = graphOf((b) => b.op("LeakyRelu", [float(b, "x", [2, undefined])], { alpha: 0.37 }));
  expect(counted(graph, rules).fired).toEqual({});
});
