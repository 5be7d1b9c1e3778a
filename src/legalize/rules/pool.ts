/**
 * Pools: TF.js takes SAME and VALID only, has no dilation, and its wasm kernels no integers. Those of three axes are two of two: TF.js's own
 * find no maximum below 0 on wasm, and pad SAME wrongly where a stride outgrows its window.
 */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { isNarrow } from "../../tf/wrap.ts";
import { LegalAt, type LegalRule, legal } from "../rule.ts";
import { picked } from "./strided.ts";
import { type Axis, axesOf, channelsLast, extent, padAsAsked, samePads, type WindowAttrs, windowAttrs } from "./window.ts";

const int32Least = -(2 ** 31);

function maxPool(b: Builder, x: Value, at: LegalAt): Value {
  channelsLast(at);
  const ksize = at.attrs["ksize"] as readonly number[];
  const axes = axesOf(at, x.shape.slice(1, -1), ksize.slice(1, -1));
  const attrs = { ...windowAttrs(at, x.rank), ksize };
  const byPieces = axes.some(({ dilation }) => dilation > 1) || (!isFloat(at.dtype()) && !isNarrow(at.dtype()));
  if (byPieces) {
    const lowest = x.dtype === "float32" ? Number.NEGATIVE_INFINITY : int32Least;
    return slideEach(b, padAsAsked(b, x, axes, lowest), axes, "Maximum");
  }
  const values = b.cast(x, "float32"); // int8 and its like are exact in float32
  const same = attrs.padding === "SAME" || (attrs.padding === "EXPLICIT" && isSame(x, axes));
  const padded = same ? values : padAsAsked(b, values, axes, Number.NEGATIVE_INFINITY);
  const settled = { ...attrs, padding: same ? "SAME" : "VALID", explicit_paddings: [] };
  return b.cast(x.rank === 5 ? inTwo(b, "MaxPool", padded, settled) : b.op("MaxPool", [padded], settled), x.dtype);
}

type PoolAttrs = WindowAttrs & { readonly ksize: readonly number[] };

/** Rows and columns of every slice, then the slices: N D H W C → N·D H W C, and → N D H·W C. */
function inTwo(b: Builder, op: string, x: Value, attrs: PoolAttrs): Value {
  const [n, depth, , , channels] = x.shape;
  const pooled = (value: Value, rows: number, columns: number | undefined) => {
    const of = (list: readonly number[]) => [1, list[rows]!, columns === undefined ? 1 : list[columns]!, 1];
    const [ksize, strides] = [of(attrs.ksize), of(attrs.strides)];
    if ([...ksize, ...strides].every((each) => each === 1)) return value;
    return b.op(op, [value], { ...attrs, ksize, strides, dilations: [1, 1, 1, 1], data_format: "NHWC" });
  };
  const slices = typeof n === "number" && typeof depth === "number" ? n * depth : -1;
  const planes = pooled(b.op("Reshape", [x, b.concat([b.ints([slices]), ...[2, 3, 4].map((axis) => b.dim(x, axis))], 0)]), 2, 3);
  const columns = b.concat([b.dim(x, 0), b.dim(x, 1), b.ints([-1]), b.dim(x, 4)], 0);
  const deep = pooled(b.op("Reshape", [planes, columns]), 1, undefined);
  const like = [
    [x, 0],
    [deep, 1],
    [planes, 1],
    [planes, 2],
    [x, 4],
  ] as const;
  return b.reshapeTo(deep, [n, deep.shape[1], planes.shape[1], planes.shape[2], channels], like);
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
  if (axes.every(({ dilation }) => dilation === 1))
    return x.rank === 5 ? inTwo(b, "AvgPool", x, attrs) : b.op(at.node.op, [x], attrs);
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
  // The wasm kernel takes steps of float32 only.
  if (x.dtype !== "float32" && window.stride > 1)
    return picked(b, x, axis, 0, [b.ints([offset]), b.ints([end]), b.ints([window.stride])], {
      begin_mask: 0,
      end_mask: end === 0 ? 1 : 0,
    });
  return b.op("StridedSlice", [x, at(offset, 0), at(end, 0), at(window.stride, 1)], {
    begin_mask: others,
    end_mask: end === 0 ? whole : others,
    ellipsis_mask: 0,
    new_axis_mask: 0,
    shrink_axis_mask: 0,
  });
}

