import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Shape, Value } from "../../src/graph/graph.ts";
import { elementCount, type Tensor, tensorOf } from "../../src/graph/tensor.ts";
import type { Builder } from "../../src/tf/build.ts";
import { noise, random } from "../build/random.ts";
import { float, graphOf, weights } from "../optimize/run.ts";
import { AgainstOnnxruntime, nodeOf, opsOf, raised } from "./against-onnxruntime.ts";

let ort: AgainstOnnxruntime;
beforeAll(async () => {
  ort = await AgainstOnnxruntime.start();
});
afterAll(() => ort.close());

const fed = (dims: readonly number[], seed = 7): Tensor => tensorOf("float32", dims, noise(elementCount(dims), seed));

/** One op over a fed image, then what may follow. */
function differences(dims: readonly number[], make: (b: Builder, x: Value) => Value | readonly Value[], declared: Shape = dims) {
  return ort.differences(
    graphOf((b) => make(b, float(b, "x", declared))),
    { x: fed(dims) },
  );
}

const conv2d = (
  padding: string,
  strides: readonly number[] = [1, 1],
  dilations: readonly number[] = [1, 1],
  pads: readonly number[] = [],
) => ({
  padding,
  strides: [1, ...strides, 1],
  dilations: [1, ...dilations, 1],
  explicit_paddings: pads,
});

describe("Conv2D", () => {
  it.each([
    conv2d("VALID"),
    conv2d("SAME"),
    conv2d("SAME", [2, 3]),
    conv2d("SAME", [1, 1], [2, 3]),
    conv2d("EXPLICIT", [2, 1], [1, 1], [0, 0, 2, 1, 0, 3, 0, 0]),
  ])("$padding, strides $strides, dilations $dilations", async (attrs) => {
    expect(await differences([2, 9, 11, 3], (b, x) => b.op("Conv2D", [x, weights(b, [3, 2, 3, 5])], attrs))).toEqual([]);
  });

  it("in groups", async () => {
    expect(await differences([2, 5, 7, 6], (b, x) => b.op("Conv2D", [x, weights(b, [3, 3, 2, 9])], conv2d("SAME")))).toEqual([]);
  });

  it("SAME over sizes that only the run knows", async () => {
    const make = (b: Builder, x: Value) => b.op("Conv2D", [x, weights(b, [3, 4, 3, 5])], conv2d("SAME", [2, 2]));
    expect(await differences([2, 9, 11, 3], make, ["n", "h", undefined, 3])).toEqual([]);
  });

  it("by a kernel that is computed", async () => {
    const graph = graphOf((b) => b.op("Conv2D", [float(b, "x", [2, 5, 7, 3]), float(b, "w", [3, 2, 3, 4])], conv2d("VALID")));
    expect(await ort.differences(graph, { x: fed([2, 5, 7, 3]), w: fed([3, 2, 3, 4], 9) })).toEqual([]);
  });

  it("by float16 weights, which stay so", async () => {
    const graph = graphOf((b) => {
      const w = b.constant(
        tensorOf(
          "float16",
          [3, 2, 3, 5],
          noise(90, 5).map((x) => Math.round(x * 64) / 64),
        ),
      );
      return b.cast(b.op("Conv2D", [b.input("x", { dtype: "float16", shape: [2, 5, 7, 3] }), w], conv2d("SAME")), "float32");
    });
    const x = tensorOf(
      "float16",
      [2, 5, 7, 3],
      noise(210, 3).map((v) => Math.round(v * 64) / 64),
    );
    const expected = await ort.results(
      graphOf((b) => {
        const w = b.constant(
          tensorOf(
            "float32",
            [3, 2, 3, 5],
            noise(90, 5).map((v) => Math.round(v * 64) / 64),
          ),
        );
        return b.op("Conv2D", [float(b, "x", [2, 5, 7, 3]), w], conv2d("SAME"));
      }),
      { x: { ...x, dtype: "float32" } },
    );
    expect(await ort.differences(graph, { x }, { expected, rtol: 2e-3 })).toEqual([]);
    expect(raised(graph).model.graph.initializers.map(({ value }) => value.dtype)).toEqual(["float16"]);
  });
});

