/**
 * Products with weights that are stored as codes. The codes are multiplied as whole numbers and their scale, with that of an input of steps,
 * is put on the result: TF.js stores 8-bit codes with one scale a tensor, and sums of whole numbers are exact up to 2^24, as in integer kernels.
 */
import { bitsOf, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import { numbersOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { isWeight } from "../codes.ts";
import type { QuantizedMode } from "../rule.ts";

interface Steps {
  /** Codes less their zero point, as float32. */
  readonly steps: Value;
  /** A number or a vector. */
  readonly scale: Value;
}

/** Weights as steps and their scales, a number or one for each entry of `axis`; undefined for floats and for any other scales. */
function weightSteps(b: Builder, w: Value, axis: number): Steps | undefined {
  const { op, inputs, constant } = w.node;
  if (!constant || op !== "Dequantize" || w.dtype !== "float32") return undefined;
  const [codes, scale, zero] = inputs as readonly [Value, Value, Value];
  if (!isWeight(codes)) return undefined;
  const ofAxis = scale.rank === w.rank - axis && scale.shape.every((dim, i) => i === 0 || dim === 1);
  const zeros = new Set(numbersOf(constantOf(zero) ?? { dtype: "int32", shape: [0], data: new Int32Array() }));
  if ((scale.rank > 0 && !ofAxis) || zeros.size !== 1) return undefined;
  const steps = centred(b, codes, [...zeros][0]!);
  return { steps, scale: scale.rank === 0 ? scale : b.reshape(scale, [-1]) };
}

function centred(b: Builder, codes: Value, zero: number): Value {
  const x = b.cast(codes, "float32");
  return zero === 0 ? x : b.op("Sub", [x, b.scalar("float32", zero)]);
}

/** An input that was just rounded to steps of one scale, or is dequantised by one. */
function inputSteps(b: Builder, x: Value): Steps | undefined {
  const { op, inputs } = x.node;
  const scale = inputs[1] && constantOf(inputs[1]);
  if (scale?.data.length !== 1 || x.dtype !== "float32") return undefined;
  if (op === "Mul" && inputs[0]!.node.op === "ClipByValue" && inputs[0]!.node.inputs[0]!.node.op === "Round")
    return { steps: inputs[0]!, scale: inputs[1]! };
  const zero = op === "Dequantize" ? constantOf(inputs[2]!) : undefined;
  if (zero?.data.length !== 1 || !isInteger(inputs[0]!.dtype) || bitsOf[inputs[0]!.dtype]! > 16) return undefined;
  return { steps: centred(b, inputs[0]!, Number(zero.data[0])), scale: inputs[1]! };
}

export interface Product {
  readonly x: Value;
  readonly w: Value;
  readonly bias: Value | undefined;
  /** Axis of the weights that the output channels are on. */
  readonly axis: number;
  readonly mode: QuantizedMode;
  /** Product and bias, output channels last. */
  readonly product: (x: Value, w: Value, bias: Value | undefined) => Value;
  /** Brings the channels to their place: the scale comes behind it, where a rounding can take it up. */
  readonly placed: (y: Value) => Value;
  /** How many axes follow the channels there. */
  readonly after: number;
}

/** The product of what the codes stand for. A scale for all weights stays with them unless the input is one of steps: TF.js loads it. */
export function codedProduct(b: Builder, { x, w, bias, axis, mode, product, placed, after }: Product): Value {
  const weights = mode === "qdq" ? undefined : weightSteps(b, w, axis);
  const input = weights && mode === "faithful" ? inputSteps(b, x) : undefined;
  if (!weights || (weights.scale.rank === 0 && !input)) return placed(product(x, w, bias));
  const scale = input ? b.op("Mul", [weights.scale, b.reshape(input.scale, [])]) : weights.scale;
  const channels = (v: Value) => (v.rank === 0 ? v : b.reshape(v, [-1, ...new Array<number>(after).fill(1)]));
  const whole = bias && biasSteps(b, bias, scale);
  const sums = product(input?.steps ?? x, weights.steps, whole);
  const y = b.op("Mul", [placed(sums), channels(scale)]);
  return bias && !whole ? b.op("AddV2", [y, channels(bias)]) : y;
}

/** Smaller scales are of channels that are all zero; a bias divided by one could be infinite. */
const leastScale = 2 ** -80;
/** A float32 that was made of a whole number and a float32 scale, and divided by it again, is as near to the whole number. */
const nearWhole = 2 ** -21;

/** A constant bias in units of the scale: whole numbers, as the source's kernels add them up, where it has codes of that scale. */
function biasSteps(b: Builder, bias: Value, scale: Value): Value | undefined {
  const [known, scales] = [constantOf(bias), constantOf(scale)];
  if (!known || !scales || numbersOf(scales).some((each) => !(each >= leastScale))) return undefined;
  const steps = b.op("RealDiv", [bias, scale]);
  const found = constantOf(steps);
  if (!found) return undefined;
  const isWhole = numbersOf(found).every((each) => Math.abs(each - Math.round(each)) <= Math.abs(each) * nearWhole);
  return isWhole ? b.op("Round", [steps]) : steps;
}

/** What stands between a product and its scale. */
const between = new Set(["BiasAdd", "Transpose", "Squeeze", "Reshape"]);
const products = new Set(["Conv2D", "Conv3D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2"]);

/** A coded product rounded to steps of `unit`: one factor and one rounding, as in integer kernels. Undefined for anything else. */
export function roundedSums(b: Builder, x: Value, unit: Value, least: number, greatest: number): Value | undefined {
  const isCut = x.node.op === "Relu";
  const { op, inputs } = isCut ? x.node.inputs[0]!.node : x.node;
  if (op !== "Mul" || unit.rank > 0 || !constantOf(inputs[1]!)) return undefined;
  let { node } = inputs[0]!;
  while (between.has(node.op)) node = node.inputs[0]!.node;
  if (!products.has(node.op) || !isWhole(node.inputs[1]!)) return undefined;
  const factor = b.op("RealDiv", [inputs[1]!, unit]);
  return b.op("QuantizeSteps", [inputs[0]!, factor], { low: isCut ? Math.max(least, 0) : least, high: greatest });
}

/** Are these constant weights whole numbers: cast from codes, or few enough to look at? */
function isWhole(weights: Value): boolean {
  let { node } = weights;
  while (node.constant && node.op !== "Cast" && node.inputs.length > 0) node = node.inputs[0]!.node;
  if (node.op === "Cast") return node.constant && isInteger(node.inputs[0]!.dtype);
  const known = constantOf(node.outputs[0]!);
  return known !== undefined && numbersOf(known).every(Number.isInteger);
}
