/** How small a weight can be stored without losing anything: as the codes or halves that the source has it in, moved or computed. */
import { bitsOf, type DType, isInteger, isUnsigned } from "../../base/dtype.ts";
import { areHalves } from "../../base/half.ts";
import { codingOf } from "../../graph/decode.ts";
import type { Node, Value } from "../../graph/graph.ts";
import { movingOps } from "../../graph/moving.ts";
import type { Coding } from "../../graph/source.ts";
import { elementCount, isStored, type StoredTensor, type Tensor } from "../../graph/tensor.ts";

export type QuantizedType = "float16" | "uint8" | "uint16";

/** How a weight is laid down; decided before it is read, since shard names hold their count. */
export type Layout = "plain" | "half" | "uint8" | "uint16" | AffineCodes;

/** Codes that TF.js reads already: code · scale + min, in doubles, then rounded to the weight's type. */
export interface AffineCodes {
  readonly codes: "uint8" | "uint16";
  readonly scale: number;
  readonly min: number;
}

/** `quantize` is lossy and asked for; halves and codes of the source are kept exactly. */
export function layoutOf(value: Value, quantize: QuantizedType | undefined): Layout {
  const { dtype } = value;
  if (dtype === "float32" && quantize) return quantize === "float16" ? "half" : quantize;
  if (dtype !== "float32" && dtype !== "int32") return "plain";
  const tensor = movedFrom(value);
  const coding = tensor && codingOf(tensor);
  if (dtype === "float32") {
    if (tensor?.dtype === "float16" || coding?.codes === "float16") return "half";
    if (coding && isExact(coding)) return coding;
  }
  return codesBehind(value) ?? shortest(value) ?? "plain";
}

const tensorOf = (node: Node): Tensor | StoredTensor | undefined =>
  node.op === "Const" ? (node.attrs["value"] as Tensor | StoredTensor) : undefined;

/** The tensor whose elements a constant holds, only moved, never rounded. */
function movedFrom(value: Value): Tensor | StoredTensor | undefined {
  let { node } = value;
  while (movingOps.has(node.op)) {
    const [input] = node.inputs as readonly [Value];
    const { dtype } = node.outputs[0]!;
    if (dtype !== input.dtype && dtype !== "float32" && dtype !== "float64") return undefined;
    node = input.node;
  }
  return tensorOf(node);
}

/**
 * Codes of 16 bits or fewer behind a constant: moved, less one zero point for all, then times one scale for all. Each step is exact but the
 * product, which is rounded once, as the loader rounds it; so the very same numbers are loaded.
 */
function codesBehind(value: Value): AffineCodes | undefined {
  let { node } = value;
  let [scale, zero] = [1, 0];
  // Numbers that a scale has made are rounded by whatever follows, but where they are only moved.
  let mayScale = value.dtype === "float32";
  const take = (factor: number | undefined, origin: number | undefined): boolean => {
    if (factor === undefined || origin === undefined || !Number.isInteger(origin)) return false;
    if (factor !== 1 && !mayScale) return false;
    mayScale = false;
    scale *= factor;
    zero += origin;
    return true;
  };
  for (; node.op !== "Const"; node = node.inputs[0]!.node) {
    const { dtype } = node.outputs[0]!;
    if (movingOps.has(node.op)) {
      mayScale &&= dtype === "float32";
      if (!holdsCodes(dtype, node.inputs[0]!.dtype)) return undefined;
    } else if (dtype !== "float32" && dtype !== "int32") return undefined;
    else if (
      node.op === "Sub" ? !take(1, single(node, 1)) : node.op === "Mul" ? !take(single(node, 1), 0) : !dequantized(node, take)
    )
      return undefined;
  }
  const tensor = tensorOf(node)!;
  const bits = isInteger(tensor.dtype) ? bitsOf[tensor.dtype]! : Number.POSITIVE_INFINITY;
  if (bits > 16) return undefined;
  const codes = bits > 8 ? "uint16" : "uint8";
  const least = isUnsigned(tensor.dtype) ? 0 : bits > 8 ? -(2 ** 15) : -128;
  const coding: Coding = { codes, scale, min: (least - zero) * scale };
  return isExact(coding) ? coding : undefined;
}

const dequantized = (node: Node, take: (scale: number | undefined, zero: number | undefined) => boolean): boolean =>
  node.op === "Dequantize" && take(single(node, 1), single(node, 2));

/** Whether whole numbers of a few bits, or what a scale made of them, are unchanged by a cast. */
function holdsCodes(to: DType, from: DType): boolean {
  if (to === from) return true;
  if (to === "float32" || to === "float64") return true;
  return isInteger(from) && isInteger(to) && bitsOf[to]! > bitsOf[from]! && (isUnsigned(from) || !isUnsigned(to));
}

/** The number that an operand in memory consists of. */
function single(node: Node, input: number): number | undefined {
  const tensor = tensorOf(node.inputs[input]!.node);
  return tensor && !isStored(tensor) && tensor.data.length === 1 ? Number(tensor.data[0]) : undefined;
}

/** Whether codes are found again from the float32 that they stand for; where the least value dwarfs the steps, rounding has lost them. */
function isExact(coding: Coding): coding is AffineCodes {
  const { codes, scale, min } = coding;
  return (
    codes !== "float16" &&
    Number.isFinite(min) &&
    scale > leastScale &&
    scale < greatestScale &&
    Math.abs(min) / scale + 2 ** 16 < 2 ** 22
  );
}

/** Beyond them products with codes are denormal or infinite. */
const [leastScale, greatestScale] = [2 ** -126, 2 ** 100];

/** Fewer elements save less than what the manifest says of their codes. */
const worthElements = 64;

/** Small weights are folded as the graph is built, and nothing tells any more what they were made of; their elements do. */
function shortest(value: Value): Layout | undefined {
  const tensor = tensorOf(value.node);
  if (!tensor || isStored(tensor) || tensor.data.length < worthElements) return undefined;
  const data = tensor.data as Float32Array | Int32Array;
  const whole = wholeCodes(data);
  if (whole || !(data instanceof Float32Array)) return whole;
  return areHalves(data) ? "half" : undefined;
}

/** Whole numbers that no more than 8 bits tell apart; a zero with a sign is none. */
function wholeCodes(data: Float32Array | Int32Array): AffineCodes | undefined {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const element of data) {
    if (!Number.isInteger(element) || Object.is(element, -0)) return undefined;
    if (element < least) least = element;
    if (element > greatest) greatest = element;
    if (greatest - least > 255) return undefined;
  }
  const min = least >= -128 && greatest <= 127 ? -128 : least >= 0 && greatest <= 255 ? 0 : least;
  const coding = { codes: "uint8", scale: 1, min } as const;
  return isExact(coding) ? coding : undefined;
}

const bytesOf = (layout: Layout): number => bytesEach[typeof layout === "object" ? layout.codes : layout];

const bytesEach: Readonly<Record<Exclude<Layout, object>, number>> = { plain: 4, half: 2, uint8: 1, uint16: 2 };

/** Bytes on disk of a weight that is no string. */
export function layoutBytes(layout: Layout, dtype: DType, shape: readonly number[]): number {
  return (
    elementCount(shape) *
    (layout === "plain" && dtype === "bool" ? 1 : layout === "plain" && dtype === "complex64" ? 8 : bytesOf(layout))
  );
}
