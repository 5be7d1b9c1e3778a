/** What the shape rules of several families share. */
import { modelError } from "../base/problem.ts";
import type { Dim, Shape, Type } from "../graph/graph.ts";
import { numbersOf, type Tensor } from "../graph/tensor.ts";
import { type Call, normalAxis } from "./op.ts";

export const ints = (t: Tensor): number[] => numbersOf(t);

/** Real tensors have a few axes, TensorFlow allows 254; a spoilt file may claim millions. */
const maxRank = 254;
/** Of one node. */
const maxParts = 65_536;

/** Dims of which nothing is known; a `ModelError` where no tensor has so many. */
export function unknown(rank: number): Shape {
  if (!Number.isInteger(rank) || rank < 0 || rank > maxRank) throw modelError("bad-rank", `a tensor of ${rank} axes`);
  return new Array<Dim>(rank).fill(undefined);
}

/** The types of `count` outputs; a `ModelError` where no node has so many. */
export function outputTypes(count: number, typeOf: (i: number) => Type): Type[] {
  if (!Number.isInteger(count) || count < 0 || count > maxParts) throw modelError("bad-count", `a node of ${count} outputs`);
  return Array.from({ length: count }, (_, i) => typeOf(i));
}

/** The dims that input `i` (a shape vector) tells: undefined where not even its length is known. */
export function shapeFrom(call: Call, i: number): Shape | undefined {
  const dims = call.dims(i);
  if (dims) return dims;
  const length = call.shape(i)?.[0];
  return typeof length === "number" ? unknown(length) : undefined;
}

/** The axis input of ConcatV2, GatherV2, …; a ModelError where it is not constant. */
export function axisOf(call: Call, i: number, rank: number): number {
  const axis = call.numbers(i)?.[0];
  if (axis === undefined) throw modelError("value-needed", `${call.op} over an axis that is computed`);
  return normalAxis(axis, rank);
}

export const reshapeTensor = (x: Tensor, type: Type): readonly Tensor[] => [
  { dtype: x.dtype, shape: type.shape as readonly number[], data: x.data },
];

/** Undefined where a symbol or an unknown dim is joined by anything but zeroes. */
export function sum(dims: readonly Dim[]): Dim {
  const some = dims.filter((dim) => dim !== 0);
  if (some.length === 1) return some[0];
  return some.every((dim) => typeof dim === "number") ? some.reduce((total, dim) => total + dim, 0) : undefined;
}

/** Of the two things said about one dim, the more precise. */
export const refine = (a: Dim, b: Dim): Dim => (typeof a === "number" ? a : typeof b === "number" ? b : (a ?? b));

/** A vector of known length of which nothing else is known. */
export const openVector = (length: Dim): readonly Dim[] | undefined =>
  typeof length === "number" && length <= 64 ? new Array<Dim>(length).fill(undefined) : undefined;

/** A vector keeps its partly known content through a reshape to rank 0 or 1. */
export const keepElements = (call: Call): readonly Dim[] | undefined =>
  (call.shape()?.length ?? 9) <= 1 ? call.dims(0) : undefined;
