/**
 * Operators on quantised tensors (QOperator form), of ONNX and of com.microsoft. Codes less their zero points are small whole numbers,
 * on which float32 products and sums are exact up to 2^24; results are rounded as the source rounds them.
 */
import { type DType, integerRange } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, ints } from "../schema.ts";
import { type ConvAttrs, convAttrs, convolve } from "./conv.ts";
import { matmul } from "./matmul.ts";
import { averagePool, poolAttrs } from "./pool.ts";
import { dynamicQuantize } from "./quantize.ts";

const float32 = (b: Builder, x: Value): Value => b.cast(x, "float32");
const mul = (b: Builder, x: Value, y: Value): Value => b.op("Mul", [x, y]);

/** A vector of one element broadcasts as a scalar; a longer one along the axis that `rest` dims follow. */
function along(b: Builder, v: Value, rest: number): Value {
  if (v.rank !== 1) return v;
  return v.shape[0] === 1 ? b.reshape(v, []) : b.reshapeTo(v, [v.shape[0], ...new Array<number>(rest).fill(1)]);
}

/** Codes less their zero point, as float32. */
export function centred(b: Builder, codes: Value, zero: Value | undefined, rest = 0): Value {
  const x = float32(b, codes);
  return zero ? b.op("Sub", [x, float32(b, along(b, zero, rest))]) : x;
}

const real = (b: Builder, codes: Value, scale: Value, zero: Value | undefined): Value =>
  mul(b, centred(b, codes, zero), along(b, scale, 0));

/** Real numbers as codes. */
function coded(b: Builder, x: Value, scale: Value, zero: Value | undefined, dtype: DType): Value {
  return b.op("Quantize", [x, along(b, scale, 0), zero ? along(b, zero, 0) : b.scalar(dtype, 0)], { dtype, saturate: true });
}

/** Whole-number sums as codes: one factor, then one rounding, as integer kernels do it. */
function requantized(b: Builder, sums: Value, factor: Value, zero: Value | undefined, dtype: DType): Value {
  const steps = mul(b, sums, factor);
  return b.op("Quantize", [steps, b.scalar("float32", 1), zero ? along(b, zero, 0) : b.scalar(dtype, 0)], {
    dtype,
    saturate: true,
  });
}

const exactLimit = 2 ** 24;

/** The greatest size of a code less its zero point. */
function greatest(codes: Value, zero: Value | undefined): number {
  const [low, high] = integerRange(codes.dtype).map(Number) as [number, number];
  if (!zero) return Math.max(-low, high);
  const known = constantOf(zero);
  return known ? Math.max(...numbersOf(known).map((z) => Math.max(z - low, high - z))) : high - low;
}

const int32 = (b: Builder, x: Value): Value => b.cast(x, "int32");

/** Pieces of an axis, each short enough that its sums are exact in float32; their int32 sum. */
function exactSum(b: Builder, size: number, step: number, piece: (begin: number, size: number) => Value): Value {
  const sums: Value[] = [];
  for (let begin = 0; begin < size; begin += step) sums.push(int32(b, piece(begin, Math.min(step, size - begin))));
  return sums.reduce((total, sum) => b.op("AddV2", [total, sum]));
}

function sliceAxis(b: Builder, x: Value, axis: number, begin: number, size: number): Value {
  if (begin === 0 && size === x.shape[axis]) return x;
  const at = normalAxis(axis, x.rank);
  return b.slice(
    x,
    x.shape.map((_, i) => (i === at ? begin : 0)),
    x.shape.map((_, i) => (i === at ? size : -1)),
  );
}

