/** Cast, and what it does to a tensor in memory. */
import { bitsOf, type DType, isComplex, isFloat, isInteger, isUnsigned } from "../base/dtype.ts";
import {
  decodeMiniFloat,
  encodeMiniFloat,
  isMiniFloat,
  type MiniFloat,
  type MiniFloatName,
  miniFloats,
} from "../base/minifloat.ts";
import { modelError } from "../base/problem.ts";
import { roundTo } from "../base/round.ts";
import { allocate, type Elements, type Tensor } from "../graph/tensor.ts";
import { define } from "./op.ts";

define({
  name: "Cast",
  elementwise: true,
  infer: (call) => [{ dtype: call.attr<string>("DstT") as DType, shape: call.shape() }],
  fold: ([x], attrs, [type]) => [castTensor(x!, type!.dtype, attrs["saturate"] !== false)],
  elements: (call) => (isInteger(call.dtype()) && isInteger(call.attr<string>("DstT") as DType) ? call.dims(0) : undefined),
});

/**
 * TensorFlow's Cast: floats truncate toward zero, integers wrap to the narrower width, anything but 0 is true. What is past the
 * greatest float of 4 or 8 bits becomes that one, or (`saturate` false) infinity or NaN.
 */
export function castTensor(x: Tensor, dtype: DType, saturate = true): Tensor {
  const { data, shape } = x;
  if (x.dtype === dtype) return x;
  if (Array.isArray(data) || dtype === "string") throw modelError("bad-dtype", `cast from ${x.dtype} to ${dtype}`);
  if (isComplex(x.dtype) || isComplex(dtype)) throw modelError("bad-dtype", `cast from ${x.dtype} to ${dtype}`);
  const out = allocate(dtype, data.length) as Exclude<Elements, string[]>;
  const big = out instanceof BigInt64Array || out instanceof BigUint64Array;
  const bits = bitsOf[dtype] ?? 0;
  const round = isTiny(dtype) ? roundTiny(dtype, saturate) : roundTo(dtype);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (dtype === "bool") out[i] = Number(value) !== 0 ? 1 : 0;
    else if (big) out[i] = typeof value === "bigint" ? value : floatToInt64(value, isUnsigned(dtype));
    else if (isFloat(dtype)) out[i] = round(Number(value));
    else if (typeof value === "bigint")
      out[i] = Number(isUnsigned(dtype) ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value));
    else out[i] = round(isFloat(x.dtype) ? floatToInt(value, bits, isUnsigned(dtype)) : value);
  }
  return { dtype, shape, data: out };
}

const isTiny = (dtype: DType): dtype is DType & MiniFloatName => /^float[48]/.test(dtype) && isMiniFloat(dtype);

function roundTiny(dtype: MiniFloatName, saturate: boolean): (x: number) => number {
  const format: MiniFloat = miniFloats[dtype];
  // A format without a NaN has nothing to keep it in.
  const kept = (x: number) => (Number.isNaN(x) && format.nan === undefined ? 0 : x);
  return (x) => decodeMiniFloat(format, encodeMiniFloat(format, kept(x), saturate));
}

/** Out of range is undefined in TensorFlow; the nearest value is what its CPU kernels give for 32 bits. */
function floatToInt(value: number, bits: number, unsigned: boolean): number {
  if (Number.isNaN(value)) return unsigned ? 0 : -(2 ** (bits - 1));
  const t = Math.trunc(value);
  return unsigned ? Math.min(Math.max(t, 0), 2 ** bits - 1) : Math.min(Math.max(t, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1);
}

function floatToInt64(value: number, unsigned: boolean): bigint {
  const [low, high] = unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];
  if (Number.isNaN(value)) return low;
  if (value >= Number(high)) return high;
  return value <= Number(low) ? low : BigInt(Math.trunc(value));
}
