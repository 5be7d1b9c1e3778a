import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { activationBeforeShuffle, biasBeforeShuffle, separateWindows } from "../../../src/optimize/rules/conv-transpose.ts";
import { fuseActivation, fuseBias } from "../../../src/optimize/rules/fuse.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { type Backend, counted, float, graphOf, rewritten, weights } from "../run.ts";

const both: readonly Backend[] = ["cpu", "wasm"];
const rules = [separateWindows, biasBeforeShuffle, activationBeforeShuffle];

/** Of 5 × 7 places of 3 channels, windows of `kernel` at every `stride`-th place, 4 channels, `crop` places less at the start and `less` in all. */
function upsample(b: Builder, kernel: readonly [number, number], stride = kernel, crop = 0, less = crop): Value {
  const [kh, kw] = kernel;
  const sizes = b.ints([2, 4 * stride[0] + kh - less, 6 * stride[1] + kw - less, 4]);
  return b.op("Conv2DBackpropInput", [sizes, weights(b, [kh, kw, 4, 3]), float(b, "x", [2, 5, 7, 3])], {
    strides: [1, stride[0], stride[1], 1],
    padding: crop ? "EXPLICIT" : "VALID",
    ...(crop && { explicit_paddings: [0, 0, crop, less - crop, crop, less - crop, 0, 0] }),
  });
}

test.each([[[2, 2]], [[3, 2]], [[1, 4]]] as const)("windows %j side by side are a convolution and a shuffle", async (kernel) => {
  const { ops } = await rewritten(
    graphOf((b) => upsample(b, kernel)),
    rules,
    both,
  );
  expect(ops).toEqual({ Conv2D: 1, Transpose: 1, Reshape: 2 });
});

test.each([
  [[4, 4], [2, 2], 0, 0],
  [[6, 4], [2, 2], 1, 3],
  [[6, 3], [3, 1], 2, 3],
  [[4, 6], [2, 3], 3, 3],
] as const)(
  "windows %j that meet every %j places are, too; %j cut at the start, %j in all",
  async (kernel, stride, crop, less) => {
    const { ops, fired } = await rewritten(
      graphOf((b) => upsample(b, kernel, stride, crop, less)),
      rules,
      both,
    );
    expect([ops["Conv2D"], fired]).toEqual([1, { "conv-transpose-to-conv": 1 }]);
  },
);

test("at every place there is no shuffle", async () => {
  const { ops } = await rewritten(
    graphOf((b) => upsample(b, [3, 2], [1, 1], 1, 2)),
    rules,
    both,
  );
  expect(ops).toEqual({ Conv2D: 1 });
});

test("with SAME the padding is TensorFlow's", async () => {
  const graph = graphOf((b) =>
    b.op("Conv2DBackpropInput", [b.ints([2, 9, 14, 4]), weights(b, [4, 4, 4, 3]), float(b, "x", [2, 5, 7, 3])], {
      strides: [1, 2, 2, 1],
      padding: "SAME",
    }),
  );
  expect((await rewritten(graph, rules, both)).ops["Conv2D"]).toBe(1);
});

test("bias and activation go into the convolution", async () => {
  const graph = graphOf((b) => b.op("Relu", [b.op("BiasAdd", [upsample(b, [3, 2]), weights(b, [4])])]));
  const { ops } = await rewritten(graph, [...rules, fuseBias, fuseActivation], both);
  expect(ops).toEqual({ _FusedConv2D: 1, Transpose: 1, Reshape: 2 });
});

test("also through the cut at the edges", async () => {
  const graph = graphOf((b) => b.op("Relu", [b.op("BiasAdd", [upsample(b, [4, 4], [2, 2], 1, 2), weights(b, [4])])]));
  const { ops } = await rewritten(graph, [...rules, fuseBias, fuseActivation], both);
  expect(ops).toEqual({ _FusedConv2D: 1, Transpose: 1, Reshape: 2, Slice: 1 });
});

test("windows that meet in different numbers, and such with gaps, stay", () => {
  expect(
    counted(
      graphOf((b) => upsample(b, [3, 3], [2, 2])),
      rules,
    ).fired,
  ).toEqual({});
  expect(
    counted(
      graphOf((b) => upsample(b, [2, 2], [3, 3])),
      rules,
    ).fired,
  ).toEqual({});
});

test("nothing goes before a shuffle that is read twice", () => {
  const graph = graphOf((b) => {
    const y = upsample(b, [2, 2]);
    return [y, b.op("Relu", [y])];
  });
  expect(counted(graph, rules).fired).toEqual({ "conv-transpose-to-conv": 1 });
});

test("nothing goes before a shuffle that mixes channels", () => {
  const graph = graphOf((b) => {
    const conv = b.op("Conv2D", [float(b, "x", [2, 5, 7, 3]), weights(b, [1, 1, 3, 6])], {
      strides: [1, 1, 1, 1],
      padding: "VALID",
    });
    const mixed = b.transpose(b.reshape(conv, [10, 7, 3, 2]), [0, 2, 1, 3]);
    return b.op("BiasAdd", [b.reshape(mixed, [2, 5, 14, 3]), weights(b, [3])]);
  });
  expect(counted(graph, rules).fired).toEqual({});
});
