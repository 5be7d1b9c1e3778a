/** Convolutions whose kernel is another at every place (LocallyConnected1D, 2D): patches are gathered, each place multiplies its own. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { activate } from "./activation.ts";
import { type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";

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

/** Sizes of the input and of what comes out, and how the window goes. */
interface Places {
  readonly sizes: readonly number[];
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly places: readonly number[];
  readonly padding: string;
  readonly first: boolean;
}

function placesOf({ config, at }: LayerCall, x: Value, axes: number): Places {
  const [kernel, strides] = [config.numbers("kernel_size", axes), config.numbers("strides", axes, 1)];
  const [first, padding] = [config.channelsFirst, config.string("padding", "valid")];
  const sizes = first ? x.shape.slice(2) : x.shape.slice(1, -1);
  const channels = x.shape.at(first ? 1 : -1);
  if (!sizes.every((size) => typeof size === "number") || typeof channels !== "number")
    throw at.unsupported("places whose number is not known", "give the input's shape with --input");
  const places = sizes.map((size, i) =>
    padding === "same" ? Math.ceil(size / strides[i]!) : Math.floor((size - kernel[i]!) / strides[i]!) + 1,
  );
  return { sizes, channels, kernel, strides, places, padding, first };
}

/** A kernel [places, window · C, filters], by the windows: channels last, whatever the layout. */
function byPlace(
  { b, at }: LayerCall,
  x: Value,
  stored: Value,
  { channels, kernel, strides, places, padding, first }: Places,
): Value {
  if (padding !== "valid") throw at.unsupported("padding of a kernel that is stored place by place");
  const axes = kernel.length;
  // The patches of Keras are windows of channels, or where the channels come first, channels of windows.
  const last = first ? b.transpose(x, [0, ...kernel.map((_, i) => i + 2), 1]) : x;
  const windows = offsets(kernel).map((offset) =>
    offset.reduce((y, from, i) => strided(b, y, i + 1, from, places[i]!, strides[i]!), last),
  );
  const count = places.reduce((product, size) => product * size, 1);
  // [N, …places, windows, C]
  const packed = b.op("Pack", windows, { axis: axes + 1 });
  const ordered = first ? b.transpose(packed, [...places.map((_, i) => i), axes, axes + 2, axes + 1]) : packed;
  const rows = b.transpose(b.reshapeTo(ordered, [x.shape[0], count, windows.length * channels], [[x, 0]]), [1, 0, 2]);
  const product = b.transpose(b.op("BatchMatMulV2", [rows, stored]), [1, 0, 2]);
  const y = b.reshapeTo(product, [x.shape[0], ...places, stored.shape.at(-1) as number], [[x, 0]]);
  return first ? b.transpose(y, [0, axes + 1, ...places.map((_, i) => i + 1)]) : y;
}

/** Elements of the table of which places see which. */
const MAX_TABLE = 2 ** 26;

/** Which places of the input each place of the output sees, [...input, ...output], as Keras's `conv_connected_inputs` has it. */
function seen({ sizes, kernel, strides, places, padding }: Places): Float32Array {
  const sees = (axis: number, from: number, to: number): boolean => {
    const left = Math.floor(kernel[axis]! / 2);
    const centre = to * strides[axis]! + (padding === "valid" ? left : 0);
    return from >= centre - left && from < centre + kernel[axis]! - left;
  };
  const [inputs, outputs] = [offsets(sizes), offsets(places)];
  return Float32Array.from({ length: inputs.length * outputs.length }, (_, i) => {
    const [from, to] = [inputs[Math.floor(i / outputs.length)]!, outputs[i % outputs.length]!];
    return from.every((each, axis) => sees(axis, each, to[axis]!)) ? 1 : 0;
  });
}

/** A kernel from every element to every element, of which only those count that see each other. */
function asWhole({ b, at }: LayerCall, x: Value, stored: Value, all: Places): Value {
  const { sizes, channels, places, first } = all;
  const product = (dims: readonly number[]) => dims.reduce((count, dim) => count * dim, 1);
  if (stored.rank !== 2 * sizes.length + 2) throw at.invalid(`a kernel of rank ${stored.rank}`);
  if (product(sizes) * product(places) > MAX_TABLE) throw at.unsupported("a kernel from every place to every place", wayOut);
  const filters = stored.shape.at(first ? sizes.length + 1 : -1) as number;
  const shape = first ? [1, ...sizes, 1, ...places] : [...sizes, 1, ...places, 1];
  const kernel = b.op("Mul", [stored, b.constant({ dtype: "float32", shape, data: seen(all) })]);
  const rows = b.reshapeTo(x, [x.shape[0], product(sizes) * channels], [[x, 0]]);
  const matrix = b.reshape(kernel, [product(sizes) * channels, product(places) * filters]);
  const y = b.op("MatMul", [rows, matrix]);
  return b.reshapeTo(y, [x.shape[0], ...(first ? [filters, ...places] : [...places, filters])], [[x, 0]]);
}

const wayOut = "save it with implementation=1";
const implementations = [byPlace, asWhole];

const locally = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, config, weights, at } = call;
    const compute = implementations[config.number("implementation", 1) - 1];
    if (!compute) throw at.unsupported("a kernel stored as the list of what is not zero", wayOut);
    const biased = config.flag("use_bias", true);
    const [stored, bias] = weights.take("kernel", ...(biased ? ["bias"] : []));
    const all = placesOf(call, x, axes);
    const y = compute(call, x, stored!, all);
    if (!bias) return activate(call, y);
    // As Keras adds it: laid out anew, not transposed.
    const laid = all.first ? b.reshape(bias, [bias.shape.at(-1) as number, ...all.places]) : bias;
    return activate(call, b.op("AddV2", [y, laid]));
  });

export const localLayers: Layers = { LocallyConnected1D: locally(1), LocallyConnected2D: locally(2) };
