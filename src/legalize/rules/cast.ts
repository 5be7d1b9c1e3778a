/** Cast between the border's types. */

import type { DType } from "../../base/dtype.ts";
import { bitsOf, isFloat, isInteger, isUnsigned } from "../../base/dtype.ts";
import { isMiniFloat } from "../../base/minifloat.ts";
import { roundMini } from "../../tf/minifloat.ts";
import { isNarrow, wrap } from "../../tf/wrap.ts";
import { type LegalRule, legal } from "../rule.ts";
import { borderType } from "../types.ts";

/** Every value of `from` is one of `to`. */
function widens(from: DType, to: DType): boolean {
  if (from === "bool") return true;
  const [a, b] = [bitsOf[from]!, bitsOf[to]!];
  return isUnsigned(from) === isUnsigned(to) ? a <= b : isUnsigned(from) && a < b;
}

export const cast: readonly LegalRule[] = [
  legal("Cast", (b, [x], at) => {
    const from = at.dtype();
    const to = at.node.outputs[0]!.dtype;
    if (from === "string" && to === "bool") throw at.unsupported("cast from string to bool");
    if (from === "string") return [b.op("TextToNumber", [x!], { whole: isInteger(to) })];
    if (to === "string") return [b.op("NumberToText", [x!])];
    if (/^float[48]/.test(to)) {
      if (!isMiniFloat(to) || to === "float8e8m0") throw at.unsupported(`TF.js cannot round to ${to}`);
      return [roundMini(b, b.cast(x!, "float32"), to, at.attrs["saturate"] !== false)];
    }
    const target = borderType(to);
    // The wasm kernel copies raw bytes into a bool: 2.5 becomes 2.
    if (target === "bool") return [from === "bool" ? x! : b.op("NotEqual", [x!, b.scalar(borderType(from), 0)])];
    const whole = isFloat(from) && isInteger(to) && isUnsigned(to) && bitsOf[to] === 32 ? b.op("Floor", [x!]) : x!;
    const moved = b.cast(whole, target);
    return [isNarrow(to) && !(isInteger(from) && widens(from, to)) && from !== "bool" ? wrap(b, moved, to) : moved];
  }),
];
