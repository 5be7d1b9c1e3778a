/** Integer division and friends: TF.js's Div of int32 floors where the hub's truncates. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalRule, legal } from "../rule.ts";
import { floorDiv, magnitude, opposite } from "./integer.ts";

/** Truncating division of int32: the floor of the magnitudes, with the sign of the quotient. */
export function truncateDiv(b: Builder, x: Value, y: Value): Value {
  const q = floorDiv(b, magnitude(b, x), magnitude(b, y));
  const zero = b.scalar("int32", 0);
  const differ = b.op("NotEqual", [b.op("Less", [x, zero]), b.op("Less", [y, zero])]);
  return b.op("SelectV2", [differ, opposite(b, q), q]);
}

export const arithmetic: readonly LegalRule[] = [
  legal("TruncateDiv", (b, [x, y]) => [truncateDiv(b, x!, y!)]),
  // The remainder of the magnitudes, with the sign of the dividend.
  legal("TruncateMod", (b, [x, y]) => {
    const rest = b.op("FloorMod", [magnitude(b, x!), magnitude(b, y!)]);
    return [b.op("SelectV2", [b.op("Less", [x!, b.scalar(x!.dtype, 0)]), opposite(b, rest), rest])];
  }),
  legal("StopGradient", (_, [x]) => [x!]),
];
