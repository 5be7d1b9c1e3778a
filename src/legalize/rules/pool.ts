/** Pools: TF.js takes SAME and VALID only, has no dilation, and its wasm kernels no integers. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { LegalAt, type LegalRule, legal } from "../rule.ts";
import { isNarrow } from "../types.ts";
import { type Axis, axesOf, channelsLast, extent, knownPads, padSpatial, samePads, windowAttrs } from "./window.ts";

const int32Least = -(2 ** 31);

function maxPool(b: Builder, x: Value, at: LegalAt): Value {
  channelsLast(at);
  const ksize = at.attrs["ksize"] as readonly number[];
  const axes = axesOf(at, x.shape.slice(1, -1), ksize.slice(1, -1));
  const attrs = { ...windowAttrs(at, x.rank), ksize };
  const byPieces = axes.some(({ dilation }) => dilation > 1) || (!isFloat(at.dtype()) && !isNarrow(at.dtype()));
  if (byPieces) {
    const lowest = x.dtype === "float32" ? Number.NEGATIVE_INFINITY : int32Least;
    return slideEach(b, padSpatial(b, x, knownPads(at, axes), lowest), axes, "Maximum");
  }
  const values = b.cast(x, "float32"); // int8 and its like are exact in float32
  const same = attrs.padding === "SAME" || (attrs.padding === "EXPLICIT" && isSame(x, axes));
  const padded = same ? values : padSpatial(b, values, knownPads(at, axes), Number.NEGATIVE_INFINITY);
  return b.cast(b.op(at.node.op, [padded], { ...attrs, padding: same ? "SAME" : "VALID", explicit_paddings: [] }), x.dtype);
}

/** Are the padding numbers what SAME would choose? */
function isSame(x: Value, axes: readonly Axis[]): boolean {
  return axes.every((axis, i) => {
    const size = x.shape[i + 1];
    if (typeof size !== "number" || !axis.pads) return false;
    const [low, high] = samePads(size, axis);
    return low === axis.pads[0] && high === axis.pads[1];
  });
}

/** TensorFlow's average counts what is inside only; padding numbers, which it does not have, would be zeroes that count. */
function avgPool(b: Builder, x: Value, at: LegalAt): Value {
  channelsLast(at);
  const ksize = at.attrs["ksize"] as readonly number[];
  const axes = axesOf(at, x.shape.slice(1, -1), ksize.slice(1, -1));
  const attrs = { ...windowAttrs(at, x.rank), ksize };
  if (attrs.padding === "EXPLICIT") throw new Error("a lowering pads an average pool itself");
  if (axes.every(({ dilation }) => dilation === 1)) return b.op(at.node.op, [x], attrs);
  if (attrs.padding === "SAME") throw new Error("a lowering pads a dilated average pool itself");
  const count = axes.reduce((product, { kernel }) => product * kernel, 1);
  return b.op("Mul", [slideEach(b, x, axes, "AddV2"), b.scalar(x.dtype, 1 / count)]);
}

/** A pool of any dilation, an axis after the other: the elements of a window are as many strided slices, combined. */
function slideEach(b: Builder, x: Value, axes: readonly Axis[], combine: string): Value {
  return axes.reduce((value, axis, i) => {
    if (axis.kernel === 1 && axis.stride === 1) return value;
    const pieces = Array.from({ length: axis.kernel }, (_, k) => piece(b, value, i + 1, axis, k * axis.dilation));
    return pieces.reduce((total, each) => b.op(combine, [total, each]));
  }, x);
}

/** The element at `offset` of every window of an axis; the end counts from the back, so that sizes need not be known. */
function piece(b: Builder, x: Value, axis: number, window: Axis, offset: number): Value {
  const end = offset + 1 - extent(window);
  const at = (value: number, rest: number) => b.ints(x.shape.map((_, i) => (i === axis ? value : rest)));
  const whole = (1 << x.rank) - 1;
  const others = whole & ~(1 << axis);
  return b.op("StridedSlice", [x, at(offset, 0), at(end, 0), at(window.stride, 1)], {
    begin_mask: others,
    end_mask: end === 0 ? whole : others,
    ellipsis_mask: 0,
    new_axis_mask: 0,
    shrink_axis_mask: 0,
  });
}

/** Elements of a filter that are written out one by one. */
const maxTaps = 256;

/** The greatest of x + filter within each window. TF.js's wasm kernel gives no number below 0, and webgl has no kernel. */
function dilation(b: Builder, x: Value, filter: Value, at: LegalAt): Value {
  const [rows, columns] = filter.shape;
  const within = new LegalAt(at.node, { ...at.attrs, dilations: at.attrs["rates"]! });
  const axes = axesOf(within, x.shape.slice(1, -1), [rows, columns]);
  const [down, across] = axes as readonly [Axis, Axis];
  if (down.kernel * across.kernel > maxTaps) throw at.unsupported(`a dilation by a filter of ${rows}×${columns}`);
  const padded = padSpatial(b, x, knownPads(within, axes), Number.NEGATIVE_INFINITY);
  const sums = Array.from({ length: down.kernel }, (_, i) => piece(b, padded, 1, down, i * down.dilation)).flatMap((band, i) =>
    Array.from({ length: across.kernel }, (_, j) => {
      const weight = b.reshapeTo(b.slice(filter, [i, j, 0], [1, 1, -1]), [filter.shape[2]]);
      return b.op("AddV2", [piece(b, band, 2, across, j * across.dilation), weight]);
    }),
  );
  return sums.reduce((greatest, sum) => b.op("Maximum", [greatest, sum]));
}

export const pools: readonly LegalRule[] = [
  legal("Dilation2D", (b, [x, filter], at) => [dilation(b, x!, filter!, at)]),
  ...["MaxPool", "MaxPool3D"].map((op) => legal(op, (b, [x], at) => [maxPool(b, x!, at)])),
  ...["AvgPool", "AvgPool3D"].map((op) => legal(op, (b, [x], at) => [avgPool(b, x!, at)])),
];