/** Zero points of rows stand beside the contracted axis, those of columns along the last. */
function matmulInteger(b: Builder, x: Value, y: Value, zeroX: Value | undefined, zeroY: Value | undefined, at: At): Value {
  const [left, right] = [centred(b, x, zeroX, 1), centred(b, y, zeroY)];
  const size = x.shape[x.rank - 1];
  const step = Math.floor(exactLimit / (greatest(x, zeroX) * greatest(y, zeroY)));
  if (typeof size !== "number") return matmul(b, int32(b, left), int32(b, right), at);
  const axis = Math.max(0, y.rank - 2);
  return exactSum(b, size, step, (begin, count) =>
    matmul(b, sliceAxis(b, left, x.rank - 1, begin, count), sliceAxis(b, right, axis, begin, count), at),
  );
}

function convInteger(
  b: Builder,
  x: Value,
  w: Value,
  zeroX: Value | undefined,
  zeroW: Value | undefined,
  a: ConvAttrs,
  at: At,
): Value {
  const [left, right] = [centred(b, x, zeroX), centred(b, w, zeroW, w.rank - 1)];
  const [taken, ...kernel] = w.shape.slice(1);
  if (typeof taken !== "number" || !kernel.every((dim) => typeof dim === "number"))
    throw at.unsupported("weights of unknown size");
  const window = (kernel as number[]).reduce((n, dim) => n * dim, 1) * greatest(x, zeroX) * greatest(w, zeroW);
  const step = Math.floor(exactLimit / window);
  if (step >= taken) return int32(b, convolve(b, left, right, undefined, a, at));
  if (step < 1 || a.group !== 1) throw at.unsupported(`sums past 2^24 over a window of ${kernel.join("×")}`);
  return exactSum(b, taken, step, (begin, count) =>
    convolve(b, sliceAxis(b, left, 1, begin, count), sliceAxis(b, right, 1, begin, count), undefined, a, at),
  );
}

function qlinearConv(b: Builder, inputs: readonly Value[], bias: Value | undefined, a: ConvAttrs, at: At): Value {
  const [x, scaleX, zeroX, w, scaleW, zeroW, scaleY, zeroY] = inputs as [Value, Value, Value, Value, Value, Value, Value, Value];
  const sums = convolve(b, centred(b, x, zeroX), centred(b, w, zeroW, w.rank - 1), bias && float32(b, bias), a, at);
  const factor = b.op("RealDiv", [mul(b, along(b, scaleX, 0), along(b, scaleW, w.rank - 2)), along(b, scaleY, 0)]);
  return requantized(b, sums, factor, zeroY, zeroY.dtype);
}

function qlinearMatMul(b: Builder, inputs: readonly Value[], at: At): Value {
  const [x, scaleX, zeroX, y, scaleY, zeroY, scaleZ, zeroZ] = inputs as [Value, Value, Value, Value, Value, Value, Value, Value];
  const sums = matmul(b, centred(b, x, zeroX, 1), centred(b, y, zeroY), at);
  const scales = [along(b, scaleX, 1), along(b, scaleY, 0), along(b, scaleZ, 0)].map((scale) => float32(b, scale)) as [
    Value,
    Value,
    Value,
  ];
  return requantized(b, sums, b.op("RealDiv", [mul(b, scales[0], scales[1]), scales[2]]), zeroZ, zeroZ.dtype);
}

/** NHWC in and out where the file says so. */
function channelsFirst(b: Builder, x: Value, last: boolean, apply: (x: Value) => Value): Value {
  if (!last) return apply(x);
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i);
  const y = apply(b.transpose(x, [0, x.rank - 1, ...spatial.map((i) => i + 1)]));
  return b.transpose(y, [0, ...spatial.map((i) => i + 2), 1]);
}

/** An op on real numbers between codes: X, its scale and zero point, then those of the result. */
function throughReal<S extends Rule["attrs"]>(
  op: string,
  attrs: S,
  apply: (b: Builder, x: Value, a: never, at: At) => Value,
): Rule {
  return rule(op, { domain: "com.microsoft", since: 1, arity: [4, 5], attrs }, (b, [x, scale, zero, scaleY, zeroY], a, at) => [
    coded(b, apply(b, real(b, x, scale, zero), a as never, at), scaleY, zeroY, x.dtype),
  ]);
}

