/**
 * Float activations against integer weights: TFLite's kernels then round the activations too, to 8 bits a row (batch), on the fly. The
 * `float` mode leaves them as they are, which is nearer to what the model meant.
 */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";
import { quantizationOf } from "./quantized.ts";

/** The input as the hybrid kernels see it; itself where weights are floats or the input has codes of its own. */
export function hybridInput(b: Builder, x: Value, weights: Value, at: At): Value {
  const isHybrid = weights.node.constant && weights.node.op === "Dequantize" && isFloat(at.given(0)?.dtype ?? "int8");
  if (!isHybrid || at.quantized !== "faithful" || !quantizationOf(at.given(1), true)) return x;
  return x;
}
