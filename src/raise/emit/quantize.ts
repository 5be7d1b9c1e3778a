/** Quantisation: QuantizeLinear and DequantizeLinear where their types and layouts of scales allow, else the arithmetic that they are. */
import { bitsOf, integerRange, isFloat } from "../../base/dtype.ts";
import { int } from "../../graph/onnx-graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import { constantOf } from "../../tf/op.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emittedOne } from "../rule.ts";

/** The axis that a scale of this shape runs along against a tensor of `rank`; null for one scale, undefined for any other layout. */
function axisOf(scale: Ref, rank: number | undefined): number | null | undefined {
  const { shape } = scale;
  if (!shape) return undefined;
  const long = shape.flatMap((dim, i) => (dim === 1 ? [] : [i]));
  if (long.length === 0) return null;
  return long.length === 1 && rank !== undefined ? long[0]! + rank - shape.length : undefined;
}

/** Scale and zero point as ONNX has them: scalars, or vectors along an axis. */
function params(o: OnnxBuilder, scale: Ref, zero: Ref, axis: number | null): readonly [Ref, Ref] {
  const dims = axis === null ? [] : [-1];
  const form = (value: Ref) => (value.shape?.length === dims.length ? value : o.reshape(value, dims));
  if (axis === null || zero.shape?.some((dim) => dim !== 1)) return [form(scale), form(zero)];
  // One zero point for all scales.
  const vector = form(scale);
  return [vector, o.op("Expand", [o.reshape(zero, [1]), o.shape(vector)], {}, zero.dtype)];
}

function isZero({ constant }: Ref): boolean {
  const tensor = constant && constantOf(constant);
  return tensor !== undefined && numbersOf(tensor).every((code) => code === 0);
}

function quantize(o: OnnxBuilder, x: Ref, scale: Ref, zero: Ref, at: EmitAt): Ref {
  const to = at.dtype("dtype");
  const axis = axisOf(scale, at.node.inputs[0]!.type.shape?.length);
  const narrow = to === "int8" || to === "uint8" || (at.opset >= 21 && (to === "int16" || to === "uint16"));
  if (narrow && axis !== undefined && scale.dtype === "float32") {
    const [s, z] = params(o, scale, o.cast(zero, to), axis);
    const attrs = axis === null ? {} : { axis: int(axis) };
    return o.op("QuantizeLinear", [o.cast(x, "float32"), s, z], attrs, to);
  }
  if (isFloat(to)) throw at.unsupported(`quantisation to ${to}`);
  const steps = o.op("Round", [o.op("Div", [x, o.cast(scale, x.dtype)])]);
  // Past 2^24 float32 holds no odd numbers.
  const wide = bitsOf[to]! > 16 ? "float64" : x.dtype;
  const codes = o.op("Add", [o.cast(steps, wide), o.cast(zero, wide)]);
  const [low, high] = integerRange(to).map(Number) as [number, number];
  return o.cast(o.op("Clip", [codes, o.scalar(wide, low), o.scalar(wide, high)]), to);
}

function dequantize(o: OnnxBuilder, codes: Ref, scale: Ref, zero: Ref, at: EmitAt): Ref {
  const axis = axisOf(scale, at.node.inputs[0]!.type.shape?.length);
  const narrow = codes.dtype === "int8" || codes.dtype === "uint8" || (at.opset >= 21 && /^u?int16$/.test(codes.dtype));
  if (narrow && axis !== undefined && scale.dtype === "float32") {
    const [s, z] = params(o, scale, o.cast(zero, codes.dtype), axis);
    return o.op("DequantizeLinear", [codes, s, z], axis === null ? {} : { axis: int(axis) }, scale.dtype);
  }
  // Of 32 bits ONNX has those without a zero point.
  if (codes.dtype === "int32" && axis !== undefined && scale.dtype === "float32" && isZero(zero))
    return o.op(
      "DequantizeLinear",
      [codes, params(o, scale, zero, axis)[0]],
      axis === null ? {} : { axis: int(axis) },
      scale.dtype,
    );
  if (isFloat(codes.dtype)) return o.op("Mul", [o.cast(o.op("Sub", [codes, o.cast(zero, codes.dtype)]), scale.dtype), scale]);
  // The difference of two codes of 32 bits is none that float32 holds.
  const wide = bitsOf[codes.dtype]! > 16 ? "int64" : "int32";
  const steps = o.op("Sub", [o.cast(codes, wide), o.cast(zero, wide)]);
  return o.op("Mul", [o.cast(steps, scale.dtype), scale]);
}

/**
 * Whole steps within bounds, as floats. A constant factor divides by its reciprocal: onnxruntime moves a product behind a convolution into
 * the weights, whose sums are then no whole numbers any more.
 */
function quantizeSteps(o: OnnxBuilder, x: Ref, factor: Ref, at: EmitAt): Ref {
  const by = factor.constant && o.constant(o.b.op("Reciprocal", [factor.constant]));
  const steps = o.op("Round", [by ? o.op("Div", [x, by]) : o.op("Mul", [x, factor])]);
  const bound = (name: string) => {
    const value = at.number(name, Number.NaN);
    return Number.isFinite(value) ? o.scalar(x.dtype, value) : undefined;
  };
  const [low, high] = [bound("low"), bound("high")];
  return low || high ? o.op("Clip", [steps, low, high]) : steps;
}

export const quantizations: readonly EmitRule[] = [
  emittedOne("Quantize", (o, [x, scale, zero], at) => quantize(o, x!, scale!, zero!, at)),
  emittedOne("Dequantize", (o, [codes, scale, zero], at) => dequantize(o, codes!, scale!, zero!, at)),
  emittedOne("QuantizeSteps", (o, [x, factor], at) => quantizeSteps(o, x!, factor!, at)),
];