const binary = (op: string, target: string): Rule =>
  rule(
    op,
    { domain: "com.microsoft", since: 1, arity: [7, 8], attrs: {} },
    (b, [x, scaleX, zeroX, y, scaleY, zeroY, scaleZ, zeroZ]) => [
      coded(b, b.op(target, [real(b, x, scaleX, zeroX), real(b, y, scaleY, zeroY)]), scaleZ, zeroZ, x.dtype),
    ],
  );

function concat(b: Builder, inputs: readonly (Value | undefined)[], axis: number, at: At): Value {
  const [scale, zero, ...parts] = inputs;
  const values: Value[] = [];
  for (let i = 0; i < parts.length; i += 3) values.push(real(b, parts[i]!, parts[i + 1]!, parts[i + 2]));
  if (!scale || !zero || values.length === 0) throw at.invalid(`${inputs.length} inputs`);
  return coded(b, b.concat(values, normalAxis(axis, values[0]!.rank)), scale, zero, zero.dtype);
}

function qgemm(
  b: Builder,
  inputs: readonly (Value | undefined)[],
  a: { alpha: number; transA: boolean; transB: boolean },
): Value {
  const [x, scaleX, zeroX, y, scaleY, zeroY, bias, scaleZ, zeroZ] = inputs as readonly Value[];
  const left = centred(b, x!, zeroX);
  // The zero points of columns lie along B's first axis once it is transposed.
  const right = centred(b, y!, zeroY, a.transB ? 1 : 0);
  const product = b.op("MatMul", [left, right], { transpose_a: a.transA, transpose_b: a.transB });
  const sums = bias ? b.op("AddV2", [product, float32(b, bias)]) : product;
  const factor = mul(b, mul(b, along(b, scaleX!, 0), along(b, scaleY!, 0)), b.scalar("float32", a.alpha));
  if (!scaleZ) return mul(b, sums, factor);
  return requantized(b, sums, b.op("RealDiv", [factor, along(b, scaleZ, 0)]), zeroZ, x!.dtype);
}

const gemmAttrs = { alpha: float(1), transA: bool(false), transB: bool(false) };

