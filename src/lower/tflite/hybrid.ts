/**
 * Float activations against integer weights: TFLite's kernels round the activations too, to 8 bits a batch, as they run. Convolutions and
 * products are XNNPACK's, whose codes are asymmetric whatever the options say; the others' are as told. The `float` mode leaves activations as
 * they are, which is nearer to what the model meant.
 */
import { bitsOf, type DType, isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { quantizationOf } from "./quantized.ts";

type Range = "symmetric" | "asymmetric";

/** The input as the hybrid kernels see it; itself where the weights are floats, or where the input has codes of its own. */
export function hybridInput(b: Builder, x: Value, range: Range, at: At, input = 0, weights = 1): Value {
  if (!isHybrid(at, input, weights) || at.quantized === "float") return x;
  return range === "symmetric" ? symmetric(b, x) : asymmetric(b, x);
}

export function isHybrid(at: At, input = 0, weights = 1): boolean {
  const type = at.given(weights);
  const dtype: DType | undefined = at.given(input)?.dtype;
  return dtype !== undefined && isFloat(dtype) && !!quantizationOf(type, true) && bitsOf[type!.dtype!]! <= 8;
}

/** As `hybridInput`, of matrices each row of which is rounded by itself. */
export function hybridRows(b: Builder, x: Value, at: At): Value {
  const length = x.shape.at(-1);
  if (typeof length !== "number" || x.rank < 3) return hybridInput(b, x, "asymmetric", at);
  const rows = hybridInput(b, b.reshape(x, [-1, length]), "asymmetric", at);
  return b.reshapeTo(
    rows,
    x.shape,
    x.shape.map((_, axis) => [x, axis] as const),
  );
}

/** Extremes of each batch, 0 among them. */
function extremes(b: Builder, x: Value): readonly [least: Value, greatest: Value] {
  const axes = x.shape.map((_, i) => i).slice(1);
  const zero = b.scalar(x.dtype, 0);
  return [b.op("Minimum", [b.reduce("Min", x, axes, true), zero]), b.op("Maximum", [b.reduce("Max", x, axes, true), zero])];
}

/** A batch of zeroes keeps any scale. */
const orOne = (b: Builder, scale: Value): Value =>
  b.op("SelectV2", [b.op("Equal", [scale, b.scalar(scale.dtype, 0)]), b.scalar(scale.dtype, 1), scale]);

function symmetric(b: Builder, x: Value): Value {
  const [least, greatest] = extremes(b, x);
  const scale = orOne(b, b.op("RealDiv", [b.op("Maximum", [b.op("Neg", [least]), greatest]), b.scalar(x.dtype, 127)]));
  return b.op("Mul", [b.op("Round", [b.op("RealDiv", [x, scale])]), scale]);
}

function asymmetric(b: Builder, x: Value): Value {
  const number = (value: number) => b.scalar(x.dtype, value);
  const [least, greatest] = extremes(b, x);
  const scale = orOne(b, b.op("RealDiv", [b.op("Sub", [greatest, least]), number(255)]));
  const zero = b.op("Round", [b.op("Sub", [number(-128), b.op("RealDiv", [least, scale])])]);
  const codes = b.op("AddV2", [b.op("Round", [b.op("RealDiv", [x, scale])]), zero]);
  const kept = b.op("ClipByValue", [codes, number(-128), number(127)]);
  return b.op("Mul", [b.op("Sub", [kept, zero]), scale]);
}