it.each([conv2d("VALID", [2, 2]), conv2d("SAME", [1, 1], [2, 2])])("DepthwiseConv2dNative, $padding", async (attrs) => {
  const make = (b: Builder, x: Value) => b.op("DepthwiseConv2dNative", [x, weights(b, [3, 2, 5, 2])], attrs);
  expect(await differences([2, 9, 7, 5], make)).toEqual([]);
});

it.each(["VALID", "SAME"])("Conv3D, %s", async (padding) => {
  const attrs = { padding, strides: [1, 2, 1, 2, 1], dilations: [1, 1, 1, 1, 1], explicit_paddings: [] };
  expect(await differences([2, 5, 7, 6, 3], (b, x) => b.op("Conv3D", [x, weights(b, [3, 2, 3, 3, 4])], attrs))).toEqual([]);
});

describe("Conv2DBackpropInput", () => {
  it.each([
    ["VALID", [1, 1], [7, 9]],
    ["VALID", [2, 3], [11, 22]],
    ["SAME", [2, 2], [10, 14]],
    ["SAME", [2, 2], [9, 13]],
    ["SAME", [3, 2], [14, 14]],
  ] as const)("%s, strides %o to %o", async (padding, strides, to) => {
    const make = (b: Builder, x: Value) =>
      b.op("Conv2DBackpropInput", [b.ints([2, ...to, 4]), weights(b, [3, 3, 4, 3]), x], conv2d(padding, strides));
    expect(await differences([2, 5, 7, 3], make)).toEqual([]);
  });

  it.each(["VALID", "SAME"])("to sizes that are computed, %s", async (padding) => {
    const to = padding === "VALID" ? [11, 15] : [10, 14];
    const settled = graphOf((b) => {
      const sizes = b.ints([2, ...to, 4]);
      return b.op("Conv2DBackpropInput", [sizes, constantOf(b), float(b, "x", [2, 5, 7, 3])], conv2d(padding, [2, 2]));
    });
    const open = graphOf((b) => {
      const sizes = b.input("sizes", { dtype: "int32", shape: [4] });
      return b.op("Conv2DBackpropInput", [sizes, constantOf(b), float(b, "x", ["n", "h", "w", 3])], conv2d(padding, [2, 2]));
    });
    const x = fed([2, 5, 7, 3]);
    const expected = await ort.results(settled, { x });
    expect(await ort.differences(open, { x, sizes: tensorOf("int32", [4], [2, ...to, 4]) }, { expected })).toEqual([]);
  });
});

const constantOf = (b: Builder): Value => b.constant(fed([3, 3, 4, 3], 21));

