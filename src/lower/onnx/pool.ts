/** MaxPool, AveragePool, LpPool and the global pools: N C … → MaxPool, AvgPool (3D) over N … C. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, float, int, ints } from "../schema.ts";
import { maxPoolIndices } from "./pool-indices.ts";
import {
  type Axis,
  extent,
  ksizeOf,
  padBy,
  resolveWindow,
  spatialShape,
  toFirst,
  toLast,
  type Window,
  type WindowAttrs,
  windowAttrs,
  windowAttrsOf,
} from "./window.ts";

export const poolAttrs = { ...windowAttrs, kernel_shape: ints(), ceil_mode: bool(false) };

interface PoolAttrs extends WindowAttrs {
  readonly kernel_shape: readonly number[] | undefined;
  readonly ceil_mode: boolean;
}

/** A pool's axis; `pads` are those that the windows need, `own` those that the file gives (they differ in ceil mode). */
interface PoolAxis extends Axis {
  readonly own: readonly [number, number];
}

/**
 * Ceil mode lets the last window hang over the end by up to stride − 1 elements, unless it would start beyond the padded input.
 * Where the size is not known the overhang alone gives the right size, provided that no window can start that late.
 */
function ceilAxis(axis: Axis, at: At): PoolAxis {
  const { size, stride, pads } = axis;
  const own = pads;
  if (typeof size !== "number") {
    if (extent(axis) <= pads[1] + stride - 1)
      throw at.unsupported("ceil_mode over a size that is not known", "give the input's shape with --input");
    return { ...axis, pads: [pads[0], pads[1] + stride - 1], own };
  }
  let count = Math.ceil((size + pads[0] + pads[1] - extent(axis)) / stride) + 1;
  if ((count - 1) * stride >= size + pads[0]) count--;
  const high = (count - 1) * stride + extent(axis) - size - pads[0];
  return { ...axis, pads: [pads[0], Math.max(0, high)], own };
}

interface PoolWindow extends Window {
  readonly axes: readonly PoolAxis[];
}

function poolWindow(x: Value, a: PoolAttrs, what: string, at: At): PoolWindow {
  if (!a.kernel_shape) throw at.invalid("attribute kernel_shape is missing");
  const { axes, same } = resolveWindow(spatialShape(x, what, at), a.kernel_shape, a, at);
  // SAME has as many windows as fit with any rounding.
  const ceil = a.ceil_mode && a.auto_pad === "NOTSET";
  return { axes: axes.map((axis) => (ceil ? ceilAxis(axis, at) : { ...axis, own: axis.pads })), same };
}

/** Where the padding itself counts, TensorFlow's SAME will not do. */
function needsPads({ axes, same }: Window, at: At): void {
  if (same && axes.some(({ size, stride }) => typeof size !== "number" && stride !== 1))
    throw at.unsupported("auto_pad SAME_UPPER over a size that is not known", "give the input's shape with --input");
}

const opOf = (name: string, window: Window): string => (window.axes.length === 3 ? `${name}3D` : name);

function pool(b: Builder, name: string, last: Value, window: Window): Value {
  return b.op(opOf(name, window), [last], { ...windowAttrsOf(window), ksize: ksizeOf(window) });
}

/** Windows over a tensor that is padded already. */
const unpadded = (window: Window): Window => ({ axes: window.axes.map((axis) => ({ ...axis, pads: [0, 0] })), same: false });

/** The average with zeroes in the place of the padding: the sum of what there is, over the whole window. */
function zeroPaddedAverage(b: Builder, last: Value, window: Window): Value {
  const first = window.axes.length === 1 ? 2 : 1;
  const padded = padBy(
    b,
    last,
    window.axes.map(({ pads }) => pads),
    first,
    0,
  );
  return pool(b, "AvgPool", padded, unpadded(window));
}

/** How many elements from `low` before the input to `high` behind it each window of an axis covers. */
function covered(axis: PoolAxis, [low, high]: readonly [number, number]): number[] {
  const size = axis.size as number;
  const count = Math.floor((size + axis.pads[0] + axis.pads[1] - extent(axis)) / axis.stride) + 1;
  return Array.from({ length: count }, (_, i) => {
    let inside = 0;
    for (let k = 0; k < axis.kernel; k++) {
      const at = i * axis.stride + k * axis.dilation - axis.pads[0];
      if (at >= -low && at < size + high) inside++;
    }
    return inside;
  });
}

/** Window size over covered elements, for every window: [1, …, 1], or undefined where it is 1 everywhere. */
function averageCorrection(axes: readonly PoolAxis[], include: boolean): { shape: number[]; values: Float32Array } | undefined {
  const ratios = axes.map((axis) => covered(axis, include ? axis.own : [0, 0]).map((inside) => axis.kernel / inside));
  if (ratios.every((row) => row.every((ratio) => ratio === 1))) return undefined;
  const values = ratios.reduce<number[]>((products, row) => products.flatMap((p) => row.map((ratio) => p * ratio)), [1]);
  return {
    shape: [1, ...(axes.length === 1 ? [1] : []), ...ratios.map((row) => row.length), 1],
    values: Float32Array.from(values),
  };
}

