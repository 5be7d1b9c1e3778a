/** Image resizes. Nearest neighbours are picked by index: TF.js's own kernels know no half-pixel centres. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { flag } from "../schema.ts";
import { lite } from "./rule.ts";

const attrs = { align_corners: flag(false), half_pixel_centers: flag(false) };
type Centers = { readonly align_corners: boolean; readonly half_pixel_centers: boolean };

/** The input element that each output element is, in float32 as TFLite's kernel computes it. */
export function nearestOf(input: number, output: number, { align_corners, half_pixel_centers }: Centers): number[] {
  const scale = Math.fround(align_corners && output > 1 ? (input - 1) / (output - 1) : input / output);
  const offset = half_pixel_centers ? 0.5 : 0;
  return range(output).map((i) => {
    const place = Math.fround((i + offset) * scale);
    const picked = align_corners ? Math.floor(place + 0.5) : Math.floor(place);
    return Math.max(0, Math.min(input - 1, picked));
  });
}

function nearest(b: Builder, x: Value, size: Value, centers: Centers, at: At): Value {
  if (!centers.half_pixel_centers) return b.op("ResizeNearestNeighbor", [x, size], { ...centers });
  const sizes = at.numbers(size, "the size");
  return [1, 2].reduce((value, axis) => {
    const dim = x.shape[axis];
    if (typeof dim !== "number") throw at.unsupported("a resize of unknown size", "give the input's shape with --input");
    return b.gather(value, b.ints(nearestOf(dim, sizes[axis - 1]!, centers)), axis);
  }, x);
}

export const resizes: readonly Rule[] = [
  lite("RESIZE_BILINEAR", { arity: [2, 2], attrs }, (b, [x, size], a) => [b.op("ResizeBilinear", [x, size], { ...a })]),
  lite("RESIZE_NEAREST_NEIGHBOR", { arity: [2, 2], attrs, moves: true }, (b, [x, size], a, at) => [nearest(b, x, size, a, at)]),
];