describe("pools", () => {
  const pool = (padding: string) => ({ ksize: [1, 3, 2, 1], strides: [1, 2, 1, 1], padding });
  it.each(["MaxPool", "AvgPool"])("%s", async (op) => {
    for (const padding of ["VALID", "SAME"]) {
      expect(await differences([2, 9, 7, 3], (b, x) => b.op(op, [x], pool(padding))), padding).toEqual([]);
      expect(await differences([2, 9, 7, 3], (b, x) => b.op(op, [x], pool(padding)), ["n", undefined, "w", 3])).toEqual([]);
    }
  });

  it.each(["MaxPool3D", "AvgPool3D"])("%s", async (op) => {
    const attrs = { ksize: [1, 2, 3, 2, 1], strides: [1, 2, 2, 1, 1], padding: "SAME", data_format: "NDHWC" };
    expect(await differences([2, 5, 6, 7, 3], (b, x) => b.op(op, [x], attrs))).toEqual([]);
  });

  it("the mean of a whole large image is not off by the sum's roundings", async () => {
    const [h, w, c] = [67, 61, 3];
    const attrs = { ksize: [1, 1, h, w], strides: [1, 1, 1, 1], padding: "VALID", data_format: "NCHW" };
    const graph = graphOf((b) => b.op("AvgPool", [float(b, "x", [1, c, h, w])], attrs));
    const x = { dtype: "float32" as const, shape: [1, c, h, w], data: random(h * w * c, 3).map((value) => value + 3) };
    const sums = new Float64Array(c);
    for (const [i, value] of x.data.entries()) sums[Math.floor(i / (h * w))]! += value;
    const [found] = await ort.results(graph, { x });
    expect(found!.shape).toEqual([1, c, 1, 1]);
    for (const [i, sum] of sums.entries())
      expect(Math.abs((found!.data[i] as number) / (sum / (h * w)) - 1), `channel ${i}`).toBeLessThan(5e-7);
  });

  it("MaxPoolWithArgmax counts places as TensorFlow does", async () => {
    const attrs = { ...pool("VALID"), output_type: "int64", include_batch_in_index: false };
    const graph = graphOf((b) => b.ops("MaxPoolWithArgmax", [float(b, "x", [1, 5, 4, 2])], attrs)[1]!);
    const x = fed([1, 5, 4, 2], 12);
    const places: number[] = [];
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++)
        for (let c = 0; c < 2; c++) {
          const window = [0, 1, 2].flatMap((p) => [0, 1].map((q) => ((2 * i + p) * 4 + j + q) * 2 + c));
          places.push(window.reduce((best, at) => (Number(x.data[at]) > Number(x.data[best]) ? at : best)));
        }
    expect(await ort.differences(graph, { x }, { expected: [tensorOf("int64", [1, 2, 3, 2], places)] })).toEqual([]);
  });
});

it.each(["VALID", "SAME"])("Dilation2D, %s", async (padding) => {
  const [x, w] = [fed([2, 7, 6, 3]), fed([2, 3, 3], 8)];
  const [low, sizes] =
    padding === "SAME"
      ? [
          [0, 2],
          [4, 6],
        ]
      : [
          [0, 0],
          [3, 2],
        ];
  const data: number[] = [];
  for (let n = 0; n < 2; n++)
    for (let i = 0; i < sizes[0]!; i++)
      for (let j = 0; j < sizes[1]!; j++)
        for (let c = 0; c < 3; c++) {
          const window = [0, 1].flatMap((p) =>
            [0, 1, 2].map((q) => {
              const [y, k] = [2 * i + p - low[0]!, j + 2 * q - low[1]!];
              const inside = y >= 0 && y < 7 && k >= 0 && k < 6;
              return inside ? Number(x.data[((n * 7 + y) * 6 + k) * 3 + c]) + Number(w.data[(p * 3 + q) * 3 + c]) : -Infinity;
            }),
          );
          data.push(Math.max(...window));
        }
  const attrs = { strides: [1, 2, 1, 1], rates: [1, 1, 2, 1], padding };
  const graph = graphOf((b) => b.op("Dilation2D", [float(b, "x", [2, 7, 6, 3]), b.constant(w)], attrs));
  expect(await ort.differences(graph, { x }, { expected: [tensorOf("float32", [2, ...sizes, 3], data)] })).toEqual([]);
});

