/** Bounds that are known activations. */
import { isFloat } from "../../base/dtype.ts";
import { uniform } from "../constants.ts";
import { any, op } from "../pattern.ts";
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
