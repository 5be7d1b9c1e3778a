/** Pooling, padding, cropping and enlarging over 1, 2 or 3 spatial axes. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { channelsLast, type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";
import { centres, corners, resized } from "./resize.ts";
import { isOfTfjs } from "./stock.ts";

const row = (b: Builder, x: Value): Value => b.op("ExpandDims", [x, b.scalar("int32", 1)]);

/** Where a window hangs over the edge an average is over what lies inside. */
const pool = (kind: "Max" | "Avg", axes: number): LayerFn =>
  simple(({ b, config }, x) => {
    const size = config.numbers("pool_size", axes, 2);
    const strides = config.has("strides") ? config.numbers("strides", axes) : size;
    const spread = (each: readonly number[]) => [1, ...(axes === 1 ? [1] : []), ...each, 1];
    const attrs = {
      ksize: spread(size),
      strides: spread(strides),
      padding: config.string("padding", "valid").toUpperCase(),
      data_format: axes === 3 ? "NDHWC" : "NHWC",
    };
    const op = `${kind}Pool${axes === 3 ? "3D" : ""}`;
    return channelsLast(b, x, config.channelsFirst, (last) =>
      axes === 1 ? b.squeeze(b.op(op, [row(b, last)], attrs), [1]) : b.op(op, [last], attrs),
    );
  });

const overall = (op: "Max" | "Mean", axes: number): LayerFn =>
  simple(({ b, config }, x) => {
    const first = config.channelsFirst ? 2 : 1;
    return b.reduce(
      op,
      x,
      Array.from({ length: axes }, (_, i) => first + i),
      config.flag("keepdims", false),
    );
  });

/** The mean over the steps that count; TF.js counts all. */
const stepMean: LayerFn = (call) => {
  const { b, config, inputs } = call;
  const [x] = inputs;
  const mask = isOfTfjs(call.at.node.attrs) ? undefined : call.mask();
  if (!x || !mask) return overall("Mean", 1)(call);
  const [steps, features] = config.channelsFirst ? [2, 1] : [1, 2];
  const weight = b.op("ExpandDims", [b.cast(mask, x.dtype), b.scalar("int32", features)]);
  const keep = config.flag("keepdims", false);
  const sum = b.reduce("Sum", b.op("Mul", [x, weight]), [steps], keep);
  return [b.op("RealDiv", [sum, b.reduce("Sum", weight, [steps], keep)])];
};

const padding = (axes: number): LayerFn =>
  simple(({ b, config, at }, x) => {
    if (x.rank !== axes + 2) throw at.invalid(`an input of rank ${x.rank}`);
    const pads = config.pairs("padding", axes);
    const none = [0, 0] as const;
    const all = config.channelsFirst && axes > 1 ? [none, none, ...pads] : [none, ...pads, none];
    const amounts = b.op("Reshape", [b.ints(all.flat()), b.ints([x.rank, 2])]);
    return b.op("PadV2", [x, amounts, b.scalar(x.dtype, 0)]);
  });

const cropping = (axes: number): LayerFn =>
  simple(({ b, config, at }, x) => {
    const crops = config.pairs("cropping", axes);
    const first = config.channelsFirst && axes > 1 ? 2 : 1;
    const begin = x.shape.map((_, axis) => crops[axis - first]?.[0] ?? 0);
    const size = x.shape.map((dim, axis) => {
      const crop = crops[axis - first];
      if (!crop || crop[1] === 0) return -1;
      if (typeof dim !== "number")
        throw at.unsupported("cropping of a size that is not known", "give the input's shape with --input");
      return dim - crop[0] - crop[1];
    });
    return b.slice(x, begin, size);
  });

/** Each element `times` times along the axis. */
function repeat(b: Builder, x: Value, axis: number, times: number, { at }: LayerCall): Value {
  if (times === 1) return x;
  const size = x.shape[axis];
  if (typeof size !== "number")
    throw at.unsupported("repeating along an axis of unknown size", "give the input's shape with --input");
  const tiled = b.op("Tile", [
    b.op("ExpandDims", [x, b.scalar("int32", axis + 1)]),
    b.ints([...x.shape.slice(0, axis + 1).map(() => 1), times, ...x.shape.slice(axis + 1).map(() => 1)]),
  ]);
  const dims = x.shape.map((dim, i) => (i === axis ? size * times : dim));
  return b.reshapeTo(
    tiled,
    dims,
    dims.map((_, i) => (i === axis ? undefined : ([x, i] as const))),
  );
}

const enlarged = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, config, at } = call;
    // Keras 1 called it length.
    const factors = config.numbers(config.has("size") ? "size" : "length", axes, 2);
    const how = config.string("interpolation", "nearest");
    return channelsLast(b, x, config.channelsFirst && axes > 1, (last) => {
      const sizes = last.shape.slice(1, -1).map((dim, i) => (typeof dim === "number" ? dim * factors[i]! : undefined));
      if (axes !== 2 || sizes.includes(undefined)) {
        if (how !== "nearest") throw at.unsupported(`enlarging by ${how} a size that is not known`);
        return factors.reduce((y, factor, i) => repeat(b, y, i + 1, factor, call), last);
      }
      return resized(
        b,
        last,
        sizes as unknown as readonly [number, number],
        how,
        at,
        isOfTfjs(at.node.attrs) ? corners : centres,
      );
    });
  });

export const poolLayers: Layers = {
  MaxPooling1D: pool("Max", 1),
  MaxPooling2D: pool("Max", 2),
  MaxPooling3D: pool("Max", 3),
  AveragePooling1D: pool("Avg", 1),
  AveragePooling2D: pool("Avg", 2),
  AveragePooling3D: pool("Avg", 3),
  GlobalMaxPooling1D: overall("Max", 1),
  GlobalMaxPooling2D: overall("Max", 2),
  GlobalMaxPooling3D: overall("Max", 3),
  GlobalAveragePooling1D: stepMean,
  GlobalAveragePooling2D: overall("Mean", 2),
  GlobalAveragePooling3D: overall("Mean", 3),
  ZeroPadding1D: padding(1),
  ZeroPadding2D: padding(2),
  ZeroPadding3D: padding(3),
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  Cropping3D: cropping(3),
  UpSampling1D: enlarged(1),
  UpSampling2D: enlarged(2),
  UpSampling3D: enlarged(3),
};
