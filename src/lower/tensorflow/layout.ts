/** data_format: channels-first ops get Transposes round the channels-last one; the optimiser cancels them. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At } from "../rule.ts";

export const isFirst = (format: string, at: At): boolean => {
  if (/^N(HWC|DHWC|WC)$/.test(format)) return false;
  if (/^NC(HW|DHW|W)$/.test(format)) return true;
  throw at.unsupported(`data_format ${format}`);
};

/** N C … → N … C */
export const toLast = (b: Builder, x: Value): Value => b.transpose(x, lastPerm(x.rank));
/** N … C → N C … */
export const toFirst = (b: Builder, x: Value): Value => b.transpose(x, firstPerm(x.rank));

const spatial = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i + 2);
const lastPerm = (rank: number): number[] => [0, ...spatial(rank), 1];
const firstPerm = (rank: number): number[] => [0, rank - 1, ...spatial(rank).map((axis) => axis - 1)];

/** A list with an entry an axis (or several), in the order of N … C. */
export function listToLast(list: readonly number[], rank: number): readonly number[] {
  const each = list.length / rank;
  if (list.length === 0 || !Number.isInteger(each)) return list;
  return lastPerm(rank).flatMap((axis) => list.slice(axis * each, (axis + 1) * each));
}

/** Runs an op of N … C on an operand of either layout. */
export function inLast(b: Builder, x: Value, first: boolean, each: (x: Value) => Value): Value {
  return first ? toFirst(b, each(toLast(b, x))) : each(x);
}
