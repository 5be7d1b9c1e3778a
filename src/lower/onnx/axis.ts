/** Axes brought to where an op wants them, and attributes that became inputs. */
import { modelError } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf, normalAxis } from "../../tf/op.ts";

/** The permutation that moves `axis` to the end. */
const toLast = (rank: number, axis: number): number[] => [...range(rank).filter((i) => i !== axis), axis];

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function inverse(perm: readonly number[]): number[] {
  const back = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    back[axis] = i;
  });
  return back;
}

/** Applies a function of the last axis to `axis`. */
export function withLast(b: Builder, x: Value, axis: number, each: (x: Value) => Value): Value {
  return toLastAll(b, x, axis, (last) => [each(last)])[0]!;
}

/** As `withLast`, for several outputs of the same rank. */
export function toLastAll(b: Builder, x: Value, axis: number, each: (x: Value) => readonly Value[]): Value[] {
  const perm = toLast(x.rank, axis);
  return each(b.transpose(x, perm)).map((y) => b.transpose(y, inverse(perm)));
}

/** The numbers of an input where every one is known, else undefined. */
export function knownNumbers(value: Value): readonly number[] | undefined {
  const dims = dimsOf(value);
  return dims?.every((dim) => typeof dim === "number") ? (dims as readonly number[]) : undefined;
}

/** Axes as numbers from the front, or the Problem `value-needed`; `attr` is the form of older opsets. */
export function axesOf(rank: number, attr: readonly number[] | undefined, input?: Value): number[] | undefined {
  const axes = attr ?? (input && knownNumbers(input));
  if (!axes && input) throw modelError("value-needed", "the axes must be constant");
  return axes?.map((axis) => normalAxis(axis, rank));
}

/** A vector or scalar input as a scalar. */
export const asScalar = (b: Builder, x: Value): Value => (x.type.shape?.length === 0 ? x : b.reshape(x, []));

/** Entry i: dim i of `x`, for `reshapeTo` and `shapeVector`. */
export const dimsLike = (x: Value): (readonly [Value, number])[] => x.shape.map((_, i) => [x, i] as const);
