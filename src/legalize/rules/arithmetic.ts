/** Integer division and friends: TF.js's Div of int32 floors where the hub's truncates. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalRule, legal } from "../rule.ts";

/** Truncating division of int32: the floor of the magnitudes, with the sign of the quotient. */
function truncateDiv(b: Builder, x: Value, y: Value): Value {
  const q = b.op("FloorDiv", [b.op("Abs", [x]), b.op("Abs", [y])]);
  const zero = b.scalar("int32", 0);
  const opposite = b.op("NotEqual", [b.op("Less", [x, zero]), b.op("Less", [y, zero])]);
  return b.op("SelectV2", [opposite, b.op("Neg", [q]), q]);
}

export const arithmetic: readonly LegalRule[] = [
  legal("TruncateDiv", (b, [x, y]) => [truncateDiv(b, x!, y!)]),
  legal("TruncateMod", (b, [x, y], at) => {
    if (at.node.outputs[0]!.dtype.startsWith("int") || at.node.outputs[0]!.dtype.startsWith("uint"))
      return [b.op("Sub", [x!, b.op("Mul", [truncateDiv(b, x!, y!), y!])])];
    // fmod: the remainder of the magnitudes, with the sign of the dividend.
    const rest = b.op("FloorMod", [b.op("Abs", [x!]), b.op("Abs", [y!])]);
    return [b.op("SelectV2", [b.op("Less", [x!, b.scalar("float32", 0)]), b.op("Neg", [rest]), rest])];
  }),
  legal("StopGradient", (_, [x]) => [x!]),
];
