/**
 * A state is zero before the first run, whatever its codes are: what a run takes and hands on are codes less their zero point, so that nobody
 * who loads the model needs to know of codes.
 */
import type { Type, Value } from "../graph/graph.ts";
import type { SourceType } from "../graph/source.ts";
import type { Builder } from "../tf/build.ts";

export interface State {
  readonly name: string;
  /** The code that stands for zero. */
  readonly zero: number;
  /** As a run takes it. */
  readonly input: Value;
  /** As the graph reads it, and as it leaves it. */
  readonly before: Value;
  after: Value;
}

export function newState(b: Builder, name: string, { dtype, shape }: Type, { quantization }: SourceType): State {
  const zero = quantization?.zeroPoint.length === 1 ? quantization.zeroPoint[0]! : 0;
  const input = b.input(name, { dtype: zero === 0 ? dtype : "int32", shape });
  const before = zero === 0 ? input : b.cast(b.op("AddV2", [input, b.scalar("int32", zero)]), dtype);
  return { name, zero, input, before, after: before };
}

/** What the next run takes. */
export function leftIn(b: Builder, { zero, after, input, before }: State): Value {
  if (after === before) return input;
  return zero === 0 ? after : b.op("Sub", [b.cast(after, "int32"), b.scalar("int32", zero)]);
}
