import { expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, type TensorSpec, tensor } from "../../build/onnx.ts";
import { random, randomInts } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const f = (name: string, shape: number[], scale = 1) =>
  tensor(
    name,
    "float32",
    shape,
    random(elementCount(shape), name.charCodeAt(0)).map((v) => v * scale),
  );
const i64 = (name: string, values: number[], shape = [values.length]) => tensor(name, "int64", shape, values);

const image = f("x", [2, 3, 5, 7]);
const modes = ["linear", "nearest", "cubic"].flatMap((mode) =>
  ["zeros", "border", "reflection"].map((padding) => [mode, padding] as const),
);

it.each(modes)("GridSample %s, %s", async (mode, padding_mode) => {
  for (const align_corners of [0, 1])
    for (const open of [false, true]) {
      const attrs = { mode, padding_mode, align_corners };
      expect(
        await ort.differences({ op: "GridSample", opset: 20, inputs: [image, f("g", [2, 4, 3, 2])], attrs, fed: 2, open }),
      ).toEqual([]);
    }
});

it("GridSample of volumes", async () => {
  for (const mode of ["linear", "nearest"]) {
    const inputs = [f("x", [1, 2, 3, 5, 4]), f("g", [1, 2, 3, 4, 3])];
    expect(
      await ort.differences({ op: "GridSample", opset: 20, inputs, attrs: { mode, padding_mode: "border" }, fed: 2 }),
    ).toEqual([]);
  }
});

type Row = [
  op: string,
  variant: string,
  opset: number,
  inputs: (TensorSpec | undefined)[],
  attrs?: Record<string, AttrValue>,
  more?: Partial<Trial>,
];
const boxes = f("b", [2, 9, 4]);
const middles = tensor(
  "b",
  "float32",
  [1, 9, 4],
  random(36, 7).map((v, i) => (i % 4 < 2 ? v : Math.abs(v))),
);
const scores = f("s", [2, 3, 9]);
const rois = tensor("r", "float32", [3, 4], [0.3, 0.9, 5.2, 4.4, 1.5, 0.1, 6.9, 3.8, -1.2, 2.2, 2.6, 7.5]);

