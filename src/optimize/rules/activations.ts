/** Activations in disguise. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { uniform } from "../constants.ts";
import { any, constant, either, op } from "../pattern.ts";
import { type Rewrite, rewrite } from "../rewrite.ts";

/** Clip to [0, 6] → Relu6, to [0, greatest] → Relu: convolutions take them in. */
export const clipToRelu: Rewrite = rewrite(
  "clip-to-relu",
  op("ClipByValue", [any("x"), any("low"), any("high")]),
  ({ x, low, high }, b) => {
    const top = uniform(high);
    if (!isFloat(x.dtype) || uniform(low) !== 0 || top === undefined) return undefined;
    if (top === 6) return b.op("Relu6", [x]);
    return top === Number.POSITIVE_INFINITY ? b.op("Relu", [x]) : undefined;
  },
);

/** σ(2u), which is ½ (1 + tanh u); a factor that u has is doubled instead, exactly. */
function doubled(b: Builder, u: Value): Value {
  const [v, factor] = u.node.op === "Mul" ? u.node.inputs : [];
  const two = b.scalar(u.dtype, 2);
  if (v && factor && uniform(factor) !== undefined) return b.op("Sigmoid", [b.op("Mul", [v, b.op("Mul", [factor, two])])]);
  if (v && factor && uniform(v) !== undefined) return b.op("Sigmoid", [b.op("Mul", [b.op("Mul", [v, two]), factor])]);
  return b.op("Sigmoid", [b.op("Mul", [u, two])]);
}

const onePlusTanh = either("AddV2", op("Tanh", [any("u")]), constant("one"), "sum");

/** ½ · (1 + tanh u) → σ(2u): as in Gelu's approximation, where a Tanh costs ten Sigmoids on wasm. */
export const halfTanh: Rewrite = rewrite(
  "half-tanh-to-sigmoid",
  either("Mul", onePlusTanh, constant("half")),
  ({ u, one, half }, b) => (isFloat(u.dtype) && uniform(one) === 1 && uniform(half) === 0.5 ? doubled(b, u) : undefined),
);

/** (½ · x) · (1 + tanh u) → x · σ(2u). */
export const halfTanhTimes: Rewrite = rewrite(
  "half-tanh-times-to-sigmoid",
  either("Mul", onePlusTanh, either("Mul", any("x"), constant("half"))),
  ({ u, x, one, half }, b) =>
    isFloat(u.dtype) && uniform(one) === 1 && uniform(half) === 0.5 ? b.op("Mul", [x, doubled(b, u)]) : undefined,
);
