/** Convolutions that TF.js's kernels compute wrongly where they are not rewritten: cpu and wasm against sums taken here. */
import { expect, test } from "vitest";
import { elementCount, numbersOf, tensorOf } from "../../../src/graph/tensor.ts";
import { noise } from "../../build/random.ts";
import { graphOf, run } from "../../optimize/run.ts";

interface Case {
  readonly shape: readonly [number, number, number, number];
  /** Height, width, channels, filters; of a depthwise one the multiplier. */
  readonly kernel: readonly [number, number, number, number];
  readonly strides: readonly [number, number];
}

/** With SAME padding, as TensorFlow defines it. */
function convolved({ shape, kernel, strides }: Case, x: readonly number[], w: readonly number[], depthwise: boolean): number[] {
  const [n, ...size] = shape;
  const [kh, kw, channels, filters] = kernel;
  const outs = [0, 1].map((d) => Math.ceil(size[d]! / strides[d]!));
  const before = [0, 1].map((d) => Math.floor(Math.max(0, (outs[d]! - 1) * strides[d]! + kernel[d]! - size[d]!) / 2));
  const made = depthwise ? channels * filters : filters;
  const y: number[] = [];
  for (let i = 0; i < n * outs[0]! * outs[1]! * made; i++) {
    const o = i % made;
    const [column, row] = [Math.floor(i / made) % outs[1]!, Math.floor(i / made / outs[1]!) % outs[0]!];
    const image = Math.floor(i / made / outs[1]! / outs[0]!);
    let sum = 0;
    for (let p = 0; p < kh * kw * channels; p++) {
      const c = p % channels;
      const [dx, dy] = [Math.floor(p / channels) % kw, Math.floor(p / channels / kw)];
      const [h, v] = [row * strides[0] + dy - before[0]!, column * strides[1] + dx - before[1]!];
      if (h < 0 || v < 0 || h >= size[0]! || v >= size[1]! || (depthwise && Math.floor(o / filters) !== c)) continue;
      const weight = depthwise ? w[p * filters + (o % filters)]! : w[p * filters + o]!;
      sum += x[((image * size[0]! + h) * size[1]! + v) * channels + c]! * weight;
    }
    y.push(sum);
  }
  return y;
}

const cases: readonly Case[] = [
  { shape: [2, 6, 3, 5], kernel: [4, 2, 5, 7], strides: [1, 3] },
  { shape: [1, 3, 5, 2], kernel: [2, 3, 2, 3], strides: [3, 1] },
  { shape: [2, 6, 7, 3], kernel: [1, 3, 3, 2], strides: [2, 1] },
  { shape: [1, 6, 9, 2], kernel: [2, 2, 2, 3], strides: [3, 3] },
  { shape: [1, 8, 6, 3], kernel: [1, 1, 3, 5], strides: [3, 2] },
];

test.each(cases)("SAME that a stride reaches beyond: $shape by $kernel, strides $strides", async (each) => {
  const { shape, kernel, strides } = each;
  const [x, w] = [noise(elementCount(shape), 3), noise(elementCount(kernel), 5)];
  const attrs = { padding: "SAME", strides: [1, ...strides, 1], dilations: [1, 1, 1, 1], data_format: "NHWC" };
  for (const op of ["Conv2D", "DepthwiseConv2dNative"]) {
    if (op === "DepthwiseConv2dNative" && strides[0] !== strides[1]) continue;
    const expected = convolved(each, x, w, op !== "Conv2D");
    for (const declared of [shape, [shape[0], "h", undefined, shape[3]]]) {
      const graph = graphOf((b) =>
        b.op(op, [b.input("x", { dtype: "float32", shape: declared }), b.constant(tensorOf("float32", kernel, w))], attrs),
      );
      for (const backend of ["cpu", "wasm"] as const) {
        const { y0 } = await run(graph, { x: tensorOf("float32", shape, x) }, backend);
        const actual = numbersOf(y0!);
        expect(actual.length).toBe(expected.length);
        actual.forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
        });
      }
    }
  }
});
