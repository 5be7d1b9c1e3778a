/** Image resizes. Nearest neighbours are picked by index: TF.js's own kernels know no half-pixel centres. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { flag } from "../schema.ts";
import { linear } from "./quantized.ts";
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

/** Parts of the distance between two neighbours that the kernel of 16-bit codes tells apart. */
const parts = 2 ** 10;

/** Between the two neighbours of each output element along an axis, in whole parts. */
function between(b: Builder, x: Value, axis: number, output: number, { align_corners, half_pixel_centers }: Centers): Value {
  const input = x.shape[axis] as number;
  const [from, to] = align_corners && output > 1 ? [input - 1, output - 1] : [input, output];
  const scale = Math.floor((parts * from + Math.floor(to / 2)) / to);
  const places = range(output).map((i) => i * scale + (half_pixel_centers ? Math.floor(scale / 2) - parts / 2 : 0));
  const low = places.map((place) => Math.max(Math.trunc(place / parts), 0));
  const high = places.map((place) => Math.min(Math.trunc((place + parts - 1) / parts), input - 1));
  const weights = places.map((place, i) => (place - parts * low[i]!) / parts);
  const dims = x.shape.map((_, i) => (i === axis ? output : 1));
  const weighted = (indices: readonly number[], by: readonly number[]) =>
    b.op("Mul", [b.gather(x, b.ints(indices), axis), b.constant(tensorOf("float32", dims, by))]);
  const rest = weights.map((weight) => 1 - weight);
  return b.op("AddV2", [weighted(low, rest), weighted(high, weights)]);
}

/** With the places in whole parts where the codes are so fine that it shows. */
function bilinear(b: Builder, x: Value, size: Value, centers: Centers, at: At): Value {
  const isKnown = constantOf(size) !== undefined && typeof x.shape[1] === "number" && typeof x.shape[2] === "number";
  if (!isKnown || at.quantized === "float" || at.given(0)?.dtype !== "int16")
    return b.op("ResizeBilinear", [x, size], { ...centers });
  const [height, width] = at.numbers(size, "the size") as [number, number];
  return linear(b, x, (part) => between(b, between(b, part, 1, height, centers), 2, width, centers));
}

export const resizes: readonly Rule[] = [
  lite("RESIZE_BILINEAR", { arity: [2, 2], attrs }, (b, [x, size], a, at) => [bilinear(b, x, size, a, at)]),
  lite("RESIZE_NEAREST_NEIGHBOR", { arity: [2, 2], attrs, moves: true }, (b, [x, size], a, at) => [nearest(b, x, size, a, at)]),
];
