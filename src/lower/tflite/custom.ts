/** Operators that are no builtins: MediaPipe's, and those that no other runtime can have. */
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { raw } from "../schema.ts";
import { weighted } from "./conv.ts";
import { customDomain } from "./names.ts";
import { transposeWeights } from "./quantized.ts";
import { lite } from "./rule.ts";

const many = Number.POSITIVE_INFINITY;

/** int32 numbers of the C struct that MediaPipe's operators have for options. */
function struct(attr: SourceAttr | undefined, count: number, at: At): number[] {
  const bytes = attr?.kind === "ints" ? attr.value.map(Number) : [];
  if (bytes.length < 4 * count) throw at.invalid(`options of ${bytes.length} bytes`);
  return Array.from({ length: count }, (_, i) => new DataView(Uint8Array.from(bytes).buffer).getInt32(4 * i, true));
}

/** kTfLitePaddingSame, kTfLitePaddingValid */
const paddings: Readonly<Record<number, "SAME" | "VALID">> = { 1: "SAME", 2: "VALID" };

/** A transposed convolution that knows its own output's size. */
function transposeConv(b: Builder, x: Value, w: Value, bias: Value, options: SourceAttr | undefined, at: At): Value {
  const [padding, strideWidth, strideHeight] = struct(options, 3, at) as [number, number, number];
  const word = paddings[padding];
  if (!word) throw at.invalid(`padding ${padding}`);
  const [channels, ...kernel] = w.shape;
  const size = (axis: number, stride: number): Value => {
    const grown = b.op("Mul", [b.dim(x, axis), b.ints([stride])]);
    const more = word === "VALID" ? Math.max(0, (kernel[axis - 1] as number) - stride) : 0;
    return b.op("AddV2", [grown, b.ints([more])]);
  };
  if (typeof channels !== "number") throw at.unsupported("weights of unknown size");
  const sizes = b.concat([b.dim(x, 0), size(1, strideHeight), size(2, strideWidth), b.ints([channels])], 0);
  const attrs = { strides: [1, strideHeight, strideWidth, 1], padding: word, data_format: "NHWC" };
  const convolve = (part: Value, filter: Value) => b.op("Conv2DBackpropInput", [sizes, filter, part], attrs);
  return weighted(b, x, transposeWeights(b, w, [1, 2, 0, 3]), bias, "NONE", convolve, at);
}

interface Window {
  readonly height: number;
  readonly width: number;
}

/** Windows that lie side by side, which is all that MediaPipe's models have. */
function windowOf(options: SourceAttr | undefined, at: At): Window {
  const [, strideWidth, strideHeight, width, height] = struct(options, 5, at) as [number, number, number, number, number];
  if (strideWidth !== width || strideHeight !== height) throw at.unsupported(`windows of ${height}×${width} that overlap`);
  return { height, width };
}

/** N H W C → N H/h W/w h·w C: the elements of each window in a row. */
function windows(b: Builder, x: Value, { height, width }: Window, at: At): Value {
  const [n, rows, columns, channels] = x.shape;
  if (typeof rows !== "number" || typeof columns !== "number" || typeof channels !== "number")
    throw at.unsupported("windows over an image of unknown size", "give the input's shape with --input");
  if (rows % height !== 0 || columns % width !== 0) throw at.unsupported(`windows of ${height}×${width} over ${rows}×${columns}`);
  const [down, across] = [rows / height, columns / width];
  const cut = b.reshapeTo(x, [n, down, height, across, width * channels]);
  const rowsFirst = b.transpose(cut, [0, 1, 3, 2, 4]);
  return b.reshapeTo(rowsFirst, [n, down, across, height * width, channels]);
}

/** What `windows` did, undone. */
function image(b: Builder, x: Value, { height, width }: Window): Value {
  const [n, down, across, , channels] = x.shape as readonly [Value["shape"][number], number, number, number, number];
  const cut = b.reshapeTo(x, [n, down, across, height, width * channels]);
  const rows = b.transpose(cut, [0, 1, 3, 2, 4]);
  return b.reshapeTo(rows, [n, down * height, across * width, channels]);
}

/** Places within a window are floats, a tenth above the number. */
const lift = 0.1;

function poolWithPlaces(b: Builder, x: Value, options: SourceAttr | undefined, at: At): readonly Value[] {
  const parts = windows(b, x, windowOf(options, at), at);
  const place = b.op("ArgMax", [parts, b.scalar("int32", 3)], { output_type: "int32" });
  return [b.reduce("Max", parts, [3], false), b.op("AddV2", [b.cast(place, "float32"), b.scalar("float32", lift)])];
}

function unpool(b: Builder, x: Value, places: Value, options: SourceAttr | undefined, at: At): Value {
  const window = windowOf(options, at);
  const size = window.height * window.width;
  const index = b.op("ExpandDims", [b.cast(places, "int32"), b.scalar("int32", 3)]);
  const all = b.reshape(b.ints(Array.from({ length: size }, (_, i) => i)), [size, 1]);
  const here = b.op("Equal", [index, all]);
  const spread = b.op("SelectV2", [here, b.op("ExpandDims", [x, b.scalar("int32", 3)]), b.scalar(x.dtype, 0)]);
  return image(b, spread, window);
}

const options = { custom_bytes: raw() };

/** Programs for a device, not operators: nothing in the file says what they compute. */
const compiled: Readonly<Record<string, string>> = {
  "edgetpu-custom-op": "compiled for the Edge TPU",
  DISPATCH_OP: "compiled for an NPU",
  NPU_OP: "compiled for an NPU",
  "ethos-u": "compiled for an Ethos-U NPU",
};

export const customs: readonly Rule[] = [
  lite("Convolution2DTransposeBias", { domain: customDomain, arity: [3, 3], attrs: options }, (b, [x, w, bias], a, at) => [
    transposeConv(b, x, w, bias, a.custom_bytes, at),
  ]),
  lite("MaxPoolingWithArgmax2D", { domain: customDomain, arity: [1, 1], attrs: options }, (b, [x], a, at) =>
    poolWithPlaces(b, x, a.custom_bytes, at),
  ),
  lite("MaxUnpooling2D", { domain: customDomain, arity: [2, 2], attrs: options }, (b, [x, places], a, at) => [
    unpool(b, x, places, a.custom_bytes, at),
  ]),
  ...Object.entries(compiled).map(([op, how]) =>
    lite(op, { domain: customDomain, arity: [0, many], attrs: {}, codes: true }, (_, __, ___, at) => {
      throw at.unsupported(`${how}: the file does not hold the operators any more`, "convert the model it was compiled from");
    }),
  ),
];
