/** What the legalisations of convolutions and pools share: the window's attributes, and padding and spacing by other ops. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { LegalAt } from "../rule.ts";

/** One spatial axis of a channels-last window; `pads` undefined where TensorFlow's SAME meets a size that is not known. */
export interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pads: readonly [number, number] | undefined;
}

export const extent = ({ kernel, dilation }: Pick<Axis, "kernel" | "dilation">): number => (kernel - 1) * dilation + 1;

export type WindowAttrs = {
  strides: readonly number[];
  dilations: readonly number[];
  padding: string;
  explicit_paddings: readonly number[];
  data_format: string;
};

/** The attributes as TF.js's executor wants them, all of them always there. */
export function windowAttrs(at: LegalAt, rank: number): WindowAttrs {
  const padding = at.attrs["padding"] as string;
  return {
    strides: at.attrs["strides"] as readonly number[],
    dilations: (at.attrs["dilations"] as readonly number[] | undefined) ?? new Array<number>(rank).fill(1),
    padding,
    explicit_paddings: padding === "EXPLICIT" ? (at.attrs["explicit_paddings"] as readonly number[]) : [],
    data_format: rank === 5 ? "NDHWC" : "NHWC",
  };
}

/** Refuses layouts that no lowering makes: TF.js computes them wrongly. */
export function channelsLast(at: LegalAt): void {
  const format = (at.attrs["data_format"] as string | undefined) ?? "NHWC";
  if (!format.endsWith("C")) throw at.unsupported(`${at.node.op} with data_format ${format}`);
}

/** SAME's padding of an axis. */
export function samePads(size: number, axis: Pick<Axis, "kernel" | "stride" | "dilation">): readonly [number, number] {
  const total = Math.max(0, (Math.ceil(size / axis.stride) - 1) * axis.stride + extent(axis) - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** As `samePads`, of a size that the run knows; every axis in a row, before and behind. */
export function runtimeSamePads(b: Builder, x: Value, axes: readonly Axis[]): Value {
  const one = (value: number) => b.ints([value]);
  const rows = axes.flatMap((axis, i) => {
    const size = b.dim(x, i + 1);
    const steps = b.op("FloorDiv", [b.op("Sub", [size, one(1)]), one(axis.stride)]);
    const reached = b.op("AddV2", [b.op("Mul", [steps, one(axis.stride)]), one(extent(axis))]);
    const total = b.op("Maximum", [b.op("Sub", [reached, size]), one(0)]);
    const low = b.op("FloorDiv", [total, one(2)]);
    return [low, b.op("Sub", [total, low])];
  });
  return b.reshape(b.concat([b.ints([0, 0]), ...rows, b.ints([0, 0])], 0), [x.rank, 2]);
}

/** The spatial axes of a channels-last window over tensors of these sizes. */
export function axesOf(at: LegalAt, sizes: readonly Dim[], kernel: readonly Dim[]): readonly Axis[] {
  const rank = sizes.length + 2;
  const { strides, dilations, padding, explicit_paddings } = windowAttrs(at, rank);
  return sizes.map((size, i) => {
    const taken = kernel[i];
    if (typeof taken !== "number") throw at.unsupported(`${at.node.op} with a kernel of unknown size`);
    const axis = { kernel: taken, stride: strides[i + 1]!, dilation: dilations[i + 1]! };
    if (padding === "VALID") return { ...axis, pads: [0, 0] };
    if (padding === "EXPLICIT") return { ...axis, pads: [explicit_paddings[2 * i + 2]!, explicit_paddings[2 * i + 3]!] };
    return { ...axis, pads: typeof size === "number" ? samePads(size, axis) : undefined };
  });
}

/** The pads as numbers; a Problem where SAME meets an unknown size. */
export function knownPads(at: LegalAt, axes: readonly Axis[]): readonly (readonly [number, number])[] {
  return axes.map(({ pads }) => {
    if (!pads)
      throw at.unsupported(
        `${at.node.op} with SAME padding over a size that is not known`,
        "give the input's shape with --input",
      );
    return pads;
  });
}

/** Pads spatial axes of N … C with a value. */
export function padSpatial(b: Builder, x: Value, pads: readonly (readonly [number, number])[], value: number): Value {
  if (pads.every(([low, high]) => low === 0 && high === 0)) return x;
  const rows = [0, 0, ...pads.flat(), 0, 0];
  return b.op("PadV2", [x, b.reshape(b.ints(rows), [x.rank, 2]), b.scalar(x.dtype, value)]);
}

/** Pads as the node asks, by numbers where they are known, and by what the run tells where SAME meets a size that is not. */
export function padAsAsked(b: Builder, x: Value, axes: readonly Axis[], value: number): Value {
  const pads = axes.flatMap((axis) => (axis.pads ? [axis.pads] : []));
  if (pads.length === axes.length) return padSpatial(b, x, pads, value);
  return b.op("PadV2", [x, runtimeSamePads(b, x, axes), b.scalar(x.dtype, value)]);
}

/** Puts `gap` zeroes behind each element of an axis; the axes behind it must be known. */
export function spread(b: Builder, x: Value, axis: number, gap: number, at: LegalAt): Value {
  if (gap === 0) return x;
  const inner = x.shape.slice(axis + 1);
  const size = x.shape[axis];
  if (typeof size !== "number" || !inner.every((dim) => typeof dim === "number"))
    throw at.unsupported(`${at.node.op} over a size that is not known`, "give the input's shape with --input");
  const row = (inner as number[]).reduce((product, dim) => product * dim, 1);
  const elements = b.reshape(x, [-1, 1, row]);
  const spaced = b.op("PadV2", [elements, b.reshape(b.ints([0, 0, 0, gap, 0, 0]), [3, 2]), b.scalar(x.dtype, 0)]);
  return b.reshapeTo(
    spaced,
    [...x.shape.slice(0, axis), size * (gap + 1), ...inner],
    x.shape.map((_, i) => (i < axis ? ([x, i] as const) : undefined)),
  );
}

/** A kernel with its dilation written out: zeroes between its elements. */
export function spreadKernel(b: Builder, filter: Value, axes: readonly Axis[], at: LegalAt): Value {
  return axes.reduce((w, axis, i) => {
    if (axis.dilation === 1 || axis.kernel === 1) return w;
    const wide = spread(b, w, i, axis.dilation - 1, at);
    return b.slice(
      wide,
      wide.shape.map(() => 0),
      wide.shape.map((_, k) => (k === i ? extent(axis) : -1)),
    );
  }, filter);
}