export const qlinear: readonly Rule[] = [
  rule("MatMulInteger", { since: 10, arity: [2, 4], attrs: {} }, (b, [x, y, zeroX, zeroY], _, at) => [
    matmulInteger(b, x, y, zeroX, zeroY, at),
  ]),
  rule("ConvInteger", { since: 10, arity: [2, 4], attrs: convAttrs }, (b, [x, w, zeroX, zeroW], a, at) => [
    convInteger(b, x, w, zeroX, zeroW, a, at),
  ]),
  rule("QLinearConv", { since: 10, arity: [8, 9], attrs: convAttrs }, (b, [x, sx, zx, w, sw, zw, sy, zy, bias], a, at) => [
    qlinearConv(b, [x, sx, zx, w, sw, zw, sy, zy], bias, a, at),
  ]),
  rule(
    "QLinearConv",
    { domain: "com.microsoft", since: 1, arity: [8, 9], attrs: { ...convAttrs, channels_last: bool(false) } },
    (b, [x, sx, zx, w, sw, zw, sy, zy, bias], a, at) => [
      channelsFirst(b, x, a.channels_last, (first) => qlinearConv(b, [first, sx, zx, w, sw, zw, sy, zy], bias, a, at)),
    ],
  ),
  rule("QLinearMatMul", { since: 10, arity: [8, 8], attrs: {} }, (b, inputs, _, at) => [qlinearMatMul(b, inputs, at)]),
  binary("QLinearAdd", "AddV2"),
  binary("QLinearMul", "Mul"),
  throughReal("QLinearLeakyRelu", { alpha: float(0.01) }, (b, x, a: { alpha: number }) =>
    b.op("LeakyRelu", [x], { alpha: a.alpha }),
  ),
  throughReal("QLinearSigmoid", {}, (b, x) => b.op("Sigmoid", [x])),
  throughReal("QLinearGlobalAveragePool", { channels_last: bool(false) }, (b, x, a: { channels_last: boolean }) =>
    channelsFirst(b, x, a.channels_last, (first) =>
      b.reduce(
        "Mean",
        first,
        first.shape.flatMap((_, i) => (i < 2 ? [] : [i])),
        true,
      ),
    ),
  ),
  throughReal(
    "QLinearAveragePool",
    { ...poolAttrs, count_include_pad: bool(false), channels_last: bool(false) },
    (b, x, a: Parameters<typeof averagePool>[2] & { channels_last: boolean }, at) =>
      channelsFirst(b, x, a.channels_last, (first) => averagePool(b, first, a, at)),
  ),
  throughReal(
    "QLinearReduceMean",
    { axes: ints(), keepdims: bool(true) },
    (b, x, a: { axes: readonly number[] | undefined; keepdims: boolean }) =>
      b.reduce("Mean", x, a.axes?.map((axis) => normalAxis(axis, x.rank)) ?? x.shape.map((_, i) => i), a.keepdims),
  ),
  throughReal("QLinearSoftmax", { axis: int(-1), opset: int(13) }, (b, x, a: { axis: number; opset: number }, at) => {
    if (a.opset < 13) throw at.unsupported("QLinearSoftmax of opset below 13");
    const axis = normalAxis(a.axis, x.rank);
    const perm = [...x.shape.map((_, i) => i).filter((i) => i !== axis), axis];
    return b.transpose(
      b.op("Softmax", [b.transpose(x, perm)]),
      x.shape.map((_, i) => perm.indexOf(i)),
    );
  }),
  rule(
    "QLinearConcat",
    { domain: "com.microsoft", since: 1, arity: [5, Number.POSITIVE_INFINITY], attrs: { axis: int(0) } },
    (b, inputs, a, at) => [concat(b, inputs, a.axis, at)],
  ),
  rule(
    "QLinearWhere",
    { domain: "com.microsoft", since: 1, arity: [9, 9], attrs: {} },
    (b, [test, x, scaleX, zeroX, y, scaleY, zeroY, scaleZ, zeroZ]) => [
      coded(b, b.op("SelectV2", [test, real(b, x, scaleX, zeroX), real(b, y, scaleY, zeroY)]), scaleZ, zeroZ, x.dtype),
    ],
  ),
  rule("QGemm", { domain: "com.microsoft", since: 1, arity: [6, 9], attrs: gemmAttrs }, (b, inputs, a) => [qgemm(b, inputs, a)]),
  rule(
    "MatMulIntegerToFloat",
    { domain: "com.microsoft", since: 1, arity: [4, 7], attrs: {} },
    (b, [x, y, scaleX, scaleY, zeroX, zeroY, bias], _, at) => {
      const sums = matmul(b, centred(b, x, zeroX, 1), centred(b, y, zeroY), at);
      const z = mul(b, sums, mul(b, along(b, scaleX, 1), along(b, scaleY, 0)));
      return [bias ? b.op("AddV2", [z, bias]) : z];
    },
  ),
  rule(
    "DynamicQuantizeMatMul",
    { domain: "com.microsoft", since: 1, arity: [3, 5], attrs: {} },
    (b, [x, y, scaleY, zeroY, bias], _, at) => {
      const [codes, scale, zero] = dynamicQuantize(b, x);
      const sums = matmul(b, centred(b, codes, zero), centred(b, y, zeroY), at);
      const z = mul(b, sums, mul(b, scale, along(b, scaleY, 0)));
      return [bias ? b.op("AddV2", [z, bias]) : z];
    },
  ),
];
