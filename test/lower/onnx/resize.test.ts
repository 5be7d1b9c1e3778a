import { describe, expect, it } from "vitest";
import { elementCount } from "../../../src/graph/tensor.ts";
import { type AttrValue, float, tensor } from "../../build/onnx.ts";
import { random } from "../../build/random.ts";
import { againstOrt, type Trial } from "./against-ort.ts";

const ort = againstOrt();

const filled = (name: string, shape: readonly number[]) => tensor(name, "float32", shape, random(elementCount(shape), 3));
const image = filled("x", [2, 3, 5, 4]);

const byScales = (scales: number[], attrs: Record<string, AttrValue>, x = image, opset = 19): Trial => ({
  op: "Resize",
  opset,
  inputs: [x, undefined, tensor("s", "float32", [scales.length], scales)],
  attrs,
});
const bySizes = (sizes: number[], attrs: Record<string, AttrValue>, x = image): Trial => ({
  op: "Resize",
  opset: 19,
  inputs: [x, undefined, undefined, tensor("s", "int64", [sizes.length], sizes)],
  attrs,
});

/** The sizes known, the input's dims open, and scales or sizes fed as well. */
async function everyWay(trial: Trial): Promise<string[]> {
  const open = { ...trial, open: true };
  const ways = [trial, open, { ...open, fed: trial.inputs.length }];
  return (
    await Promise.all(
      ways.map((way) => ort.differences(way).then((found) => found.map((line) => `${way.open} ${way.fed} ${line}`))),
    )
  ).flat();
}

const coordinates = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"];

describe("nearest", () => {
  const roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
  const cases = coordinates.flatMap((c) => roundings.map((r) => [c, r] as const));
  it.each(cases)("%s, %s", async (coordinate_transformation_mode, nearest_mode) => {
    const attrs = { mode: "nearest", coordinate_transformation_mode, nearest_mode };
    // 0.6 puts elements exactly between two: half_pixel_symmetric leaves the last bit of that to the compiler.
    const down = coordinate_transformation_mode === "half_pixel_symmetric" ? 0.7 : 0.6;
    const across = coordinate_transformation_mode === "align_corners" ? 1.5 : 1.7;
    for (const scales of [
      [1, 1, 2, 3],
      [1, 1, down, across],
    ])
      expect(await everyWay(byScales(scales, attrs))).toEqual([]);
    expect(await everyWay(bySizes([2, 3, 7, 3], attrs))).toEqual([]);
  });
});

describe.each(["linear", "cubic"])("%s", (mode) => {
  it.each(coordinates)("%s", async (coordinate_transformation_mode) => {
    const attrs = { mode, coordinate_transformation_mode };
    for (const scales of [
      [1, 1, 2, 3],
      [1, 1, 0.6, coordinate_transformation_mode === "align_corners" ? 1.5 : 1.7],
    ])
      expect(await everyWay(byScales(scales, attrs))).toEqual([]);
    expect(await everyWay(bySizes([2, 3, 7, 3], attrs))).toEqual([]);
  });

  it("antialiased", async () => {
    expect(await everyWay(bySizes([2, 3, 2, 7], { mode, antialias: 1 }))).toEqual([]);
    expect(await everyWay(byScales([1, 1, 0.6, 0.5], { mode, antialias: 1, exclude_outside: 1 }))).toEqual([]);
  });

  it("by a stored scale that gives no whole size, corners aligned", async () => {
    const trial = byScales([1, 1, 1.7, 0.6], { mode, coordinate_transformation_mode: "align_corners" });
    expect(await ort.differences(trial)).toEqual([]);
    expect(await ort.differences({ ...trial, open: true })).toEqual([]);
  });

  it("to one element", async () => {
    for (const c of coordinates)
      expect(await everyWay(bySizes([2, 3, 1, 6], { mode, coordinate_transformation_mode: c }))).toEqual([]);
  });
});

describe("further", () => {
  it("cubic, excluding the outside, another coefficient", async () => {
    expect(await everyWay(byScales([1, 1, 1.6, 0.7], { mode: "cubic", exclude_outside: 1, cubic_coeff_a: float(-0.5) }))).toEqual(
      [],
    );
  });

  it("linear of volumes and sequences", async () => {
    expect(await everyWay(byScales([1, 1, 2, 1.5, 0.5], { mode: "linear" }, filled("x", [1, 2, 3, 4, 6])))).toEqual([]);
    expect(await everyWay(byScales([1, 1, 2.5], { mode: "linear" }, filled("x", [2, 3, 7])))).toEqual([]);
  });

  it("a region of interest", async () => {
    const roi = tensor("r", "float32", [8], [0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7]);
    const sizes = tensor("s", "int64", [4], [2, 3, 3, 7]);
    for (const mode of ["linear", "nearest", "cubic"]) {
      const attrs = { mode, coordinate_transformation_mode: "tf_crop_and_resize", extrapolation_value: float(9) };
      expect(await everyWay({ op: "Resize", opset: 19, inputs: [image, roi, undefined, sizes], attrs })).toEqual([]);
    }
  });

  it("kept aspect ratios over chosen axes", async () => {
    for (const keep_aspect_ratio_policy of ["not_larger", "not_smaller"])
      expect(await everyWay(bySizes([9, 6], { mode: "linear", axes: [3, 2], keep_aspect_ratio_policy }))).toEqual([]);
  });

  it("Upsample and the first Resize", async () => {
    const scales = tensor("s", "float32", [4], [1, 1, 2, 3]);
    for (const mode of ["nearest", "linear"]) {
      expect(await ort.differences({ op: "Upsample", opset: 9, inputs: [image, scales], attrs: { mode } })).toEqual([]);
      expect(await ort.differences({ op: "Resize", opset: 10, inputs: [image, scales], attrs: { mode }, open: true })).toEqual(
        [],
      );
    }
  });
});