describe("normalisations, resizing, blocks", () => {
  it("FusedBatchNormV3 and LRN", async () => {
    const norm = (b: Builder, x: Value) => {
      const statistics = [3, 4, 5].map((seed) => b.constant(tensorOf("float32", [3], noise(3, seed))));
      const variance = b.constant(tensorOf("float32", [3], [0.3, 1.7, 2.9]));
      return b.op("FusedBatchNormV3", [x, ...statistics, variance], { epsilon: 1e-3, is_training: false, data_format: "NHWC" });
    };
    expect(await differences([2, 5, 7, 3], norm)).toEqual([]);
    const lrn = { depth_radius: 2, bias: 1.3, alpha: 0.7, beta: 0.6 };
    expect(await differences([2, 3, 5, 7], (b, x) => b.op("LRN", [x], lrn))).toEqual([]);
  });

  it.each(["ResizeBilinear", "ResizeNearestNeighbor"])("%s in its three ways", async (op) => {
    for (const attrs of [{}, { align_corners: true }, { half_pixel_centers: true }])
      for (const size of [
        [10, 21],
        [3, 4],
        [13, 9],
      ]) {
        const full = { align_corners: false, half_pixel_centers: false, ...attrs };
        expect(await differences([2, 5, 7, 3], (b, x) => b.op(op, [x, b.ints(size)], full)), `${size}`).toEqual([]);
      }
  });

  it("DepthToSpace and SpaceToDepth, of integers too", async () => {
    expect(await differences([2, 3, 5, 12], (b, x) => b.op("DepthToSpace", [x], { block_size: 2, data_format: "NHWC" }))).toEqual(
      [],
    );
    expect(await differences([2, 4, 6, 3], (b, x) => b.op("SpaceToDepth", [x], { block_size: 2, data_format: "NHWC" }))).toEqual(
      [],
    );
    const ints = (b: Builder, x: Value) =>
      b.op("SpaceToDepth", [b.cast(b.op("Mul", [x, b.scalar("float32", 99)]), "int32")], { block_size: 2, data_format: "NHWC" });
    expect(await differences([2, 4, 6, 3], ints)).toEqual([]);
  });

  it.each(["bilinear", "nearest"])("CropAndResize, %s, over the edge", async (method) => {
    const boxes = tensorOf("float32", [3, 4], [0.1, 0.2, 0.8, 0.9, -0.2, 0.5, 0.6, 1.3, 0.9, 0.7, 0.2, 0.1]);
    const make = (b: Builder, x: Value) =>
      b.op("CropAndResize", [x, b.constant(boxes), b.ints([0, 1, 1]), b.ints([4, 3])], { method, extrapolation_value: 0.5 });
    expect(await differences([2, 9, 7, 3], make)).toEqual([]);
  });
});

describe("layouts", () => {
  it("two convolutions and what is between them need a Transpose at each end", () => {
    const graph = graphOf((b) => {
      const block = (x: Value, c: number) =>
        b.op("Relu", [b.op("BiasAdd", [b.op("Conv2D", [x, weights(b, [3, 3, c, 8])], conv2d("SAME")), weights(b, [8])])]);
      const x = block(float(b, "x", [2, 9, 7, 3]), 3);
      return b.op("AddV2", [x, block(block(x, 8), 8)]);
    });
    expect(opsOf(raised(graph).model)).toEqual({ Transpose: 2, Conv: 3, Relu: 3, Add: 1 });
  });

  it("a bias that each channel has is the Conv's, one that something else reads is not", async () => {
    const graph = graphOf((b) => {
      const y = b.op("Conv2D", [float(b, "x", [2, 5, 7, 3]), weights(b, [3, 3, 3, 8])], conv2d("SAME"));
      return [b.op("BiasAdd", [y, weights(b, [8])]), y];
    });
    expect(opsOf(raised(graph).model)).toMatchObject({ Conv: 1, Add: 1 });
    expect(await ort.differences(graph, { x: fed([2, 5, 7, 3]) })).toEqual([]);
    const single = graphOf((b) =>
      b.op("BiasAdd", [b.op("Conv2D", [float(b, "x", [2, 5, 7, 3]), weights(b, [3, 3, 3, 8])], conv2d("SAME")), weights(b, [8])]),
    );
    expect(nodeOf(raised(single).model, "Conv").inputs).toHaveLength(3);
    expect(await ort.differences(single, { x: fed([2, 5, 7, 3]) })).toEqual([]);
  });
});
