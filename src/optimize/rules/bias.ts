/** Constants added to or multiplied with a convolution or matrix product go into its bias and weights. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isWide } from "../constants.ts";
import { channelVector, isCodes, type Linear, linearOf, withWeights } from "../linear.ts";
import { any, constant, either, op } from "../pattern.ts";
import { merged, type Rewrite, rewrite, type Site } from "../rewrite.ts";

/** conv + c → BiasAdd(conv, c), c a constant over the channels. */
export const addToBias: Rewrite = rewrite("add-to-bias", either("AddV2", any("y"), constant("c"), "add"), ({ y, c, add }, b) => {
  const linear = linearOf(y);
  if (!linear || !isFloat(y.dtype)) return undefined;
  const bias = channelVector(b, c, linear.channels, y.rank);
  b.origin = merged("fused", linear.node, add);
  return bias && b.op("BiasAdd", [y, bias]);
});

/** conv − c → BiasAdd(conv, −c). */
export const subtractToBias: Rewrite = rewrite(
  "subtract-to-bias",
  op("Sub", [any("y"), constant("c")], "sub"),
  ({ y, c, sub }, b) => {
    const linear = linearOf(y);
    if (!linear || !isFloat(y.dtype)) return undefined;
    const bias = channelVector(b, c, linear.channels, y.rank);
    b.origin = merged("fused", linear.node, sub);
    return bias && b.op("BiasAdd", [y, b.op("Neg", [bias])]);
  },
);

/** BiasAdd(y, c) + d → BiasAdd(y, c + d). */
export const mergeBiases: Rewrite = rewrite(
  "merge-biases",
  either("AddV2", op("BiasAdd", [any("y"), constant("c")], "inner"), constant("d"), "add"),
  ({ y, c, d, inner, add }, b, site) => {
    const channels = c.staticShape?.[0];
    if (channels === undefined || !isWide(y.dtype) || site.uses(inner.output) !== 1) return undefined;
    const more = channelVector(b, d, channels, y.rank);
    b.origin = merged("fused", inner, add);
    return more && b.op("BiasAdd", [y, b.op("AddV2", [c, more])]);
  },
);

/** conv · s → the conv with weights · s; s a constant over the channels, the weights read by nobody else. */
export const scaleToWeights: Rewrite = rewrite(
  "scale-to-weights",
  either("Mul", any("y"), constant("s"), "mul"),
  ({ y, s, mul }, b, site) => {
    const linear = foldable(y, site);
    const scale = linear && channelVector(b, s, linear.channels, y.rank);
    if (!linear || !scale) return undefined;
    b.origin = merged("fused", linear.node, mul);
    return scaled(b, linear, scale);
  },
);

/** BiasAdd(conv, c) · s → BiasAdd(the conv with weights · s, c · s). */
export const scaleBiased: Rewrite = rewrite(
  "scale-biased-to-weights",
  either("Mul", op("BiasAdd", [any("y"), constant("c")], "bias"), constant("s"), "mul"),
  ({ y, c, s, bias, mul }, b, site) => {
    const linear = site.uses(bias.output) === 1 ? foldable(y, site) : undefined;
    const scale = linear && channelVector(b, s, linear.channels, y.rank);
    if (!linear || !scale) return undefined;
    b.origin = merged("fused", linear.node, bias, mul);
    return b.op("BiasAdd", [scaled(b, linear, scale), b.op("Mul", [c, scale])]);
  },
);

/** A convolution whose weights may change: constant, floats in the file too, and like the convolution itself read by nobody else. */
function foldable(y: Value, site: Site): Linear | undefined {
  const linear = isWide(y.dtype) && site.uses(y) === 1 ? linearOf(y) : undefined;
  const weights = linear?.node.inputs[linear.weights];
  return weights?.node.constant && site.uses(weights) === 1 && !isCodes(weights) ? linear : undefined;
}

function scaled(b: Builder, linear: Linear, scale: Value): Value {
  const weights = linear.node.inputs[linear.weights]!;
  return withWeights(b, linear, b.op("Mul", [weights, b.reshape(scale, linear.along)]));
}
