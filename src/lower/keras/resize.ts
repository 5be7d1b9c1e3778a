/** Enlarging and resizing images as `tf.image.resize` does, without antialiasing. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { tensorflowRules } from "../tensorflow/rules.ts";
import { channelsLast, type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";

/** Where a pixel is: at its centre, and for TF.js's layers at its corner. */
export const centres = { align_corners: false, half_pixel_centers: true };
export const corners = { align_corners: false, half_pixel_centers: false };

type Kernel = (x: number) => number;

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const lanczos =
  (radius: number): Kernel =>
  (x) =>
    Math.abs(x) > radius ? 0 : sinc(x) * sinc(x / radius);

function mitchell(given: number): number {
  const x = Math.abs(given);
  if (x >= 2) return 0;
  return x >= 1 ? (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9 : ((7 / 6) * x - 2) * x * x + 8 / 9;
}

/** Kernels and how far they reach, as TensorFlow's ScaleAndTranslate has them. */
const kernels: Readonly<Record<string, readonly [number, Kernel]>> = {
  lanczos3: [3, lanczos(3)],
  lanczos5: [5, lanczos(5)],
  gaussian: [1.5, (x) => (Math.abs(x) >= 1.5 ? 0 : Math.exp((-x * x) / (2 * 0.5 * 0.5)))],
  mitchellcubic: [2, mitchell],
};

/** `[output, input]`: what each output takes of the inputs, which sum to one. */
function shares(input: number, output: number, [radius, kernel]: readonly [number, Kernel]): Float32Array {
  const rows = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const centre = ((i + 0.5) * input) / output;
    const from = Math.max(Math.ceil(centre - radius - 0.5), 0);
    const to = Math.min(Math.floor(centre + radius - 0.5), input - 1);
    const taps = Array.from({ length: to - from + 1 }, (_, k) => kernel(from + k + 0.5 - centre));
    const sum = taps.reduce((total, tap) => total + tap, 0);
    taps.forEach((tap, k) => {
      rows[i * input + from + k] = sum === 0 ? 0 : tap / sum;
    });
  }
  return rows;
}

function along(b: Builder, x: Value, output: number, axis: 1 | 2, kernel: readonly [number, Kernel]): Value {
  const input = x.shape[axis] as number;
  const weights = b.constant({ dtype: "float32", shape: [output, input], data: shares(input, output, kernel) });
  return b.op("Einsum", [weights, x], { equation: axis === 1 ? "oh,nhwc->nowc" : "ow,nhwc->nhoc" });
}

/** [N, H, W, C] → [N, height, width, C] in float32; the nearest keeps the type. */
export function resized(
  b: Builder,
  x: Value,
  [height, width]: readonly [number, number],
  how: string,
  at: At,
  pixels: typeof centres = centres,
): Value {
  const size = b.ints([height, width]);
  const value = how === "nearest" ? x : b.cast(x, "float32");
  if (how === "nearest") return b.op("ResizeNearestNeighbor", [value, size], centres);
  if (how === "bilinear") return b.op("ResizeBilinear", [value, size], pixels);
  const named = { bicubic: "ResizeBicubic", area: "ResizeArea" }[how];
  const known = typeof x.shape[1] === "number" && typeof x.shape[2] === "number";
  if (!known) throw at.unsupported(`a resize by ${how} of an image of unknown size`, "give the input's shape with --input");
  if (named) {
    const attrs = how === "area" ? { align_corners: false } : centres;
    return tensorflowRules.find("", named, 0)!.lower(b, [value, size], attrs, at)[0]!;
  }
  const kernel = kernels[how];
  if (!kernel) throw at.unsupported(`interpolation ${how}`);
  return along(b, along(b, value, height, 1, kernel), width, 2, kernel);
}

/** The part of the size's shape in the middle, whole where that is the shape already. */
function middle(b: Builder, x: Value, [height, width]: readonly [number, number], at: At): Value {
  const [rows, columns] = sizeOf(x, at);
  const [tall, wide] = [
    Math.min(rows, Math.trunc(Math.fround(columns * height) / width)),
    Math.min(columns, Math.trunc(Math.fround(rows * width) / height)),
  ];
  return cropped(b, x, [tall, wide], [rows, columns]);
}

const cropped = (b: Builder, x: Value, [tall, wide]: readonly number[], [rows, columns]: readonly number[]): Value =>
  b.slice(x, [0, Math.trunc((rows! - tall!) / 2), Math.trunc((columns! - wide!) / 2), 0], [-1, tall!, wide!, -1]);

function sizeOf({ shape }: Value, at: At): readonly [number, number] {
  const [, rows, columns]: readonly Dim[] = shape;
  if (typeof rows !== "number" || typeof columns !== "number")
    throw at.unsupported("a crop of an image of unknown size", "give the input's shape with --input");
  return [rows, columns];
}

/** An image, or a batch of them, channels last. */
function images({ b, config, at }: LayerCall, x: Value, work: (batch: Value) => Value): Value {
  if (x.rank === 3) return b.squeeze(work(b.op("ExpandDims", [x, b.scalar("int32", 0)])), [0]);
  if (x.rank !== 4) throw at.invalid(`an image of rank ${x.rank}`);
  return channelsLast(b, x, config.channelsFirst, work);
}

const target = ({ config }: LayerCall) => [config.number("height"), config.number("width")] as const;

const resizing: LayerFn = simple((call, x) => {
  const { b, config, at } = call;
  for (const flag of ["pad_to_aspect_ratio", "antialias"]) if (config.flag(flag, false)) throw at.unsupported(flag);
  const how = config.string("interpolation", "bilinear").toLowerCase();
  const crop = config.flag("crop_to_aspect_ratio", false);
  const y = images(call, x, (batch) => resized(b, crop ? middle(b, batch, target(call), at) : batch, target(call), how, at));
  return b.cast(y, "float32");
});

/** The middle; what is smaller is resized first, its proportions kept. */
const centerCrop: LayerFn = simple((call, x) => {
  const { b, at } = call;
  const size = target(call);
  const y = images(call, b.cast(x, "float32"), (batch) => {
    const own = sizeOf(batch, at);
    if (own[0] >= size[0] && own[1] >= size[1]) return cropped(b, batch, size, own);
    return resized(b, middle(b, batch, size, at), size, "bilinear", at);
  });
  return y;
});

export const resizeLayers: Layers = { Resizing: resizing, CenterCrop: centerCrop };
