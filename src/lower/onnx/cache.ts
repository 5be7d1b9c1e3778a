/**
 * Keys and values of former steps, [B, H, P, D]: new ones come behind them. With a length given, the past is a buffer that is longer than
 * what it holds: new ones are written where that ends, and what stands behind is not seen.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Size, shapeOf, sizeAt, sum } from "./dims.ts";

export interface Cached {
  /** What queries see. */
  readonly all: Value;
  /** The cache after this step. */
  readonly present: Value;
}

/** The number of keys before the new ones. */
export function pastLength(b: Builder, past: Value | undefined, length: Value | undefined): Size {
  if (!past) return 0;
  return length ? b.reshape(b.cast(length, "int32"), [1]) : sizeAt(b, past, 2);
}

/** @param length the number of keys that `past` holds, as a scalar or vector of one; undefined: as many as it is long. */
export function appended(b: Builder, past: Value | undefined, news: Value, length: Value | undefined): Cached {
  if (!past) return { all: news, present: news };
  if (!length) {
    const all = b.concat([past, news], 2);
    return { all, present: all };
  }
  const held = pastLength(b, past, length);
  const from = (begin: Size, size: Size) => b.op("Slice", [past, shapeOf(b, [0, 0, begin, 0]), shapeOf(b, [-1, -1, size, -1])]);
  const all = b.concat([from(0, held), news], 2);
  const rest = from(sum(b, held, sizeAt(b, news, 2)), -1);
  // As long as the buffer was, which no sum of the parts' lengths tells.
  const whole = b.concat([all, rest], 2);
  return {
    all,
    present: b.reshapeTo(
      whole,
      past.shape,
      past.shape.map((_, i) => [past, i] as const),
    ),
  };
}
