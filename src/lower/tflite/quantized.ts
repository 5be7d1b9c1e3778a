/**
 * Values that TFLite keeps as integer codes. Operators are lowered on the real numbers that codes stand for: inputs are dequantised, outputs
 * rounded to their codes (`faithful`) or only kept to their range (`float`), then coded. The codes are computed only where something reads
 * them as codes: an output of the graph, a cast.
 */
import { bitsOf, type DType, integerRange, isFloat, isInteger } from "../../base/dtype.ts";
import { modelError } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { Quantization, SourceType } from "../../graph/source.ts";
import { numbersOf, tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import type { QuantizedMode } from "../rule.ts";

/** Scale and zero point as constants, in a form that broadcasts against the codes. */
interface Params {
  readonly scale: Value;
  readonly zero: Value;
}

/** The parameters where a value of this type holds codes. Wider integers do so only as constants (biases). */
export function quantizationOf(type: SourceType | undefined, constant = false): Quantization | undefined {
  const { dtype, quantization } = type ?? {};
  if (!dtype || !quantization || !isInteger(dtype)) return undefined;
  if (!quantization.block && quantization.scale.every((scale) => scale === 0)) return undefined;
  return constant || bitsOf[dtype]! <= 16 ? quantization : undefined;
}

function params(b: Builder, { scale, zeroPoint, axis, block }: Quantization, dtype: DType, rank: number): Params {
  if (block) throw modelError("unsupported", `weights quantised in blocks of ${block.size}`);
  const shape =
    scale.length === 1 ? [] : Array.from({ length: rank }, (_, i) => (i === normalAxis(axis, rank) ? scale.length : 1));
  return {
    scale: b.constant(tensorOf("float32", shape, scale)),
    zero: b.constant(tensorOf(dtype, shape, zeroPoint)),
  };
}

/** The real numbers that a value stands for; itself where it is not quantised. */
export function real(b: Builder, value: Value, type: SourceType | undefined): Value {
  const quantization = quantizationOf(type, value.node.constant);
  if (!quantization || isFloat(value.dtype)) return value;
  const { node } = value;
  if (node.op === "Quantize" && isOf(node.inputs, quantization)) return node.inputs[0]!;
  const { scale, zero } = params(b, quantization, value.dtype, quantization.scale.length === 1 ? 0 : value.rank);
  return b.op("Dequantize", [value, scale, zero]);
}

function isOf([, scale, zero]: readonly Value[], { scale: scales, zeroPoint }: Quantization): boolean {
  const [s, z] = [constantOf(scale!), constantOf(zero!)];
  if (!s || !z) return false;
  return equal(numbersOf(s), scales.map(Math.fround)) && equal(numbersOf(z), zeroPoint);
}

const equal = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** Do two types have the same codes for the same numbers? */
export function sameCodes(a: SourceType | undefined, b: SourceType | undefined): boolean {
  const [p, q] = [quantizationOf(a), quantizationOf(b)];
  return !!p && !!q && a!.dtype === b!.dtype && equal(p.scale, q.scale) && equal(p.zeroPoint, q.zeroPoint);
}

/** A result as codes of the declared type; itself where that is not quantised. `exact`: every number is one that a code stands for. */
export function coded(b: Builder, x: Value, type: SourceType | undefined, mode: QuantizedMode, exact: boolean): Value {
  const quantization = quantizationOf(type);
  if (!quantization || !isFloat(x.dtype)) return x;
  const dtype = type!.dtype!;
  const { scale, zero } = params(b, quantization, dtype, x.type.shape?.length ?? 0);
  const kept = exact
    ? x
    : mode === "faithful"
      ? b.op("QuantizeDequantize", [x, scale, zero], { dtype })
      : inRange(b, x, quantization, dtype);
  return b.op("Quantize", [kept, scale, zero], { dtype, saturate: true });
}

/** A ReLU may be nothing but a range that ends at 0, so the range is kept to where nothing is rounded. */
function inRange(b: Builder, x: Value, { scale, zeroPoint }: Quantization, dtype: DType): Value {
  if (scale.length > 1) return x;
  const [low, high] = integerRange(dtype).map((code) => b.scalar("float32", (Number(code) - zeroPoint[0]!) * scale[0]!));
  return b.op("ClipByValue", [x, low!, high!]);
}

/**
 * Weights with their axes in another order. Codes are moved rather than what they stand for, so that a large weight stays one of 8 bits
 * in another order, scaled along its new axis.
 */
export function transposeWeights(b: Builder, w: Value, perm: readonly number[]): Value {
  const move = (part: Value) => (part.rank === 0 ? part : b.transpose(part, perm));
  return movedCodes(b, w, move) ?? b.transpose(w, perm);
}

/** As `transposeWeights`, with other dims; each scale must keep its place among the elements. */
export function reshapeWeights(b: Builder, w: Value, dims: readonly number[], scaleDims: readonly number[]): Value {
  return (
    movedCodes(b, w, (part, isScale) => (part.rank === 0 ? part : b.reshape(part, isScale ? scaleDims : dims))) ??
    b.reshape(w, dims)
  );
}

function movedCodes(b: Builder, w: Value, move: (part: Value, isScale: boolean) => Value): Value | undefined {
  if (!w.node.constant || w.node.op !== "Dequantize") return undefined;
  const [codes, scale, zero] = w.node.inputs as readonly [Value, Value, Value];
  return b.op("Dequantize", [move(codes, false), move(scale, true), move(zero, true)]);
}

/** Rows of a table, taken before they are dequantised: the table may be a weight. */
export function gatherRows(b: Builder, table: Value, take: (rows: Value) => Value): Value {
  const { node } = table;
  if (!node.constant || node.op !== "Dequantize" || node.inputs[1]!.rank > 0) return take(table);
  return b.op("Dequantize", [take(node.inputs[0]!), node.inputs[1]!, node.inputs[2]!]);
}