/**
 * The greatest of each window and where it was, the first of equal ones: a running maximum over strided slices. TF.js's wasm kernel finds
 * none below 0. Places are counted in float32, exact up to the 2²⁴ elements of a plane.
 */
function maxPoolWithArgmax(b: Builder, given: Value, at: LegalAt): readonly Value[] {
  channelsLast(at);
  const x = b.cast(given, "float32");
  const axes = axesOf(at, x.shape.slice(1, -1), (at.attrs["ksize"] as readonly number[]).slice(1, -1));
  const sizes = [0, 1, 2, 3].map((axis) => b.reshape(b.dim(x, axis), []));
  const [batch, height, width, channels] = sizes as [Value, Value, Value, Value];
  const count = (to: Value) => b.op("Range", [b.scalar("int32", 0), to, b.scalar("int32", 1)]);
  const plane = b.cast(count(b.op("Mul", [height, width])), "float32");
  const grid = b.op("Reshape", [plane, b.concat([b.ints([1]), b.dim(x, 1), b.dim(x, 2), b.ints([1])], 0)]);
  const padded = [padAsAsked(b, x, axes, Number.NEGATIVE_INFINITY), padAsAsked(b, grid, axes, 0)] as const;
  const [down, across] = axes as readonly [Axis, Axis];
  let best: readonly [Value, Value] | undefined;
  for (let i = 0; i < down.kernel; i++)
    for (let j = 0; j < across.kernel; j++) {
      const [value, place] = padded.map((each) => piece(b, piece(b, each, 1, down, i), 2, across, j)) as [Value, Value];
      const greater: Value | undefined = best && b.op("Greater", [value, best[0]]);
      best =
        greater && best
          ? [b.op("SelectV2", [greater, value, best[0]]), b.op("SelectV2", [greater, place, best[1]])]
          : [value, place];
    }
  const [greatest, place] = best!;
  const inPlane = b.op("AddV2", [b.op("Mul", [b.cast(place, "int32"), channels]), count(channels)]);
  const image = b.op("Mul", [b.op("Mul", [height, width]), channels]);
  const before = b.op("Mul", [b.reshape(count(batch), [-1, 1, 1, 1]), image]);
  const where = at.flag("include_batch_in_index")
    ? b.op("AddV2", [before, inPlane])
    : b.op("AddV2", [inPlane, b.op("ZerosLike", [b.cast(greatest, "int32")])]);
  return [b.cast(greatest, given.dtype), where];
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
  const padded = padAsAsked(b, x, axes, Number.NEGATIVE_INFINITY);
  const sums = Array.from({ length: down.kernel }, (_, i) => piece(b, padded, 1, down, i * down.dilation)).flatMap((band, i) =>
    Array.from({ length: across.kernel }, (_, j) => {
      const weight = b.reshapeTo(b.slice(filter, [i, j, 0], [1, 1, -1]), [filter.shape[2]]);
      return b.op("AddV2", [piece(b, band, 2, across, j * across.dilation), weight]);
    }),
  );
  return sums.reduce((greatest, sum) => b.op("Maximum", [greatest, sum]));
}

export const pools: readonly LegalRule[] = [
  legal("MaxPoolWithArgmax", (b, [x], at) => maxPoolWithArgmax(b, x!, at)),
  legal("Dilation2D", (b, [x, filter], at) => [dilation(b, x!, filter!, at)]),
  ...["MaxPool", "MaxPool3D"].map((op) => legal(op, (b, [x], at) => [maxPool(b, x!, at)])),
  ...["AvgPool", "AvgPool3D"].map((op) => legal(op, (b, [x], at) => [avgPool(b, x!, at)])),
];
