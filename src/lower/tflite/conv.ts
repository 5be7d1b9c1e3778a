/** Convolutions over N H W C: filters O H W I (depthwise 1 H W O) become H W I O. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { int, oneOf } from "../schema.ts";
import { activate, type Fused, fused } from "./activation.ts";
import { hybridInput } from "./hybrid.ts";
import { reshapeWeights, transposeWeights } from "./quantized.ts";
import { lite } from "./rule.ts";

export const padding = oneOf("SAME", "VALID");

const window2d = {
  padding,
  stride_w: int(1),
  stride_h: int(1),
  dilation_w_factor: int(1),
  dilation_h_factor: int(1),
  fused_activation_function: fused,
};
type Window2d = {
  padding: string;
  stride_w: number;
  stride_h: number;
  dilation_w_factor: number;
  dilation_h_factor: number;
};

const attrs2d = (a: Window2d) => ({
  strides: [1, a.stride_h, a.stride_w, 1],
  dilations: [1, a.dilation_h_factor, a.dilation_w_factor, 1],
  padding: a.padding,
  data_format: "NHWC",
});

export function finish(b: Builder, y: Value, bias: Value | undefined, activation: Fused, at: At): Value {
  return activate(b, bias ? b.op("BiasAdd", [y, b.reshape(bias, [-1])]) : y, activation, at);
}

/** Filters 1 H W (I·M), the multiplier innermost. */
function depthwiseFilter(b: Builder, w: Value, channels: Value["shape"][number], at: At): Value {
  const [, height, width, outputs] = w.shape;
  if (typeof channels !== "number" || typeof outputs !== "number" || typeof height !== "number" || typeof width !== "number")
    throw at.unsupported("a depthwise convolution of unknown size");
  if (outputs % channels !== 0) throw at.invalid(`${outputs} depthwise filters for ${channels} channels`);
  const multiplier = outputs / channels;
  return reshapeWeights(b, w, [height, width, channels, multiplier], [1, 1, channels, multiplier]);
}

const transposed = {
  padding,
  stride_w: int(1),
  stride_h: int(1),
  fused_activation_function: fused,
};

const window3d = {
  padding,
  stride_d: int(1),
  stride_w: int(1),
  stride_h: int(1),
  dilation_d_factor: int(1),
  dilation_w_factor: int(1),
  dilation_h_factor: int(1),
  fused_activation_function: fused,
};
type Window3d = Window2d & { stride_d: number; dilation_d_factor: number };

const attrs3d = (a: Window3d) => ({
  strides: [1, a.stride_d, a.stride_h, a.stride_w, 1],
  dilations: [1, a.dilation_d_factor, a.dilation_h_factor, a.dilation_w_factor, 1],
  padding: a.padding,
  data_format: "NDHWC",
});

export const convolutions: readonly Rule[] = [
  lite("CONV_2D", { arity: [2, 3], attrs: window2d }, (b, [x, w, bias], a, at) => {
    const filter = transposeWeights(b, w, [1, 2, 3, 0]);
    return [finish(b, b.op("Conv2D", [hybridInput(b, x, w, at), filter], attrs2d(a)), bias, a.fused_activation_function, at)];
  }),
  lite("DEPTHWISE_CONV_2D", { arity: [2, 3], attrs: window2d }, (b, [x, w, bias], a, at) => {
    const filter = depthwiseFilter(b, w, x.shape[3], at);
    const y = b.op("DepthwiseConv2dNative", [hybridInput(b, x, w, at), filter], attrs2d(a));
    return [finish(b, y, bias, a.fused_activation_function, at)];
  }),
  lite("TRANSPOSE_CONV", { arity: [3, 4], attrs: transposed }, (b, [sizes, w, x, bias], a, at) => {
    const attrs = { strides: [1, a.stride_h, a.stride_w, 1], padding: a.padding, data_format: "NHWC" };
    const y = b.op("Conv2DBackpropInput", [sizes, transposeWeights(b, w, [1, 2, 0, 3]), x], attrs);
    return [finish(b, y, bias, a.fused_activation_function, at)];
  }),
  lite("CONV_3D", { arity: [2, 3], attrs: window3d }, (b, [x, w, bias], a, at) => [
    finish(b, b.op("Conv3D", [x, w], attrs3d(a)), bias, a.fused_activation_function, at),
  ]),
  lite("CONV_3D_TRANSPOSE", { arity: [3, 4], attrs: window3d }, (b, [sizes, w, x, bias], a, at) => [
    finish(b, b.op("Conv3DBackpropInputV2", [sizes, w, x], attrs3d(a)), bias, a.fused_activation_function, at),
  ]),
];
