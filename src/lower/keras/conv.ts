/** Convolutions over 1, 2 or 3 spatial axes, channels last inside; a sequence is an image of one row. */
import type { Attrs, Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { activate, isElementwise } from "./activation.ts";
import { channelsLast, type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";

export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: string;
}

export function windowOf({ config, at }: LayerCall, axes: number): Window {
  const padding = config.string("padding", "valid").toUpperCase();
  if (padding !== "VALID" && padding !== "SAME" && !(padding === "CAUSAL" && axes === 1))
    throw at.invalid(`padding is ${padding.toLowerCase()}`);
  return { strides: config.numbers("strides", axes, 1), dilations: config.numbers("dilation_rate", axes, 1), padding };
}

const row = (b: Builder, x: Value, axis: number): Value => b.op("ExpandDims", [x, b.scalar("int32", axis)]);

/** The hub's attributes; a row is put before one axis, and a causal window sees nothing after its place. */
function attrsOf({ strides, dilations, padding }: Window, kernel: Dim): Attrs {
  const one = strides.length === 1;
  const spread = (each: readonly number[]) => [1, ...(one ? [1] : []), ...each, 1];
  const attrs = { strides: spread(strides), dilations: spread(dilations), data_format: strides.length === 3 ? "NDHWC" : "NHWC" };
  if (padding !== "CAUSAL") return { ...attrs, padding };
  const before = ((kernel as number) - 1) * dilations[0]!;
  return { ...attrs, padding: "EXPLICIT", explicit_paddings: [0, 0, 0, 0, before, 0, 0, 0] };
}

/** op(x, kernel) with one axis widened to two and back. */
export function windowed(b: Builder, op: string, x: Value, kernel: Value, window: Window): Value {
  const attrs = attrsOf(window, kernel.shape[0]);
  if (window.strides.length > 1) return b.op(op, [x, kernel], attrs);
  return b.squeeze(b.op(op, [row(b, x, 1), row(b, kernel, 0)], attrs), [1]);
}

/** The work with channels last, then bias and activation; one over the last axis is over that of Keras's layout. */
function convolved(call: LayerCall, x: Value, bias: Value | undefined, work: (last: Value) => Value): Value {
  const { b, config } = call;
  const within = isElementwise(call);
  const y = channelsLast(b, x, config.channelsFirst, (last) => {
    const plain = work(last);
    const whole = bias ? b.op("BiasAdd", [plain, bias]) : plain;
    return within ? activate(call, whole) : whole;
  });
  return within ? y : activate(call, y);
}

const biased = ({ config }: LayerCall): readonly string[] => (config.flag("use_bias", true) ? ["bias"] : []);

const convolution = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, weights, at } = call;
    const [stored, bias] = weights.take("kernel", ...biased(call));
    const kernel = kernelOf(call, stored!, axes);
    if (kernel.rank !== axes + 2) throw at.invalid(`a kernel of rank ${kernel.rank}`);
    return convolved(call, x, bias, (last) => windowed(b, axes === 3 ? "Conv3D" : "Conv2D", last, kernel, windowOf(call, axes)));
  });

/** Before Keras 2 kernels were written as Theano has them where the channels were first, and those of one axis with a second. */
export function kernelOf({ b, major, config }: Pick<LayerCall, "b" | "major" | "config">, kernel: Value, axes: number): Value {
  if (major > 1) return kernel;
  if (axes === 1 && kernel.rank === 4) return b.squeeze(kernel, [kernel.shape[0] === 1 && kernel.shape[1] !== 1 ? 0 : 1]);
  if (axes === 2 && config.channelsFirst) return b.transpose(kernel, [2, 3, 1, 0]);
  return kernel;
}

/** What a convolution of this window would have been made from. */
function grown(size: Dim, kernel: Dim, i: number, { strides, padding }: Window, extra: readonly number[] | undefined): Dim {
  if (typeof size !== "number" || typeof kernel !== "number") return undefined;
  const stride = strides[i]!;
  if (extra === undefined) return padding === "SAME" ? size * stride : size * stride + Math.max(kernel - stride, 0);
  return (size - 1) * stride + kernel - 2 * (padding === "SAME" ? Math.floor(kernel / 2) : 0) + extra[i]!;
}

const transposed = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, config, weights, at } = call;
    const [kernel, bias] = weights.take("kernel", ...biased(call));
    const window = windowOf(call, axes);
    if (window.dilations.some((dilation) => dilation > 1)) throw at.unsupported("a transposed convolution with dilation");
    const extra = config.has("output_padding") ? config.numbers("output_padding", axes) : undefined;
    return convolved(call, x, bias, (last) => {
      const sizes = last.shape.slice(1, -1).map((size, i) => grown(size, kernel!.shape[i], i, window, extra));
      if (sizes.includes(undefined))
        throw at.unsupported("a transposed convolution over a size that is not known", "give the input's shape with --input");
      const wide = axes === 1 ? row(b, last, 1) : last;
      const filter = axes === 1 ? row(b, kernel!, 0) : kernel!;
      const shape = b.shapeVector([last.shape[0], ...(axes === 1 ? [1] : []), ...sizes, filter.shape.at(-2)], [[last, 0]]);
      const op = axes === 3 ? "Conv3DBackpropInputV2" : "Conv2DBackpropInput";
      const y = b.op(op, [shape, filter, wide], attrsOf(window, undefined));
      return axes === 1 ? b.squeeze(y, [1]) : y;
    });
  });

const depthwise = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, weights } = call;
    const names = weights.list.some(({ name }) => name.endsWith("depthwise_kernel")) ? "depthwise_kernel" : "kernel";
    const [kernel, bias] = weights.take(names, ...biased(call));
    return convolved(call, x, bias, (last) => windowed(b, "DepthwiseConv2dNative", last, kernel!, windowOf(call, axes)));
  });

/** Each channel on its own, then a mixture of the channels. */
const separable = (axes: number): LayerFn =>
  simple((call, x) => {
    const { b, weights } = call;
    const [deep, point, bias] = weights.take("depthwise_kernel", "pointwise_kernel", ...biased(call));
    const plain: Window = { strides: new Array(axes).fill(1), dilations: new Array(axes).fill(1), padding: "VALID" };
    return convolved(call, x, bias, (last) => {
      const each = windowed(b, "DepthwiseConv2dNative", last, deep!, windowOf(call, axes));
      return windowed(b, "Conv2D", each, point!, plain);
    });
  });

export const convLayers: Layers = {
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv3D: convolution(3),
  Conv1DTranspose: transposed(1),
  Conv2DTranspose: transposed(2),
  Conv3DTranspose: transposed(3),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  // Keras 1
  Convolution1D: convolution(1),
  Convolution2D: convolution(2),
  Convolution3D: convolution(3),
  AtrousConvolution2D: convolution(2),
};
