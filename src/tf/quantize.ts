/**
 * The hub's own quantisation ops, since TensorFlow's have no per-axis zero points:
 * Quantize(x, scale, zero) = saturate(roundHalfEven(x / scale) + zero), in attribute `dtype`, and Dequantize(q, scale, zero) =
 * (q − zero) · scale, in the scale's type. Scale and zero point broadcast against the first input: per tensor, per axis, per block.
 * QuantizeSteps(x, factor) = x · factor rounded half to even and kept to attributes `low` and `high`: codes less their zero point, as floats.
 */
import { type DType, integerRange, isInteger } from "../base/dtype.ts";
import { decodeMiniFloat, encodeMiniFloat, isMiniFloat, miniFloats } from "../base/minifloat.ts";
import { roundTo } from "../base/round.ts";
import { allocate, elementCount, type Tensor } from "../graph/tensor.ts";
import { broadcast, type Call, define } from "./op.ts";
import { roundHalfEven } from "./scalar.ts";
import { broadcastStrides, walk } from "./walk.ts";

const shapeOf = (call: Call) => broadcast(call.shape(0), broadcast(call.shape(1), call.shape(2)));

/** Brings a number into an integer or a small float type: nearest, ties to even, saturated (small floats: only if asked). */
function saturating(dtype: DType, saturate: boolean): (x: number) => number {
  if (isMiniFloat(dtype)) {
    const format = miniFloats[dtype];
    return (x) => decodeMiniFloat(format, encodeMiniFloat(format, x, saturate));
  }
  if (!isInteger(dtype)) return roundTo(dtype);
  const [low, high] = integerRange(dtype).map(Number) as [number, number];
  return (x) => Math.min(Math.max(x, low), high);
}

/** Elementwise over three broadcast inputs. */
function foldThree(
  inputs: readonly Tensor[],
  dtype: DType,
  shape: readonly number[],
  each: (x: number, s: number, z: number) => number,
): Tensor {
  const data = allocate(dtype, elementCount(shape)) as Float32Array;
  const [x, scale, zero] = inputs.map((input) => input.data as Float32Array);
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  walk(shape, strides, (at, [i, j, k]) => {
    data[at] = each(Number(x![i!]!), scale![j!]!, Number(zero![k!]!));
  });
  return { dtype, shape, data };
}

define(
  {
    name: "Quantize",
    elementwise: true,
    infer: (call) => [{ dtype: call.attr<string>("dtype") as DType, shape: shapeOf(call) }],
    fold: (inputs, attrs, [type]) => {
      const whole = isInteger(type!.dtype) ? roundHalfEven : (x: number) => x;
      const rounded = saturating(type!.dtype, attrs["saturate"] !== false);
      return [
        foldThree(inputs, type!.dtype, type!.shape as readonly number[], (x, s, z) => rounded(whole(Math.fround(x / s)) + z)),
      ];
    },
  },
  {
    name: "QuantizeSteps",
    elementwise: true,
    infer: (call) => [{ dtype: call.dtype(), shape: broadcast(call.shape(0), call.shape(1)) }],
    fold: ([x, factor], attrs, [type]) => {
      const [low, high] = [attrs["low"] as number, attrs["high"] as number];
      const step = (value: number, by: number) => Math.min(Math.max(roundHalfEven(Math.fround(value * by)), low), high);
      return [foldThree([x!, factor!, factor!], type!.dtype, type!.shape as readonly number[], step)];
    },
  },
  {
    name: "Dequantize",
    elementwise: true,
    infer: (call) => [{ dtype: call.dtype(1), shape: shapeOf(call) }],
    fold: (inputs, _, [type]) => {
      const round = roundTo(type!.dtype);
      return [foldThree(inputs, type!.dtype, type!.shape as readonly number[], (x, s, z) => round(Math.fround(x - z) * s))];
    },
  },
);
