/** Casts and quantisation to types that onnxruntime does not compute with: rounded to them in a wider type. */
import { type DType, integerRange, isFloat, isInteger } from "../../base/dtype.ts";
import { isMiniFloat } from "../../base/minifloat.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { roundMini } from "../../tf/minifloat.ts";
import { wrap } from "../../tf/wrap.ts";
import { type DecomposeRule, decomposed, type RaiseAt } from "../rule.ts";
import { isTiny, onnxType } from "../types.ts";

const saturates = (at: RaiseAt): boolean => at.attrs["saturate"] !== false;

function rounded(b: Builder, x: Value, to: DType, at: RaiseAt): Value {
  if (!isMiniFloat(to) || to === "float8e8m0") throw at.unsupported(`rounding to ${to}`);
  return roundMini(b, b.cast(x, "float32"), to, saturates(at));
}

function cast(b: Builder, x: Value, at: RaiseAt): Value {
  const [from, to] = [at.node.inputs[0]!.dtype, at.node.output.dtype];
  if (!isTiny(to)) return b.op("Cast", [x], at.attrs);
  if (from === to) return x;
  return isInteger(to) ? b.cast(wrap(b, b.cast(x, "int32"), to), onnxType(to)) : rounded(b, x, to, at);
}

/** The nearest code, saturated: rounding before the zero point is added, as every runtime does. */
function quantize(b: Builder, [x, scale, zero]: readonly Value[], at: RaiseAt): Value {
  const to = at.node.output.dtype;
  const steps = b.op("RealDiv", [b.cast(x!, "float32"), b.cast(scale!, "float32")]);
  if (isFloat(to)) return rounded(b, steps, to, at);
  const [low, high] = integerRange(to).map((bound) => b.scalar("float32", Number(bound)));
  const codes = b.op("AddV2", [b.op("Round", [steps]), b.cast(zero!, "float32")]);
  return b.cast(b.op("ClipByValue", [codes, low!, high!]), onnxType(to));
}

export const tiny: readonly DecomposeRule[] = [
  decomposed("Cast", (b, [x], at) => [cast(b, x!, at)]),
  decomposed("Quantize", (b, inputs, at) =>
    isTiny(at.node.output.dtype) ? [quantize(b, inputs, at)] : b.ops("Quantize", inputs, at.attrs),
  ),
];