export function averagePool(b: Builder, x: Value, a: PoolAttrs & { count_include_pad: boolean }, at: At): Value {
  const window = poolWindow(x, a, "an average pool", at);
  const last = toLast(b, x);
  if (a.count_include_pad || window.axes.some(({ dilation }) => dilation > 1)) needsPads(window, at);
  return toFirst(b, average(b, last, window, a.count_include_pad), window.axes.length);
}

function average(b: Builder, last: Value, window: PoolWindow, include: boolean): Value {
  const { axes, same } = window;
  const bare = axes.every(({ pads }) => pads[0] === 0 && pads[1] === 0);
  // TensorFlow's SAME counts what is inside only.
  if (same && !include && axes.every(({ dilation }) => dilation === 1)) return pool(b, "AvgPool", last, window);
  if (bare) return pool(b, "AvgPool", last, window);
  const y = zeroPaddedAverage(b, last, window);
  if (axes.every(({ size }) => typeof size === "number")) {
    const factor = averageCorrection(axes, include);
    return factor ? b.op("Mul", [y, b.constant(tensorOf(last.dtype, factor.shape, factor.values))]) : y;
  }
  // The share of each window that counts, measured on ones: inside the input, and inside its own padding where that is included.
  const sizes = b.op("Shape", [last]);
  const inner = b.slice(sizes, [1], [last.rank - 2]);
  const ones = b.op("Fill", [b.concat([b.ints([1]), inner, b.ints([1])], 0), b.scalar(last.dtype, 1)]);
  if (!include) return b.op("RealDiv", [y, zeroPaddedAverage(b, ones, window)]);
  const first = axes.length === 1 ? 2 : 1;
  const counted = padBy(
    b,
    ones,
    axes.map(({ own }) => own),
    first,
    1,
  );
  const rest: Window = {
    axes: axes.map((axis) => ({ ...axis, pads: [axis.pads[0] - axis.own[0], axis.pads[1] - axis.own[1]] as const })),
    same: false,
  };
  return b.op("RealDiv", [y, zeroPaddedAverage(b, counted, rest)]);
}

/** (Σ |x|^p)^(1/p); padding adds nothing to the sum. */
function lpPool(b: Builder, x: Value, a: PoolAttrs & { p: number }, at: At): Value {
  const window = poolWindow(x, a, "a pool", at);
  needsPads(window, at);
  const count = window.axes.reduce((product, { kernel }) => product * kernel, 1);
  const powers = toLast(b, power(b, x, a.p));
  const sum = b.op("Mul", [zeroPaddedAverage(b, powers, window), b.scalar(x.dtype, count)]);
  return toFirst(b, root(b, sum, a.p), window.axes.length);
}

export function power(b: Builder, x: Value, p: number): Value {
  if (p === 2) return b.op("Square", [x]);
  const size = b.op("Abs", [x]);
  return p === 1 ? size : b.op("Pow", [size, b.scalar(x.dtype, p)]);
}

export function root(b: Builder, x: Value, p: number): Value {
  if (p === 1) return x;
  return p === 2 ? b.op("Sqrt", [x]) : b.op("Pow", [x, b.scalar(x.dtype, 1 / p)]);
}

const spatialAxes = (x: Value): number[] => Array.from({ length: x.rank - 2 }, (_, i) => i + 2);

export function maxPool(b: Builder, x: Value, a: PoolAttrs & { storage_order: number }, at: At): readonly (Value | undefined)[] {
  const window = poolWindow(x, a, "a max pool", at);
  if (at.used(1)) return maxPoolIndices(b, x, window.axes, a.storage_order === 1);
  return [toFirst(b, pool(b, "MaxPool", toLast(b, x), window), window.axes.length), undefined];
}

function globalLpPool(b: Builder, x: Value, p: number): Value {
  return root(b, b.reduce("Sum", power(b, x, p), spatialAxes(x), true), p);
}

export const pools: readonly Rule[] = [
  rule("MaxPool", { since: 1, arity: [1, 1], attrs: { ...poolAttrs, storage_order: int(0) } }, (b, [x], a, at) =>
    maxPool(b, x, a, at),
  ),
  rule("AveragePool", { since: 1, arity: [1, 1], attrs: { ...poolAttrs, count_include_pad: bool(false) } }, (b, [x], a, at) => [
    averagePool(b, x, a, at),
  ]),
  rule("LpPool", { since: 1, arity: [1, 1], attrs: { ...poolAttrs, p: float(2) } }, (b, [x], a, at) => [lpPool(b, x, a, at)]),
  rule("LpPool", { since: 2, arity: [1, 1], attrs: { ...poolAttrs, p: int(2) } }, (b, [x], a, at) => [lpPool(b, x, a, at)]),
  rule("GlobalAveragePool", { since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => [b.reduce("Mean", x, spatialAxes(x), true)]),
  rule("GlobalMaxPool", { since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => [b.reduce("Max", x, spatialAxes(x), true)]),
  rule("GlobalLpPool", { since: 1, arity: [1, 1], attrs: { p: float(2) } }, (b, [x], a) => [globalLpPool(b, x, a.p)]),
  rule("GlobalLpPool", { since: 2, arity: [1, 1], attrs: { p: int(2) } }, (b, [x], a) => [globalLpPool(b, x, a.p)]),
];
