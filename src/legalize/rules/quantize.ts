/** Quantize and Dequantize as arithmetic on floats; codes of every integer type are int32 in TF.js. */
import { type DType, integerRange, isFloat } from "../../base/dtype.ts";
import { isMiniFloat } from "../../base/minifloat.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { roundMini } from "../../tf/minifloat.ts";
import { type LegalRule, legal } from "../rule.ts";

const float = (b: Builder, x: Value): Value => b.cast(x, "float32");

/** The nearest code, saturated: rounding before the zero point is added, as every runtime does. */
function quantize(b: Builder, [x, scale, zero]: readonly Value[], dtype: DType, saturate: boolean): Value {
  const steps = b.op("RealDiv", [float(b, x!), scale!]);
  if (isMiniFloat(dtype)) return roundMini(b, steps, dtype, saturate);
  const [low, high] = integerRange(dtype).map(Number) as [number, number];
  const codes = b.op("AddV2", [b.op("Round", [steps]), float(b, zero!)]);
  const clipped = b.op("ClipByValue", [codes, b.scalar("float32", low), b.scalar("float32", high)]);
  return b.cast(clipped, "int32");
}

export const quantizations: readonly LegalRule[] = [
  legal("QuantizeSteps", (b, [x, factor], at) => {
    const bound = (name: string) => b.scalar("float32", at.number(name, 0));
    return [b.op("ClipByValue", [b.op("Round", [b.op("Mul", [x!, factor!])]), bound("low"), bound("high")])];
  }),
  legal("Quantize", (b, inputs, at) => [quantize(b, inputs, at.node.outputs[0]!.dtype, at.attrs["saturate"] !== false)]),
  legal("Dequantize", (b, [codes, scale, zero], at) => {
    // int32 codes differ from their zero point exactly as integers; float32 would round them first.
    const centred = isFloat(at.dtype()) ? codes! : float(b, b.op("Sub", [codes!, b.cast(zero!, "int32")]));
    return [b.op("Mul", [centred, scale!])];
  }),
];
