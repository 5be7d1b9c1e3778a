/** Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Expand, Tile, Shape, Size: what changes dims and no element. */
import type { Dim, Shape, Value } from "../../graph/graph.ts";
import { isStatic, sizeOf } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { broadcastDim, dimsOf, normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, ints, optionalInt } from "../schema.ts";
import { axesOf, knownNumbers, range } from "./axis.ts";

/**
 * A Reshape to a shape vector of which a 0 stands for the input's dim, unless `allowZero`. A vector of which nothing is known is
 * looked at when it runs; one made of known pieces can hold a 0 only where a dim of the data is 0, and TF.js refuses that by itself.
 */
function reshape(b: Builder, x: Value, shape: Value, allowZero: boolean): Value {
  const dims = dimsOf(shape);
  if (!dims || (dims.length > 0 && dims.every((dim) => dim === undefined))) return reshapeUnknown(b, x, shape, allowZero);
  if (allowZero || !dims.includes(0))
    return dims.every((dim) => typeof dim === "number") ? b.reshape(x, dims) : b.op("Reshape", [x, shape]);
  const from = x.shape;
  const copied = dims.map((dim, i) => (dim === 0 ? from[i] : dim));
  const open = copied.indexOf(-1);
  const left =
    open < 0
      ? undefined
      : quotient(
          from,
          copied.filter((_, i) => i !== open),
        );
  const out = left === undefined ? copied : copied.map((dim) => (dim === -1 ? left : dim));
  const parts = out.map((dim, i) => (typeof dim === "number" ? b.ints([dim]) : dims[i] === 0 ? b.dim(x, i) : entry(b, shape, i)));
  const opens = out.filter((dim) => typeof dim !== "number").length;
  if (opens === 0 || (opens === 1 && !out.includes(-1) && !out.includes(0))) return b.reshapeTo(x, out);
  return b.op("Reshape", [x, b.concat(parts, 0)]);
}

/** Entry `i` of a shape vector, as an int32 vector of one. */
const entry = (b: Builder, shape: Value, i: number): Value => b.cast(b.slice(shape, [i], [1]), "int32");

function reshapeUnknown(b: Builder, x: Value, shape: Value, allowZero: boolean): Value {
  if (allowZero) return b.op("Reshape", [x, shape]);
  // The data's dims, as many as the vector has entries: what stands behind them is read only where a 0 has no dim to copy.
  const own = b.op("Shape", [x], { out_type: shape.dtype });
  const longer = b.op("ConcatV2", [own, shape, b.scalar("int32", 0)]);
  const copied = b.op("Slice", [longer, b.ints([0]), b.op("Shape", [shape])]);
  return b.op("Reshape", [x, b.op("SelectV2", [b.op("Equal", [shape, b.scalar(shape.dtype, 0)]), copied, shape])]);
}

/** What −1 stands for, where the symbols on both sides cancel and the numbers divide. */
function quotient(from: Shape, rest: Shape): number | undefined {
  const symbols = from.filter((dim) => typeof dim !== "number");
  let product = from.reduce<number>((p, dim) => (typeof dim === "number" ? p * dim : p), 1);
  for (const dim of rest) {
    if (typeof dim === "number") product /= dim;
    else {
      const at = dim === undefined ? -1 : symbols.indexOf(dim);
      if (at < 0) return undefined;
      symbols.splice(at, 1);
    }
  }
  return symbols.length === 0 && Number.isInteger(product) ? product : undefined;
}

/** Dims before and from `axis` on as one each. */
function flatten(b: Builder, x: Value, axis: number): Value {
  const [lead, rest] = [x.shape.slice(0, axis), x.shape.slice(axis)];
  const [rows, columns] = [sizeOf(lead), sizeOf(rest)];
  if (rows && columns === undefined) return b.reshape(x, [rows, -1]);
  if (columns && rows === undefined) return b.reshape(x, [-1, columns]);
  if (rows !== undefined && columns !== undefined) return b.reshape(x, [rows, columns]);
  // No −1 beside a product that is, or may be, 0.
  const product = (from: number, to: number) => b.reduce("Prod", b.slice(b.op("Shape", [x]), [from], [to - from]), [0], true);
  return b.op("Reshape", [x, b.concat([product(0, axis), product(axis, x.rank)], 0)]);
}

/** The output as the file declares it, for axes that are computed: without them the shape cannot be told otherwise. */
function asDeclared(b: Builder, x: Value, at: At, what: string): Value {
  const shape = at.declared(0)?.shape;
  if (!shape?.every((dim) => typeof dim === "number")) throw at.unsupported(`${what} are computed`, "make them constant");
  return b.reshape(x, shape as readonly number[]);
}

function unsqueeze(b: Builder, x: Value, axes: readonly number[]): Value {
  const rank = x.rank + axes.length;
  const sorted = axes.map((axis) => normalAxis(axis, rank)).sort((p, q) => p - q);
  return sorted.reduce((y, axis) => b.op("ExpandDims", [y, b.scalar("int32", axis)]), x);
}

function squeeze(b: Builder, x: Value, axes: readonly number[] | undefined, at: At): Value {
  if (axes) return b.squeeze(x, axes);
  const { shape } = x;
  if (!isStatic(shape))
    return at.declared(0)?.shape?.every((dim) => typeof dim === "number")
      ? asDeclared(b, x, at, "the dims")
      : b.op("Squeeze", [x], { squeeze_dims: [] });
  return b.squeeze(
    x,
    shape.flatMap((dim, i) => (dim === 1 ? [i] : [])),
  );
}

