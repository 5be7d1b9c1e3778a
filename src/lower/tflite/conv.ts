/** Convolutions over N H W C: filters O H W I (depthwise 1 H W O) become H W I O. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { int, oneOf } from "../schema.ts";
import { bounded, type Fused, fused } from "./activation.ts";
import { hybridInput } from "./hybrid.ts";
import {
  isBetweenCodes,
  quantizationOf,
  rescaled,
  reshapeWeights,
  scaled,
  transposeWeights,
  unsigned,
  weightSteps,
} from "./quantized.ts";
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

type Product = (x: Value, w: Value) => Value;

/**
 * A product with weights, its bias and activation. Weights that are codes are multiplied as such; their scale, and that of an input of
 * steps, stays outside.
 */
export function weighted(
  b: Builder,
  x: Value,
  w: Value,
  bias: Value | undefined,
  activation: Fused,
  product: Product,
  at: At,
): Value {
  const add = (y: Value, c: Value | undefined) => (c ? b.op("BiasAdd", [y, b.reshape(c, [-1])]) : y);
  const weights = weightSteps(b, w);
  // A float input is rounded as it runs, for which no operator of ONNX stands.
  const isDecoded = isBetweenCodes(at.declared(), at.quantized);
  if (!weights || isDecoded) return bounded(b, add(product(x, unsigned(b, w)), bias), activation);
  const { value, scale: own } = scaled(b, x);
  const sums = product(value, weights.steps);
  if (!own) return bounded(b, add(rescaled(b, sums, weights.scale), bias), activation);
  const scale = b.op("Mul", [weights.scale, own]);
  // A bias has codes of this very scale, which sums of products are added to; dividing brings them back but for an error of rounding.
  const codes = bias && b.op("RealDiv", [bias, scale]);
  const whole = codes && quantizationOf(at.given(2), true) ? b.op("Round", [codes]) : codes;
  return bounded(b, rescaled(b, add(sums, whole), scale), activation);
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
    const input = hybridInput(b, x, "asymmetric", at);
    const convolve: Product = (part, filter) => b.op("Conv2D", [part, filter], attrs2d(a));
    return [weighted(b, input, transposeWeights(b, w, [1, 2, 3, 0]), bias, a.fused_activation_function, convolve, at)];
  }),
  lite("DEPTHWISE_CONV_2D", { arity: [2, 3], attrs: window2d }, (b, [x, w, bias], a, at) => {
    const input = hybridInput(b, x, "asymmetric", at);
    const convolve: Product = (part, filter) => b.op("DepthwiseConv2dNative", [part, filter], attrs2d(a));
    return [weighted(b, input, depthwiseFilter(b, w, x.shape[3], at), bias, a.fused_activation_function, convolve, at)];
  }),
  lite("TRANSPOSE_CONV", { arity: [3, 4], attrs: transposed }, (b, [sizes, w, x, bias], a, at) => {
    const attrs = { strides: [1, a.stride_h, a.stride_w, 1], padding: a.padding, data_format: "NHWC" };
    // Of sizes that are computed the channels are known all the same.
    const whole = b.concat([b.slice(b.cast(sizes, "int32"), [0], [3]), b.dim(w, 0)], 0);
    const convolve: Product = (part, filter) => b.op("Conv2DBackpropInput", [whole, filter, part], attrs);
    const input = hybridInput(b, x, "asymmetric", at, 2);
    return [weighted(b, input, transposeWeights(b, w, [1, 2, 0, 3]), bias, a.fused_activation_function, convolve, at)];
  }),
  lite("CONV_3D", { arity: [2, 3], attrs: window3d }, (b, [x, w, bias], a, at) => [
    weighted(b, x, w, bias, a.fused_activation_function, (part, filter) => b.op("Conv3D", [part, filter], attrs3d(a)), at),
  ]),
  lite("CONV_3D_TRANSPOSE", { arity: [3, 4], attrs: window3d }, (b, [sizes, w, x, bias], a, at) => {
    const convolve: Product = (part, filter) => b.op("Conv3DBackpropInputV2", [sizes, filter, part], attrs3d(a));
    return [weighted(b, x, w, bias, a.fused_activation_function, convolve, at)];
  }),
];
