/** MaxPool with indices, by operations that every backend has: MaxPoolWithArgmax counts in channels-last, and not at all on some. */
import { integerRange, isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Axis, extent, padBy } from "./window.ts";

const spatialAxes = (x: Value): number[] => Array.from({ length: x.rank - 2 }, (_, i) => i + 2);

const lowest = (x: Value): number => (isFloat(x.dtype) ? Number.NEGATIVE_INFINITY : Number(integerRange(x.dtype)[0]));

/**
 * Values and flat indices: a running maximum over the elements of the window, each a strided slice of the padded input. The first
 * greatest element wins. It works on N C … as it is, and on every backend, which MaxPoolWithArgmax does not.
 */
export function maxPoolIndices(b: Builder, x: Value, axes: readonly Axis[], columnMajor: boolean): readonly Value[] {
  const pads = axes.map(({ pads: own }) => own);
  const padded = padBy(b, x, pads, 2, lowest(x));
  const places = padBy(b, planeIndices(b, x, columnMajor), pads, 0, 0);
  let best: Value | undefined;
  let where: Value | undefined;
  for (const offsets of windowOffsets(axes)) {
    const value = stridedPiece(b, padded, axes, offsets, 2);
    const place = stridedPiece(b, places, axes, offsets, 0);
    if (!best || !where) {
      best = value;
      where = place;
      continue;
    }
    const greater = b.op("Greater", [value, best]);
    where = b.op("SelectV2", [greater, place, where]);
    best = b.op("SelectV2", [greater, value, best]);
  }
  return [best!, b.op("AddV2", [where!, planeOffsets(b, x)])];
}

/** Every offset of a kernel, the last axis fastest. */
function windowOffsets(axes: readonly Axis[]): readonly (readonly number[])[] {
  return axes.reduce<readonly (readonly number[])[]>(
    (rows, axis) => rows.flatMap((row) => Array.from({ length: axis.kernel }, (_, k) => [...row, k * axis.dilation])),
    [[]],
  );
}

/** The elements at one offset of every window; the end counts from the back, so that sizes need not be known. */
function stridedPiece(b: Builder, padded: Value, axes: readonly Axis[], offsets: readonly number[], first: number): Value {
  const lead = new Array<number>(first).fill(0);
  const ends = axes.map((axis, i) => offsets[i]! + 1 - extent(axis));
  const open = ends.reduce((mask, end, i) => (end === 0 ? mask | (1 << (first + i)) : mask), first === 2 ? 3 : 0);
  return b.op(
    "StridedSlice",
    [
      padded,
      b.ints([...lead, ...offsets]),
      b.ints([...lead, ...ends]),
      b.ints([...lead.map(() => 1), ...axes.map(({ stride }) => stride)]),
    ],
    {
      begin_mask: first === 2 ? 3 : 0,
      end_mask: open,
      ellipsis_mask: 0,
      new_axis_mask: 0,
      shrink_axis_mask: 0,
    },
  );
}

const upTo = (b: Builder, count: Value): Value =>
  b.op("Range", [b.scalar("int64", 0), b.cast(b.reshape(count, []), "int64"), b.scalar("int64", 1)]);

/** The flat index of every element of one channel's plane, row- or column-major. */
function planeIndices(b: Builder, x: Value, columnMajor: boolean): Value {
  const rank = x.rank - 2;
  const order = Array.from({ length: rank }, (_, i) => i);
  const size = order.map((i) => b.dim(x, i + 2));
  const count = size.reduce((product, dim) => b.op("Mul", [product, dim]));
  const flat = upTo(b, count);
  if (!columnMajor) return b.op("Reshape", [flat, b.concat(size, 0)]);
  return b.transpose(b.op("Reshape", [flat, b.concat([...size].reverse(), 0)]), [...order].reverse());
}

/** Where each channel's plane begins: [N, C, 1, …]. */
function planeOffsets(b: Builder, x: Value): Value {
  const size = spatialAxes(x).map((axis) => b.dim(x, axis));
  const plane = b.cast(
    size.reduce((product, dim) => b.op("Mul", [product, dim])),
    "int64",
  );
  const [n, c] = [b.dim(x, 0), b.dim(x, 1)];
  const starts = b.op("Mul", [upTo(b, b.op("Mul", [n, c])), plane]);
  return b.op("Reshape", [starts, b.concat([n, c, b.ints(spatialAxes(x).map(() => 1))], 0)]);
}
