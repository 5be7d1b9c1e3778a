/** A batch norm with constant statistics after a convolution or matrix product becomes a scale and a bias, and they go into its weights. */
import type { Value } from "../../graph/graph.ts";
import { isWide } from "../constants.ts";
import { isCodes, linearOf } from "../linear.ts";
import { any, constant, op } from "../pattern.ts";
import { type Rewrite, rewrite, type Site } from "../rewrite.ts";

/** TensorFlow's default. */
const defaultEpsilon = 1e-4;

/**
 * Elsewhere it stays: x · s + (shift − mean · s) loses digits where the mean is far from 0 and large beside the deviation, which inputs
 * of a network often are.
 */
export const batchNormToWeights: Rewrite = rewrite(
  "batch-norm-to-weights",
  op("FusedBatchNormV3", [any("x"), constant("scale"), constant("shift"), constant("mean"), constant("variance")], "norm"),
  ({ x, scale, shift, mean, variance, norm }, b, site) => {
    const format = norm.attrs["data_format"] as string | undefined;
    if (norm.attrs["is_training"] === true || format?.startsWith("NC") || !isWide(x.dtype) || !takesScale(x, site))
      return undefined;
    const epsilon = b.scalar(variance.dtype, (norm.attrs["epsilon"] as number | undefined) ?? defaultEpsilon);
    const factor = b.op("Mul", [scale, b.op("Rsqrt", [b.op("AddV2", [variance, epsilon])])]);
    return b.op("AddV2", [b.op("Mul", [x, factor]), b.op("Sub", [shift, b.op("Mul", [mean, factor])])]);
  },
);

/** As the rules that scale weights ask: all of it read by nobody else. */
function takesScale(x: Value, site: Site): boolean {
  const y = x.node.op === "BiasAdd" ? x.node.inputs[0]! : x;
  const linear = linearOf(y);
  const weights = linear?.node.inputs[linear.weights];
  return weights?.node.constant === true && !isCodes(weights) && [x, y, weights].every((value) => site.uses(value) === 1);
}
