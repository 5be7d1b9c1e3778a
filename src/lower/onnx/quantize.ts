/** QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: per tensor, per axis and per block, also of com.microsoft. */
import type { DType } from "../../base/dtype.ts";
import { integerRange, isFloat, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { isWeight } from "../codes.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, onnxType } from "../schema.ts";
import { roundedSums } from "./quantized-weights.ts";

/** The dtype code 0 is "not said". */
const saidType = (): ReturnType<typeof onnxType> => ({
  read: (attr, name) => (attr?.kind === "int" && Number(attr.value) === 0 ? undefined : onnxType().read(attr, name)),
});

/** A scale or zero point so that it broadcasts: [C, 1, …] along `axis`, or each entry repeated over its block. */
function spreadAlong(b: Builder, v: Value, x: Value, axis: number, block: number, at: At): Value {
  if (v.rank === 0 || (v.rank === 1 && v.shape[0] === 1 && block === 0)) return v.rank === 0 ? v : b.reshape(v, []);
  const at0 = normalAxis(axis, x.rank);
  if (block === 0) {
    if (v.rank !== 1) throw at.invalid(`a scale of rank ${v.rank} without block_size`);
    return b.reshapeTo(v, [v.shape[0], ...new Array<number>(x.rank - at0 - 1).fill(1)]);
  }
  return repeatEach(b, v, at0, block, x, at);
}

/** Each element along the axis `block` times, the last block cut to the size of `x`. */
export function repeatEach(b: Builder, v: Value, axis: number, block: number, x: Value, at: At): Value {
  const shape = v.staticShape;
  const size = x.shape[axis];
  if (!shape || typeof size !== "number")
    throw at.unsupported("blocked quantisation of a size that is not known", "give the input's shape with --input");
  const apart = b.reshape(v, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const wide = b.op("BroadcastTo", [apart, b.ints([...shape.slice(0, axis + 1), block, ...shape.slice(axis + 1)])]);
  const merged = b.reshape(
    wide,
    shape.map((dim, i) => (i === axis ? dim * block : dim)),
  );
  if (shape[axis]! * block === size) return merged;
  if (shape[axis]! * block < size) throw at.invalid(`${shape[axis]} blocks of ${block} over ${size} elements`);
  return b.slice(
    merged,
    shape.map(() => 0),
    shape.map((_, i) => (i === axis ? size : -1)),
  );
}

interface Layout {
  readonly axis: number;
  readonly block_size: number;
}

function quantizeLinear(
  b: Builder,
  [x, scale, zero]: readonly [Value, Value, Value | undefined],
  a: Layout & { output_dtype: DType | undefined; saturate: boolean },
  at: At,
): Value {
  const dtype = zero?.dtype ?? a.output_dtype ?? "uint8";
  const origin = zero ?? b.scalar(dtype, 0);
  // onnxruntime divides in the input's type; float16 is wide enough for no code but its own.
  const scales = b.cast(spreadAlong(b, scale, x, a.axis, a.block_size, at), "float32");
  return b.op("Quantize", [b.cast(x, "float32"), scales, spreadAlong(b, origin, x, a.axis, a.block_size, at)], {
    dtype,
    saturate: a.saturate,
  });
}

function dequantizeLinear(
  b: Builder,
  [x, scale, zero]: readonly [Value, Value, Value | undefined],
  a: Layout & { output_dtype?: DType | undefined },
  at: At,
): Value {
  const origin = zero ?? b.scalar(x.dtype, 0);
  const parameters = [scale, origin].map((v) => spreadAlong(b, v, x, a.axis, a.block_size, at)) as [Value, Value];
  const inputs = [x, ...parameters];
  const isKept = isWeight(x) && scale.dtype === "float32" && a.block_size === 0;
  const y = rounded(b, x, parameters, at) ?? (isKept ? b.kept("Dequantize", inputs) : b.op("Dequantize", inputs));
  return b.cast(y, a.output_dtype ?? scale.dtype);
}

/**
 * Codes that were just made by the same scale and zero point: the numbers rounded to them without ever being codes, or, in the `float`
 * mode, only kept to their range. Undefined where the codes come from elsewhere, or are to be made (`qdq`).
 */
function rounded(b: Builder, codes: Value, [scale, zero]: readonly [Value, Value], at: At): Value | undefined {
  if (at.quantized === "qdq") return undefined;
  const { op, inputs } = codes.node;
  const origin = constantOf(zero);
  if (op !== "Quantize" || !isInteger(codes.dtype) || !origin || !same(inputs[1]!, scale) || !same(inputs[2]!, zero))
    return undefined;
  const zeros = new Set(numbersOf(origin));
  if (zeros.size !== 1) return undefined;
  const [least, greatest] = integerRange(codes.dtype).map((bound) => Number(bound) - [...zeros][0]!) as [number, number];
  const [x, unit] = inputs as readonly [Value, Value];
  if (at.quantized === "faithful") {
    const sums = roundedSums(b, x, unit, least, greatest);
    if (sums) return b.op("Mul", [sums, unit]);
    const steps = b.op("Round", [b.op("RealDiv", [x, unit])]);
    return b.op("Mul", [b.op("ClipByValue", [steps, b.scalar("float32", least), b.scalar("float32", greatest)]), unit]);
  }
  const bound = (steps: number) => b.op("Mul", [unit, b.scalar("float32", steps)]);
  return b.op("Minimum", [b.op("Maximum", [x, bound(least)]), bound(greatest)]);
}

/** The same value, or constants of the same numbers. */
function same(x: Value, y: Value): boolean {
  if (x === y) return true;
  const [p, q] = [constantOf(x), constantOf(y)];
  if (!p || !q || p.data.length !== q.data.length) return false;
  const numbers = numbersOf(q);
  return numbersOf(p).every((number, i) => number === numbers[i]);
}

/** Scale and zero point of uint8 from the values themselves; zero is always a code. */
export function dynamicQuantize(b: Builder, x: Value): readonly [codes: Value, scale: Value, zero: Value] {
  const number = (value: number) => b.scalar("float32", value);
  const axes = x.shape.map((_, i) => i);
  const least = b.op("Minimum", [b.reduce("Min", x, axes, false), number(0)]);
  const greatest = b.op("Maximum", [b.reduce("Max", x, axes, false), number(0)]);
  const range = b.op("RealDiv", [b.op("Sub", [greatest, least]), number(255)]);
  // All zeroes: any scale will do, and onnxruntime's is 1.
  const scale = b.op("SelectV2", [b.op("Equal", [range, number(0)]), number(1), range]);
  const start = b.op("RealDiv", [b.op("Neg", [least]), scale]);
  const zero = b.op("Quantize", [start, number(1), b.scalar("uint8", 0)], { dtype: "uint8", saturate: true });
  return [b.op("Quantize", [x, scale, zero], { dtype: "uint8", saturate: true }), scale, zero];
}

const quantizeAttrs = { axis: int(1), block_size: int(0), output_dtype: saidType(), saturate: bool(true), precision: saidType() };
const dequantizeAttrs = { axis: int(1), block_size: int(0), output_dtype: saidType() };

const forDomain = (domain: string, since: number): readonly Rule[] => [
  rule("QuantizeLinear", { domain, since, arity: [2, 3], attrs: quantizeAttrs }, (b, inputs, a, at) => [
    quantizeLinear(b, inputs, a, at),
  ]),
  rule("DequantizeLinear", { domain, since, arity: [2, 3], attrs: dequantizeAttrs }, (b, inputs, a, at) => {
    if (isFloat(inputs[1].dtype)) return [dequantizeLinear(b, inputs, a, at)];
    throw at.invalid(`a scale of type ${inputs[1].dtype}`);
  }),
];

export const quantization: readonly Rule[] = [
  ...forDomain("", 10),
  ...forDomain("com.microsoft", 1),
  rule("DynamicQuantizeLinear", { since: 11, arity: [1, 1], attrs: {} }, (b, [x]) => dynamicQuantize(b, x)),
];
