/**
 * The domain com.ms.internal.nhwc: what onnxruntime's layout transformation makes of operators over images, met in models that were saved
 * after it. Data is N … C, weights and attributes are as ever.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { conv } from "./conv.ts";
import { norms } from "./norm.ts";
import { pools } from "./pool.ts";
import { space } from "./space.ts";

const domain = "com.ms.internal.nhwc";

const ops = [
  ...["Conv", "ConvTranspose", "AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "GlobalLpPool"],
  ...["BatchNormalization", "InstanceNormalization", "LRN", "DepthToSpace", "SpaceToDepth"],
];

const spatial = (x: Value): number[] => Array.from({ length: x.rank - 2 }, (_, i) => i + 1);
const toFirst = (b: Builder, x: Value): Value => (x.rank < 3 ? x : b.transpose(x, [0, x.rank - 1, ...spatial(x)]));
const toLast = (b: Builder, x: Value): Value => (x.rank < 3 ? x : b.transpose(x, [0, ...spatial(x).map((axis) => axis + 1), 1]));

/** Indices of a pool count in N C …: there is no form of them here. */
const inNhwc = (row: Rule): Rule => ({
  ...row,
  domain,
  lower: (b, [x, ...rest], attrs, at) => {
    const [y, second] = row.lower(b, [x && toFirst(b, x), ...rest], attrs, at);
    if (second && row.op === "MaxPool" && at.used(1)) throw at.unsupported("the indices of a pool over N … C");
    return [y && toLast(b, y), second];
  },
});

export const nhwc: readonly Rule[] = [...conv, ...norms, ...pools, ...space]
  .filter((row) => row.domain === "" && ops.includes(row.op))
  .map(inNhwc);
