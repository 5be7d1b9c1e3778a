/** Resizing: bilinear and nearest are TF.js's own; bicubic and area are products with constant weights along each axis. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { flag, tfRule } from "./attrs.ts";

const float = (b: Builder, x: Value): Value => b.cast(x, "float32");

const attrs = { align_corners: flag(false), half_pixel_centers: flag(false) };

interface Corners {
  readonly align_corners: boolean;
  readonly half_pixel_centers: boolean;
}

/** How far apart neighbouring outputs are in the input. */
const stepOf = (input: number, output: number, aligned: boolean): number =>
  aligned && output > 1 ? (input - 1) / (output - 1) : input / output;

type Weights = (input: number, output: number) => Float32Array;

/** Keys' kernel; TensorFlow reads it from a table of 1024 steps. */
function cubicWeights(a: Corners): Weights {
  const slope = a.half_pixel_centers ? -0.5 : -0.75;
  const near = (x: number) => ((slope + 2) * x - (slope + 3)) * x * x + 1;
  const far = (x: number) => ((slope * x - 5 * slope) * x + 8 * slope) * x - 4 * slope;
  return (input, output) => {
    const rows = new Float32Array(output * input);
    const step = Math.fround(stepOf(input, output, a.align_corners));
    for (let i = 0; i < output; i++) {
      const at = a.half_pixel_centers ? (i + 0.5) * step - 0.5 : i * step;
      const first = Math.floor(at);
      const x = Math.round((at - first) * 1024) / 1024;
      const taps = [far(x + 1), near(x), near(1 - x), far(2 - x)];
      const places = taps.map((_, k) => first - 1 + k);
      // Centres at half pixels leave out what lies outside; the older form repeats the edge.
      const kept = taps.map((tap, k) => (a.half_pixel_centers && (places[k]! < 0 || places[k]! >= input) ? 0 : tap));
      const sum = a.half_pixel_centers ? kept.reduce((total, tap) => total + tap, 0) : 1;
      kept.forEach((tap, k) => {
        rows[i * input + Math.min(Math.max(places[k]!, 0), input - 1)]! += sum === 0 ? 0 : tap / sum;
      });
    }
    return rows;
  };
}

/** Each output is the mean of what it covers. */
function areaWeights(a: { readonly align_corners: boolean }): Weights {
  return (input, output) => {
    const rows = new Float32Array(output * input);
    const step = stepOf(input, output, a.align_corners);
    for (let i = 0; i < output; i++) {
      const [from, to] = [i * step, (i + 1) * step];
      for (let k = Math.floor(from); k < to; k++) {
        const covered = Math.min(to, k + 1) - Math.max(from, k);
        rows[i * input + Math.min(k, input - 1)]! += covered / (to - from);
      }
    }
    return rows;
  };
}

/** N H W C, rows and columns each multiplied by their weights. */
function byWeights(b: Builder, x: Value, size: Value, weights: Weights, at: At): Value {
  const [height, width] = at.numbers(size, "the size") as [number, number];
  const [, rows, columns] = x.shape;
  if (typeof rows !== "number" || typeof columns !== "number")
    throw at.unsupported("a resize of an image of unknown size", "give the input's shape with --input");
  const along = (input: number, output: number) =>
    b.constant({ dtype: "float32", shape: [output, input], data: weights(input, output) });
  const tall = b.op("Einsum", [along(rows, height), float(b, x)], { equation: "oh,nhwc->nowc" });
  return b.op("Einsum", [along(columns, width), tall], { equation: "pw,nowc->nopc" });
}

const parameters = { parameters: [1] };

export const resizes: readonly Rule[] = [
  tfRule("ResizeBilinear", [2, 2], attrs, (b, [x, size], a) => [b.op("ResizeBilinear", [float(b, x), size], a)], parameters),
  tfRule("ResizeNearestNeighbor", [2, 2], attrs, (b, [x, size], a) => [b.op("ResizeNearestNeighbor", [x, size], a)], parameters),
  tfRule("ResizeBicubic", [2, 2], attrs, (b, [x, size], a, at) => [byWeights(b, x, size, cubicWeights(a), at)], parameters),
  tfRule(
    "ResizeArea",
    [2, 2],
    { align_corners: flag(false) },
    (b, [x, size], a, at) => [byWeights(b, x, size, areaWeights(a), at)],
    parameters,
  ),
];
