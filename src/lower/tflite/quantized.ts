/**
 * Values that TFLite keeps as integer codes. Operators are lowered on the real numbers that codes stand for: inputs are dequantised, outputs
 * rounded to their codes (`faithful`) or only kept to their range (`float`), then coded. The codes are computed only where something reads
 * them as codes: an output of the graph, a cast.
 *
 * A rounded value is written steps · scale, steps whole numbers in float32. What is linear takes the steps and leaves the scale outside, so
 * that a convolution adds up products of whole numbers, exactly up to 2^24, as integer kernels do, and its scale goes into the next rounding.
 *
 * With `qdq` every result of 8 bits is coded and decoded again as the file has it, and nothing is taken apart: what ONNX's runtimes look for.
 * Wider ones, for which they have no kernels, are rounded as with `faithful`.
 */
import { bitsOf, type DType, integerRange, isFloat, isInteger } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { Quantization, SourceType } from "../../graph/source.ts";
import { numbersOf, tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { roundHalfEven } from "../../tf/scalar.ts";
import { isWeight } from "../codes.ts";
import type { QuantizedMode } from "../rule.ts";

/** The parameters where a value of this type holds codes. Wider integers do so where something says so: biases, results of QUANTIZE. */
export function quantizationOf(type: SourceType | undefined, wide = false): Quantization | undefined {
  const { dtype, quantization } = type ?? {};
  if (!dtype || !quantization || !isInteger(dtype)) return undefined;
  if (!quantization.block && quantization.scale.every((scale) => scale === 0)) return undefined;
  return wide || bitsOf[dtype]! <= 16 ? quantization : undefined;
}

/** Scale and zero point as constants that broadcast against the codes. */
function params(
  b: Builder,
  { scale, zeroPoint, axis, block }: Quantization,
  dtype: DType,
  rank: number,
): readonly [Value, Value] {
  if (block) throw modelError("unsupported", `weights quantised in blocks of ${block.size}`);
  if (scale.length > 1 && rank === 0) throw modelError("bad-quantization", `${scale.length} scales of a single number`);
  // Biases of some files keep the axis of their weights.
  const along = rank <= 1 ? 0 : axis;
  const shape =
    scale.length === 1 ? [] : Array.from({ length: rank }, (_, i) => (i === normalAxis(along, rank) ? scale.length : 1));
  return [b.constant(tensorOf("float32", shape, scale)), b.constant(tensorOf(dtype, shape, zeroPoint))];
}

/** The real numbers that a value stands for; itself where it is not quantised. `wide`: of 32 bits too, as constants always. */
export function real(b: Builder, value: Value, type: SourceType | undefined, mode: QuantizedMode, wide = false): Value {
  const { node } = value;
  const quantization = quantizationOf(type, wide || node.constant);
  if (!quantization || isFloat(value.dtype)) return value;
  const between = isBetweenCodes(type, mode);
  if (!between && node.op === "Quantize" && isOf(node.inputs, quantization)) return node.inputs[0]!;
  const rank = quantization.scale.length === 1 ? 0 : value.rank;
  const inputs = [value, ...params(b, quantization, value.dtype, rank)];
  if (isWeight(value) || (mode === "qdq" && node.constant && value.dtype === "int32")) return b.kept("Dequantize", inputs);
  const decoded = b.op("Dequantize", inputs);
  // What stands behind another node is not taken apart.
  return between && !node.constant ? b.op("Identity", [decoded]) : decoded;
}

/** Does a value of this type go from operator to operator as codes? */
export const isBetweenCodes = (type: SourceType | undefined, mode: QuantizedMode): boolean =>
  mode === "qdq" && type?.dtype !== undefined && quantizationOf(type) !== undefined && bitsOf[type.dtype]! <= 8;

function isOf([, scale, zero]: readonly Value[], { scale: scales, zeroPoint }: Quantization): boolean {
  const [s, z] = [constantOf(scale!), constantOf(zero!)];
  return !!s && !!z && equal(numbersOf(s), scales.map(Math.fround)) && equal(numbersOf(z), zeroPoint);
}

const equal = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** Do two types have the same codes for the same numbers? */
export function sameCodes(a: SourceType | undefined, b: SourceType | undefined): boolean {
  const [p, q] = [quantizationOf(a), quantizationOf(b)];
  return !!p && !!q && a!.dtype === b!.dtype && equal(p.scale, q.scale) && equal(p.zeroPoint, q.zeroPoint);
}

/** `value · scale` is what was asked about; no scale: the value itself. */
export interface Scaled {
  readonly value: Value;
  readonly scale: Value | undefined;
}

/** A constant factor taken off: one number, or (`channels`) one a channel. Codes that come from outside become steps. */
export function scaled(b: Builder, x: Value, channels = false): Scaled {
  const { node } = x;
  const isFactor = (value: Value) => value.node.op === "Const" && (value.rank === 0 || (channels && value.rank === 1));
  if (node.op === "Mul" && isFactor(node.inputs[1]!)) return { value: node.inputs[0]!, scale: node.inputs[1]! };
  if (node.op !== "Dequantize" || node.inputs[1]!.rank > 0) return { value: x, scale: undefined };
  const [codes, scale, zero] = node.inputs as readonly [Value, Value, Value];
  return { value: centred(b, codes, zero), scale };
}

/** Codes less their zero point, as float32. Without one they are only cast, so that weights are stored as they are. */
function centred(b: Builder, codes: Value, zero: Value): Value {
  const known = constantOf(zero);
  const x = b.cast(codes, "float32");
  return known && numbersOf(known).every((z) => z === 0) ? x : b.op("Sub", [x, b.cast(zero, "float32")]);
}

/** What `scaled` took off, put back on. */
export const rescaled = (b: Builder, x: Value, scale: Value | undefined): Value => (scale ? b.op("Mul", [x, scale]) : x);

/** A function that commutes with scaling, applied to the steps. */
export function linear(b: Builder, x: Value, apply: (x: Value) => Value): Value {
  const { value, scale } = scaled(b, x);
  return rescaled(b, apply(value), scale);
}

/** Weights as steps and their scales, a number or a vector over the channels; undefined where they are floats. */
export function weightSteps(b: Builder, w: Value): { readonly steps: Value; readonly scale: Value } | undefined {
  if (!w.node.constant || w.node.op !== "Dequantize") return undefined;
  const [codes, scale, zero] = w.node.inputs as readonly [Value, Value, Value];
  return { steps: centred(b, codes, zero), scale: scale.rank === 0 ? scale : b.reshape(scale, [-1]) };
}

/** A result as codes of the declared type; itself where that is not quantised. `exact`: every number is one that a code stands for. */
export function coded(b: Builder, x: Value, type: SourceType | undefined, mode: QuantizedMode, exact: boolean): Value {
  const quantization = quantizationOf(type, true);
  if (!quantization || !isFloat(x.dtype)) return x;
  if (quantization.scale.length !== 1) throw modelError("unsupported", "a result quantised by channel");
  const dtype = type!.dtype!;
  const wide = bitsOf[dtype]! > 16 ? wideCodes(b, plain(x), quantization, dtype) : undefined;
  if (wide) return wide;
  const [scale, zero] = params(b, quantization, dtype, 0);
  const kept = exact
    ? x
    : isBetweenCodes(type, mode)
      ? uncut(x, quantization, dtype)
      : mode === "float"
        ? inRange(b, x, quantization, dtype)
        : rounded(b, x, quantization, dtype, scale);
  return b.op("Quantize", [kept, scale, zero], { dtype, saturate: true });
}

/** Without the node that `real` puts behind what is decoded. */
const plain = (x: Value): Value => (x.node.op === "Identity" ? x.node.inputs[0]! : x);

/**
 * Codes of 32 bits are more than float32 holds: the whole part of the ratio of the two scales is multiplied as integers. The results of a
 * 16-bit value fit, since its range is the wider one's.
 */
function wideCodes(b: Builder, x: Value, { scale, zeroPoint }: Quantization, dtype: DType): Value | undefined {
  const { value: steps, scale: own } = scaled(b, x);
  const from = own && constantOf(own);
  if (!from) return undefined;
  const ratio = Number(from.data[0]) / Math.fround(scale[0]!);
  const whole = Math.floor(ratio);
  if (whole >= 2 ** 15) return undefined;
  const rest = b.op("Round", [b.op("Mul", [steps, b.scalar("float32", ratio - whole)])]);
  const product = b.op("Mul", [b.cast(steps, dtype), b.scalar(dtype, whole)]);
  const codes = b.op("AddV2", [product, b.cast(rest, dtype)]);
  return zeroPoint[0] === 0 ? codes : b.op("AddV2", [codes, b.scalar(dtype, zeroPoint[0]!)]);
}

const codeRange = ({ zeroPoint }: Quantization, dtype: DType): readonly [number, number] =>
  integerRange(dtype).map((code) => Number(code) - zeroPoint[0]!) as [number, number];

/** An activation that only cuts off becomes a narrower range of the codes, as in the integer kernels. */
function rounded(b: Builder, x: Value, quantization: Quantization, dtype: DType, scale: Value): Value {
  const [low, high] = codeRange(quantization, dtype);
  const [inner, least, greatest] = cutOff(x);
  const { value, scale: own } = scaled(b, inner, true);
  const factor = b.op("RealDiv", [own ?? b.scalar("float32", 1), scale]);
  const attrs = { low: Math.max(low, stepOf(least, quantization)), high: Math.min(high, stepOf(greatest, quantization)) };
  return b.op("Mul", [b.op("QuantizeSteps", [value, factor], attrs), scale]);
}

/** Without an activation that cuts off nothing that has a code. */
function uncut(x: Value, quantization: Quantization, dtype: DType): Value {
  const [low, high] = codeRange(quantization, dtype);
  const [inner, least, greatest] = cutOff(x);
  return stepOf(least, quantization) <= low && stepOf(greatest, quantization) >= high ? inner : x;
}

const stepOf = (bound: number, { scale }: Quantization): number => roundHalfEven(Math.fround(bound / Math.fround(scale[0]!)));

/** What is cut off, and where. */
function cutOff(x: Value): readonly [inner: Value, least: number, greatest: number] {
  const { op, inputs } = x.node;
  if (op === "Relu") return [inputs[0]!, 0, Number.POSITIVE_INFINITY];
  if (op === "Relu6") return [inputs[0]!, 0, 6];
  if (op === "ClipByValue") {
    const [low, high] = [constantOf(inputs[1]!), constantOf(inputs[2]!)];
    if (low && high) return [inputs[0]!, Number(low.data[0]), Number(high.data[0])];
  }
  return [x, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
}

/** A ReLU may be nothing but a range that ends at 0, so the range is kept to where nothing is rounded. */
function inRange(b: Builder, x: Value, quantization: Quantization, dtype: DType): Value {
  const [low, high] = codeRange(quantization, dtype).map((step) => b.scalar("float32", step * quantization.scale[0]!));
  return b.op("ClipByValue", [x, low!, high!]);
}

/** The middle of uint8, where the codes of int8 have 0. */
const middle = 128;

/**
 * Weights of int8 as the same ones of uint8. Kernels of x64 that multiply uint8 by int8 add two products in 16 bits, where the CPU has no
 * better instruction, and cut the sum off; those of uint8 by uint8 are exact everywhere.
 */
export function unsigned(b: Builder, w: Value): Value {
  if (!w.node.constant || w.node.op !== "Dequantize") return w;
  const [codes, scale, zero] = w.node.inputs as readonly [Value, Value, Value];
  if (codes.dtype !== "int8") return w;
  const moved = (part: Value) => b.cast(b.op("AddV2", [b.cast(part, "int32"), b.scalar("int32", middle)]), "uint8");
  return b.kept("Dequantize", [moved(codes), scale, moved(zero)]);
}

/** Weights with their axes in another order: the codes are moved, so that a large weight stays one of 8 bits. */
export function transposeWeights(b: Builder, w: Value, perm: readonly number[]): Value {
  return movedCodes(b, w, (part) => (part.rank === 0 ? part : b.transpose(part, perm))) ?? b.transpose(w, perm);
}

/** As `transposeWeights`, with other dims; each scale must keep its place among the elements. */
export function reshapeWeights(b: Builder, w: Value, dims: readonly number[], scaleDims: readonly number[]): Value {
  const move = (part: Value, isScale: boolean) => (part.rank === 0 ? part : b.reshape(part, isScale ? scaleDims : dims));
  return movedCodes(b, w, move) ?? b.reshape(w, dims);
}

function movedCodes(b: Builder, w: Value, move: (part: Value, isScale: boolean) => Value): Value | undefined {
  if (!w.node.constant || w.node.op !== "Dequantize") return undefined;
  const [codes, scale, zero] = w.node.inputs as readonly [Value, Value, Value];
  return b.kept("Dequantize", [move(codes, false), move(scale, true), move(zero, true)]);
}

/** Rows of a table, taken before they are dequantised: the table may be a weight. */
export function gatherRows(b: Builder, table: Value, take: (rows: Value) => Value): Value {
  const { node } = table;
  if (!node.constant || node.op !== "Dequantize" || node.inputs[1]!.rank > 0) return take(table);
  return b.op("Dequantize", [take(node.inputs[0]!), node.inputs[1]!, node.inputs[2]!]);
}
