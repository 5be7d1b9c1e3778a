/** Convolutions whose kernel is another at every place (LocallyConnected1D, 2D): patches are gathered, each place multiplies its own. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { activate } from "./activation.ts";
import { type LayerFn, type Layers, simple } from "./layer.ts";

/** Every `step`th of `count` places from `from` on, along the axis. */
function strided(b: Builder, x: Value, axis: number, from: number, count: number, step: number): Value {
  const begin = x.shape.map((_, i) => (i === axis ? from : 0));
  const end = x.shape.map((_, i) => (i === axis ? from + (count - 1) * step + 1 : 0));
  const mask = x.shape.reduce<number>((bits, _, i) => (i === axis ? bits : bits | (1 << i)), 0);
  const strides = x.shape.map((_, i) => (i === axis ? step : 1));
  const attrs = { begin_mask: mask, end_mask: mask, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 };
  return b.op("StridedSlice", [x, b.ints(begin), b.ints(end), b.ints(strides)], attrs);
}

/** The offsets of a window, the last axis fastest. */
function offsets(kernel: readonly number[]): readonly (readonly number[])[] {
  let all: number[][] = [[]];
  for (const size of kernel) all = all.flatMap((each) => Array.from({ length: size }, (_, i) => [...each, i]));
  return all;
}

const locally = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, config, weights, at } = call;
    if (config.number("implementation", 1) !== 1)
      throw at.unsupported("a kernel stored in another way than place by place", "save it with implementation=1");
    if (config.string("padding", "valid") !== "valid") throw at.unsupported("padding of a kernel that is stored place by place");
    const kernel = config.numbers("kernel_size", axes);
    const strides = config.numbers("strides", axes, 1);
    const biased = config.flag("use_bias", true);
    const [stored, bias] = weights.take("kernel", ...(biased ? ["bias"] : []));
    // The patches of Keras are windows of channels, or where the channels come first, channels of windows.
    const first = config.channelsFirst;
    const last = first ? b.transpose(x, [0, ...kernel.map((_, i) => i + 2), 1]) : x;
    const sizes = last.shape.slice(1, -1);
    const channels = last.shape.at(-1);
    if (sizes.some((size) => typeof size !== "number") || typeof channels !== "number")
      throw at.unsupported("places whose number is not known", "give the input's shape with --input");
    const places = kernel.map((size, i) => Math.floor(((sizes[i] as number) - size) / strides[i]!) + 1);
    const windows = offsets(kernel).map((offset) =>
      offset.reduce((y, from, i) => strided(b, y, i + 1, from, places[i]!, strides[i]!), last),
    );
    const count = places.reduce((product, size) => product * size, 1);
    const features = windows.length * channels;
    // [N, …places, windows, C]
    const packed = b.op("Pack", windows, { axis: axes + 1 });
    const ordered = first ? b.transpose(packed, [...places.map((_, i) => i), axes, axes + 2, axes + 1]) : packed;
    const rows = b.transpose(b.reshapeTo(ordered, [x.shape[0], count, features], [[x, 0]]), [1, 0, 2]);
    const filters = stored!.shape.at(-1) as number;
    const product = b.transpose(b.op("BatchMatMulV2", [rows, stored!]), [1, 0, 2]);
    const y = b.reshapeTo(product, [x.shape[0], ...places, filters], [[x, 0]]);
    const back = first ? b.transpose(y, [0, axes + 1, ...places.map((_, i) => i + 1)]) : y;
    if (!bias) return activate(call, back);
    // As Keras adds it: laid out anew, not transposed.
    const laid = first ? b.reshape(bias, [filters, ...places]) : bias;
    return activate(call, b.op("AddV2", [back, laid]));
  });

export const localLayers: Layers = { LocallyConnected1D: locally(1), LocallyConnected2D: locally(2) };