/** Broadcast to the larger of the two, per dim: a 1 in `shape` keeps the input's dim. */
export function expand(b: Builder, x: Value, shape: Value): Value {
  const dims = dimsOf(shape);
  if (!dims) return b.op("BroadcastTo", [x, b.op("BroadcastArgs", [b.op("Shape", [x], { out_type: shape.dtype }), shape])]);
  const rank = Math.max(x.rank, dims.length);
  const own = (i: number): Dim => (i < rank - x.rank ? 1 : x.shape[i - rank + x.rank]);
  const wanted = (i: number): Dim => (i < rank - dims.length ? 1 : dims[i - rank + dims.length]);
  // A dim that is neither known to be 1 nor paired with one could be broadcast either way: only the run can tell.
  const clear = (p: Dim, q: Dim) => typeof p === "number" || q === 1 || p === q || (typeof q === "number" && q !== 1);
  const all = range(rank);
  if (!all.every((i) => clear(own(i), wanted(i))))
    return b.op("BroadcastTo", [x, b.op("BroadcastArgs", [b.op("Shape", [x], { out_type: shape.dtype }), shape])]);
  const parts = all.map((i) => {
    const dim = broadcastDim(own(i), wanted(i));
    if (typeof dim === "number") return b.ints([dim]);
    return own(i) === 1 ? entry(b, shape, i - rank + dims.length) : b.dim(x, i - rank + x.rank);
  });
  if (all.every((i) => i >= rank - x.rank && (wanted(i) === 1 || wanted(i) === own(i)))) return x;
  return b.op("BroadcastTo", [x, parts.length === 0 ? b.ints([]) : b.concat(parts, 0)]);
}

/** Elements `start` to `end` of the shape, as Python's slices clamp them. */
function shapeOf(b: Builder, x: Value, start: number, end: number | undefined): Value {
  const whole = b.op("Shape", [x], { out_type: "int64" });
  if (start === 0 && end === undefined) return whole;
  const clamp = (i: number) => Math.min(Math.max(i < 0 ? i + x.rank : i, 0), x.rank);
  const from = clamp(start);
  return b.slice(whole, [from], [Math.max(0, clamp(end ?? x.rank) - from)]);
}

export const reshapes: readonly Rule[] = [
  rule("Reshape", { since: 1, arity: [1, 1], attrs: { shape: ints() } }, (b, [x], a) => [
    reshape(b, x, b.ints(a.shape ?? []), false),
  ]),
  rule("Reshape", { since: 5, arity: [2, 2], attrs: { allowzero: bool(false) } }, (b, [x, shape], a) => [
    reshape(b, x, shape, a.allowzero),
  ]),
  rule("Flatten", { since: 1, arity: [1, 1], attrs: { axis: int(1) } }, (b, [x], a) => [
    flatten(b, x, a.axis === x.rank ? x.rank : normalAxis(a.axis, x.rank)),
  ]),
  rule("Transpose", { since: 1, arity: [1, 1], attrs: { perm: ints() } }, (b, [x], a) => [
    b.transpose(x, a.perm ?? range(x.rank).reverse()),
  ]),
  rule("Squeeze", { since: 1, arity: [1, 1], attrs: { axes: ints() } }, (b, [x], a, at) => [
    squeeze(b, x, axesOf(x.rank, a.axes), at),
  ]),
  rule("Squeeze", { since: 13, arity: [1, 2], attrs: {} }, (b, [x, axes], _, at) => {
    if (axes && !knownNumbers(axes)) return [asDeclared(b, x, at, "the axes to squeeze")];
    return [squeeze(b, x, axesOf(x.rank, undefined, axes), at)];
  }),
  rule("Unsqueeze", { since: 1, arity: [1, 1], attrs: { axes: ints() } }, (b, [x], a) => [unsqueeze(b, x, a.axes ?? [])]),
  rule("Unsqueeze", { since: 13, arity: [2, 2], attrs: {} }, (b, [x, axes], _, at) => {
    const known = knownNumbers(axes);
    return [known ? unsqueeze(b, x, known) : asDeclared(b, x, at, "the axes to add")];
  }),
  rule("ExpandDims", { since: 1, domain: "com.microsoft", arity: [2, 2], attrs: {} }, (b, [x, axis], _, at) => [
    unsqueeze(b, x, [at.numbers(axis, "the axis")[0]!]),
  ]),
  rule("Expand", { since: 8, arity: [2, 2], attrs: {} }, (b, [x, shape]) => [expand(b, x, shape)]),
  rule("Tile", { since: 1, arity: [3, 3], attrs: {} }, (b, [x, tiles, axis], _, at) => {
    const [count, along] = [at.numbers(tiles, "the count of tiles")[0]!, normalAxis(at.numbers(axis, "the axis")[0]!, x.rank)];
    return [b.op("Tile", [x, b.ints(x.shape.map((_, i) => (i === along ? count : 1)))])];
  }),
  rule("Tile", { since: 6, arity: [2, 2], attrs: {} }, (b, [x, repeats]) => [b.op("Tile", [x, repeats])]),
  rule("Shape", { since: 1, arity: [1, 1], attrs: { start: int(0), end: optionalInt() } }, (b, [x], a) => [
    shapeOf(b, x, a.start, a.end),
  ]),
  rule("Size", { since: 1, arity: [1, 1], attrs: {} }, (b, [x]) => [b.op("Size", [x], { out_type: "int64" })]),
];
