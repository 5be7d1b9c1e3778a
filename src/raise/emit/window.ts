/** The window of a convolution or a pool, channels first: TensorFlow's attributes as ONNX's. */
import type { Dim } from "../../graph/graph.ts";
import { ints, type OnnxAttr, text } from "../../graph/onnx-graph.ts";
import type { EmitAt } from "../rule.ts";

/** One spatial axis. */
export interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

export const extent = ({ kernel, dilation }: Axis): number => (kernel - 1) * dilation + 1;

/** What SAME pads so that every `stride`-th of `size` elements is the middle of a window. */
export function samePads(size: number, axis: Axis): readonly [number, number] {
  const total = Math.max(0, (Math.ceil(size / axis.stride) - 1) * axis.stride + extent(axis) - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

export function axesOf(at: EmitAt, kernel: readonly Dim[]): readonly Axis[] {
  const [strides, dilations] = [at.numbers("strides"), at.numbers("dilations")];
  return kernel.map((size, i) => {
    if (typeof size !== "number") throw at.unsupported(`${at.node.op} with a kernel of unknown size`);
    return { kernel: size, stride: strides?.[i + 2] ?? 1, dilation: dilations?.[i + 2] ?? 1 };
  });
}

/** Numbers that TensorFlow gives for EXPLICIT padding: a pair an axis. */
export function explicitPads(at: EmitAt, axes: readonly Axis[]): readonly (readonly [number, number])[] {
  const pads = at.numbers("explicit_paddings");
  return axes.map((_, i) => [pads?.[2 * i + 4] ?? 0, pads?.[2 * i + 5] ?? 0] as const);
}

/** Strides, dilations and padding. SAME over a size that is not known is left to the runtime. */
export function windowAttrs(at: EmitAt, axes: readonly Axis[], sizes: readonly Dim[]): Record<string, OnnxAttr> {
  const attrs: Record<string, OnnxAttr> = {
    kernel_shape: ints(axes.map(({ kernel }) => kernel)),
    strides: ints(axes.map(({ stride }) => stride)),
  };
  if (axes.some(({ dilation }) => dilation !== 1)) attrs["dilations"] = ints(axes.map(({ dilation }) => dilation));
  const padding = at.text("padding", "VALID");
  if (padding === "SAME" && !sizes.every((size) => typeof size === "number")) return { ...attrs, auto_pad: text("SAME_UPPER") };
  const pads = padding === "SAME" ? axes.map((axis, i) => samePads(sizes[i] as number, axis)) : explicitPads(at, axes);
  if (pads.some(([low, high]) => low !== 0 || high !== 0)) attrs["pads"] = onnxPads(pads);
  return attrs;
}

/** All beginnings, then all ends. */
export const onnxPads = (pads: readonly (readonly [number, number])[]): OnnxAttr =>
  ints([...pads.map(([low]) => low), ...pads.map(([, high]) => high)]);
