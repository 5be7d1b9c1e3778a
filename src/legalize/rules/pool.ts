/** Pools: TF.js takes SAME and VALID only, has no dilation, and its wasm kernels no integers. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";
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

export const pools: readonly LegalRule[] = [
  ...["MaxPool", "MaxPool3D"].map((op) => legal(op, (b, [x], at) => [maxPool(b, x!, at)])),
  ...["AvgPool", "AvgPool3D"].map((op) => legal(op, (b, [x], at) => [avgPool(b, x!, at)])),
];