it.each<Row>([
  ["AffineGrid", "2-D", 20, [f("t", [2, 2, 3]), i64("s", [2, 3, 5, 4])], {}],
  ["AffineGrid", "3-D aligned", 20, [f("t", [2, 3, 4]), i64("s", [2, 3, 5, 4, 2])], { align_corners: 1 }],
  [
    "DeformConv",
    "mask and bias",
    19,
    [f("x", [2, 3, 5, 7]), f("w", [4, 3, 3, 2]), f("o", [2, 12, 5, 7]), f("b", [4]), f("m", [2, 6, 5, 7])],
    { pads: [1, 1, 1, 0] },
    { fed: 3 },
  ],
  [
    "DeformConv",
    "groups, strided",
    19,
    [f("x", [1, 4, 7, 6]), f("w", [4, 2, 2, 2]), f("o", [1, 16, 3, 5])],
    { group: 2, offset_group: 2, strides: [2, 1] },
    { fed: 3 },
  ],
  [
    "RoiAlign",
    "half pixel",
    16,
    [image, rois, i64("i", [0, 1, 1])],
    { output_height: 3, output_width: 2, sampling_ratio: 2, spatial_scale: float(0.9) },
    { fed: 3 },
  ],
  [
    "RoiAlign",
    "whole pixel",
    10,
    [image, rois, i64("i", [0, 1, 1])],
    { output_height: 2, output_width: 3, sampling_ratio: 3 },
    { fed: 3 },
  ],
  [
    "RoiAlign",
    "as many samples as fit",
    16,
    [image, rois, i64("i", [0, 1, 1])],
    { output_height: 2, output_width: 3 },
    { fed: 3 },
  ],
  [
    "RoiAlign",
    "the greatest of them",
    10,
    [image, rois, i64("i", [0, 1, 1])],
    { output_height: 2, output_width: 3, mode: "max" },
    { fed: 3 },
  ],
  [
    "MaxRoiPool",
    "",
    17,
    [image, tensor("r", "float32", [3, 5], [0, 0, 1, 5, 4, 1, 2, 0, 6, 3, 1, 4, 2, 9, 9])],
    { pooled_shape: [3, 2], spatial_scale: float(0.8) },
    { fed: 2 },
  ],
  [
    "NonMaxSuppression",
    "corners",
    11,
    [boxes, scores, i64("m", [4]), tensor("i", "float32", [1], [0.3]), tensor("t", "float32", [1], [0.1])],
    {},
    { fed: 2 },
  ],
  [
    "NonMaxSuppression",
    "middles, all overlaps count",
    11,
    [middles, f("s", [1, 2, 9]), i64("m", [5])],
    { center_point_box: 1 },
    { fed: 2 },
  ],
  [
    "MaxUnpool",
    "",
    11,
    [
      f("x", [1, 2, 3, 2]),
      i64(
        "i",
        [0, 3, 8, 11, 17, 22, 2, 5, 9, 10, 15, 20].map((v, k) => v + (k < 6 ? 0 : 24)),
        [1, 2, 3, 2],
      ),
    ],
    { kernel_shape: [2, 2], strides: [2, 2] },
    { fed: 2 },
  ],
  [
    "Col2Im",
    "strided and padded",
    18,
    [f("x", [2, 12, 9]), i64("i", [6, 7]), i64("k", [2, 3])],
    { pads: [0, 1, 1, 0], strides: [2, 2] },
  ],
  ["Col2Im", "dilated", 18, [f("x", [1, 8, 12]), i64("i", [5, 6]), i64("k", [2, 2])], { dilations: [2, 2] }],
  ["DFT", "real", 20, [f("x", [2, 9, 3, 1]), undefined, i64("a", [1], [])]],
  ["DFT", "complex, cut", 20, [f("x", [2, 9, 3, 2]), i64("n", [7], []), i64("a", [-3], [])]],
  ["DFT", "inverse, lengthened", 20, [f("x", [2, 9, 2]), i64("n", [11], []), i64("a", [1], [])], { inverse: 1 }],
  ["DFT", "half", 17, [f("x", [2, 8, 1])], { onesided: 1, axis: 1 }],
  ["STFT", "", 17, [f("x", [2, 23, 1]), i64("s", [5], []), tensor("w", "float32", [8], random(8, 3))]],
  ["STFT", "complex, without window", 17, [f("x", [2, 23, 2]), i64("s", [5], []), undefined, i64("l", [7], [])], { onesided: 0 }],
  [
    "Col2Im",
    "sizes fed",
    18,
    [f("x", [2, 12, 9]), i64("i", [6, 7]), i64("k", [2, 3])],
    { pads: [0, 1, 1, 0], strides: [2, 2] },
    { fed: 3 },
  ],
  ["Col2Im", "of one axis, sizes fed", 18, [f("x", [2, 6, 5]), i64("i", [7]), i64("k", [3])], {}, { fed: 3, open: true }],
  ["DFT", "axis and length fed", 20, [f("x", [2, 9, 3, 2]), i64("n", [7], []), i64("a", [-2], [])], {}, { fed: 3 }],
  ["DFT", "half, of an open length", 20, [f("x", [2, 9, 3, 1]), undefined, i64("a", [1], [])], { onesided: 1 }, { open: true }],
  ["DFT", "inverse, length fed", 17, [f("x", [3, 9, 2]), i64("n", [11], [])], { inverse: 1, axis: 1 }, { fed: 2 }],
  [
    "STFT",
    "of an open length",
    17,
    [f("x", [2, 23]), i64("s", [5], []), tensor("w", "float32", [8], random(8, 3))],
    {},
    { open: true },
  ],
  [
    "STFT",
    "everything fed",
    17,
    [f("x", [2, 23, 1]), i64("s", [5], []), tensor("w", "float32", [8], random(8, 3)), i64("l", [8], [])],
    {},
    { fed: 4 },
  ],
  [
    "MelWeightMatrix",
    "",
    17,
    [i64("b", [6], []), i64("n", [32], []), i64("r", [8000], []), f("l", []), tensor("h", "float32", [], [3500])].with(
      3,
      tensor("l", "float32", [], [120]),
    ),
    {},
    { fed: 0 },
  ],
  ["HannWindow", "periodic", 17, [i64("n", [11], [])]],
  ["HammingWindow", "symmetric", 17, [i64("n", [11], [])], { periodic: 0 }],
  ["BlackmanWindow", "", 17, [i64("n", [11], [])], {}, { fed: 0 }],
])("%s %s", async (op, _, opset, inputs, attrs = {}, more = {}) => {
  expect(await ort.differences({ op, opset, inputs, attrs, ...more })).toEqual([]);
});

it("DepthToSpace and SpaceToDepth", async () => {
  const x = f("x", [2, 12, 4, 6]);
  const attrs = { blocksize: 2 };
  expect(await ort.differences({ op: "SpaceToDepth", opset: 13, inputs: [x], attrs })).toEqual([]);
  for (const mode of ["DCR", "CRD"])
    expect(await ort.differences({ op: "DepthToSpace", opset: 13, inputs: [x], attrs: { ...attrs, mode } })).toEqual([]);
});

it("resizes images of integers", async () => {
  const attrs = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  for (const [dtype, limit] of [
    ["int32", 2e9],
    ["int8", 127],
  ] as const) {
    const x = tensor("x", dtype, [1, 2, 3, 4], randomInts(24, -limit, limit, 8));
    expect(
      await ort.differences({
        op: "Resize",
        opset: 13,
        inputs: [x, undefined, tensor("s", "float32", [4], [1, 1, 2, 2])],
        attrs,
      }),
    ).toEqual([]);
  }
});
