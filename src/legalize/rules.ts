/** The table: hub ops that TF.js's executor lacks or does differently. What is not here passes as it is. */
import type { Legalize, LegalRule } from "./rule.ts";
import { arithmetic } from "./rules/arithmetic.ts";
import { bits } from "./rules/bits.ts";
import { broadcasts } from "./rules/broadcast.ts";
import { cast } from "./rules/cast.ts";
import { controls } from "./rules/control.ts";
import { convolutions } from "./rules/conv.ts";
import { crops } from "./rules/crop.ts";
import { customs } from "./rules/custom.ts";
import { einsums } from "./rules/einsum.ts";
import { indexing } from "./rules/indexing.ts";
import { integers } from "./rules/integer.ts";
import { matmuls } from "./rules/matmul.ts";
import { pools } from "./rules/pool.ts";
import { quantizations } from "./rules/quantize.ts";
import { ranges } from "./rules/range.ts";
import { ranks } from "./rules/rank.ts";
import { reductions } from "./rules/reduce.ts";
import { scatters } from "./rules/scatter.ts";
import { spaces } from "./rules/space.ts";
import { strided } from "./rules/strided.ts";
import { withStrings } from "./rules/strings.ts";

function table(rows: readonly LegalRule[]): ReadonlyMap<string, Legalize> {
  const map = new Map<string, Legalize>();
  for (const row of rows) {
    if (map.has(row.op)) throw new Error(`two rows for ${row.op}`);
    map.set(row.op, row.legalize);
  }
  return map;
}

export const legalRules: ReadonlyMap<string, Legalize> = withStrings(
  table([
    ...arithmetic,
    ...ranges,
    ...integers,
    ...cast,
    ...broadcasts,
    ...indexing,
    ...convolutions,
    ...pools,
    ...matmuls,
    ...spaces,
    ...strided,
    ...reductions,
    ...bits,
    ...einsums,
    ...scatters,
    ...ranks,
    ...controls,
    ...customs,
    ...crops,
    ...quantizations,
  ]),
);
