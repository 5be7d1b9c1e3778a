/** What convolutions and pools share: the attributes of a window, ONNX's padding words, and the way to channels-last and back. */
import type { Dim, Shape, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { ints, oneOf } from "../schema.ts";

export const autoPad = oneOf("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER");
export const windowAttrs = { auto_pad: autoPad, strides: ints(), dilations: ints(), pads: ints() };

export interface WindowAttrs {
  readonly auto_pad: "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER";
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
}

/** One spatial axis of a window. */
export interface Axis {
  readonly size: Dim;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pads: readonly [number, number];
}

/** Elements of the input that a window spans. */
export const extent = (axis: Axis): number => (axis.kernel - 1) * axis.dilation + 1;

/** The numbers of an attribute over `count` axes. */
function perAxis(values: readonly number[] | undefined, count: number, name: string, at: At): readonly number[] {
  if (values === undefined) return new Array<number>(count).fill(1);
  if (values.length !== count) throw at.invalid(`${name} of ${values.length} numbers over ${count} spatial axes`);
  if (values.some((value) => value < 1)) throw at.invalid(`${name} below 1: ${values}`);
  return values;
}

export interface Window {
  readonly axes: readonly Axis[];
  /** TensorFlow's SAME gives this padding, also where sizes are not known; then `pads` are zeroes there. */
  readonly same: boolean;
}

/** The window on every spatial axis, `auto_pad` resolved to numbers. SAME_LOWER with a stride needs the sizes. */
export function resolveWindow(spatial: Shape, kernel: readonly number[], a: WindowAttrs, at: At): Window {
  const count = spatial.length;
  const kernels = perAxis(kernel, count, "kernel_shape", at);
  const strides = perAxis(a.strides, count, "strides", at);
  const dilations = perAxis(a.dilations, count, "dilations", at);
  if (a.pads !== undefined && a.pads.length !== 2 * count)
    throw at.invalid(`pads of ${a.pads.length} numbers over ${count} spatial axes`);
  if (a.pads?.some((pad) => pad < 0)) throw at.unsupported(`negative pads: ${a.pads}`);
  const axes = spatial.map((size, i) => {
    const axis = { size, kernel: kernels[i]!, stride: strides[i]!, dilation: dilations[i]!, pads: [0, 0] as const };
    if (a.auto_pad === "NOTSET") return { ...axis, pads: [a.pads?.[i] ?? 0, a.pads?.[count + i] ?? 0] as const };
    return a.auto_pad === "VALID" ? axis : { ...axis, pads: samePads(axis, a.auto_pad, at) };
  });
  return { axes, same: a.auto_pad === "SAME_UPPER" };
}

function samePads(axis: Axis, word: "SAME_UPPER" | "SAME_LOWER", at: At): readonly [number, number] {
  const { size, stride } = axis;
  if (typeof size !== "number" && stride !== 1) {
    if (word === "SAME_UPPER") return [0, 0];
    throw at.unsupported(
      "auto_pad SAME_LOWER with a stride over a size that is not known",
      "give the input's shape with --input",
    );
  }
  const total =
    typeof size === "number" ? Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent(axis) - size) : extent(axis) - 1;
  const less = Math.floor(total / 2);
  return word === "SAME_UPPER" ? [less, total - less] : [total - less, less];
}

/** TensorFlow's window attributes over a channels-last tensor; a single spatial axis is preceded by one of size 1. */
export function windowAttrsOf({ axes, same }: Window): Record<string, string | readonly number[]> {
  const all = axes.length === 1 ? [unitAxis, ...axes] : axes;
  const padded = !same && all.some(({ pads }) => pads[0] !== 0 || pads[1] !== 0);
  const dilated = all.some(({ dilation }) => dilation !== 1);
  return {
    strides: [1, ...all.map(({ stride }) => stride), 1],
    padding: same ? "SAME" : padded ? "EXPLICIT" : "VALID",
    ...(padded && { explicit_paddings: [0, 0, ...all.flatMap(({ pads }) => pads), 0, 0] }),
    ...(dilated && { dilations: [1, ...all.map(({ dilation }) => dilation), 1] }),
  };
}

/** TensorFlow's `ksize` over the same tensor. */
export const ksizeOf = ({ axes }: Window): readonly number[] => [
  1,
  ...(axes.length === 1 ? [1] : []),
  ...axes.map(({ kernel }) => kernel),
  1,
];

const unitAxis: Axis = { size: 1, kernel: 1, stride: 1, dilation: 1, pads: [0, 0] };

/** N C … → N … C; a single spatial axis becomes two. */
export function toLast(b: Builder, x: Value): Value {
  const last = b.transpose(x, [0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2), 1]);
  return x.rank === 3 ? b.op("ExpandDims", [last, b.scalar("int32", 1)]) : last;
}

/** The inverse of `toLast`, to a tensor of `spatial` spatial axes. */
export function toFirst(b: Builder, x: Value, spatial: number): Value {
  const last = spatial === 1 ? b.squeeze(x, [1]) : x;
  return b.transpose(last, [0, spatial + 1, ...Array.from({ length: spatial }, (_, i) => i + 1)]);
}

/** Rank, and so the number of spatial axes, that TensorFlow's windows reach. */
export function spatialShape(x: Value, what: string, at: At): Shape {
  const spatial = x.shape.slice(2);
  if (x.rank < 3) throw at.invalid(`${what} of a rank-${x.rank} tensor`);
  if (spatial.length > 3) throw at.unsupported(`${what} over ${spatial.length} spatial axes`);
  return spatial;
}

/** A tensor padded by the windows' pads on the axes after the first; `first` is the axis of the first window. */
export function padBy(b: Builder, x: Value, pads: readonly (readonly [number, number])[], first: number, value: number): Value {
  if (pads.every(([low, high]) => low === 0 && high === 0)) return x;
  const rows = Array.from({ length: x.rank }, (_, axis) => pads[axis - first] ?? [0, 0]);
  return b.op("PadV2", [x, b.reshape(b.ints(rows.flat()), [x.rank, 2]), b.scalar(x.dtype, value)]);
}
