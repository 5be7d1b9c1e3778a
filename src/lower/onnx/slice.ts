/** Slice, Split, Concat, Pad. What is known becomes a plain Slice; bounds that are computed stay computed. */
import type { Dim, Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf, normalAxis } from "../../tf/op.ts";
import { sliceRange } from "../../tf/slice.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { int, ints, optionalInt } from "../schema.ts";
import { knownNumbers, range } from "./axis.ts";

interface Bounds {
  readonly begin: Dim;
  readonly end: Dim;
  readonly step: number;
}

/** At and beyond this, an end means "to the last" whatever the dim is. */
const far = 2 ** 31 - 1;

/** Bounds per axis, none for an axis that is taken whole; −1 as an end with a negative step is the last element, as in Python. */
function slice(b: Builder, x: Value, given: readonly (Bounds | undefined)[]): Value {
  const bounds = given.map((each, i) => each && clamped(each, x.shape[i]));
  const spans = bounds.map((each, i) =>
    each ? sliceRange(x.shape[i], each.begin, each.end, each.step, isStart(each), isEnd(each)) : undefined,
  );
  const plain = bounds.every((each, i) => !each || (each.step === 1 && isPlain(spans[i]!, x.shape[i], isEnd(each))));
  if (plain && spans.every((span, i) => !span || (span[0] === 0 && span[1] !== undefined && span[1] === x.shape[i]))) return x;
  if (plain) {
    const size = spans.map((span) => (typeof span?.[1] === "number" ? span[1] : -1));
    return b.slice(
      x,
      spans.map((span) => span?.[0] ?? 0),
      size,
    );
  }
  const exact = bounds.map((each, i) => (each ? exactly(each, spans[i]!, x.shape[i]) : untouched));
  const mask = (pick: (each: Exact) => boolean) => exact.reduce((bits, each, i) => bits | (pick(each) ? 1 << i : 0), 0);
  const vector = (pick: (each: Exact) => number) => b.ints(exact.map(pick));
  const inputs = [x, vector((e) => (e.whole ? 0 : e.begin)), vector((e) => (e.open ? 0 : e.end)), vector((e) => e.step)];
  return b.op("StridedSlice", inputs, { begin_mask: mask((e) => e.whole), end_mask: mask((e) => e.open) });
}

/** A start before the first element is the first element, also for a negative step; TensorFlow takes that for an empty slice. */
function clamped(bounds: Bounds, dim: Dim): Bounds {
  const { begin } = bounds;
  return typeof begin === "number" && typeof dim === "number" && begin < -dim ? { ...bounds, begin: 0 } : bounds;
}

type Span = readonly [number, Dim];

/** Can a Slice with first indices and sizes say it? TF.js's does not see that a first index is behind the last element. */
function isPlain([first, count]: Span, dim: Dim, toEnd: boolean): boolean {
  const open = toEnd && (first === 0 || typeof dim === "number");
  return !Number.isNaN(first) && (typeof count === "number" || open || (count !== undefined && count === dim));
}

/** One axis of a StridedSlice. */
interface Exact {
  readonly begin: number;
  readonly end: number;
  readonly step: number;
  /** From the start; to the end. */
  readonly whole: boolean;
  readonly open: boolean;
}

const untouched: Exact = { begin: 0, end: 0, step: 1, whole: true, open: true };

/** Whatever the dim: bounds on one side of it that do not leave anything between them. */
function surelyEmpty({ begin, end, step }: Bounds): boolean {
  if (typeof begin !== "number" || typeof end !== "number" || begin < 0 !== end < 0) return false;
  return step > 0 ? begin >= end : begin <= end;
}

/** A known dim has exact bounds; with a negative step an end before the first element can only be said by the mask. */
function exactly(bounds: Bounds, [first, count]: Span, dim: Dim): Exact {
  const { begin, end, step } = bounds;
  if (count !== undefined && count === dim && first === 0 && step === 1) return untouched;
  if (count === 0 || surelyEmpty(bounds)) return { begin: 0, end: 0, step: 1, whole: false, open: false };
  if (typeof count === "number" && !Number.isNaN(first)) {
    const last = first + count * step;
    return { begin: first, end: Math.max(last, 0), step, open: last < 0, whole: false };
  }
  const clamp = (at: Dim) => Math.min(Math.max(Number(at), -far), far);
  return { begin: clamp(begin), end: clamp(end), step, open: isEnd(bounds), whole: isStart(bounds) };
}

const isStart = ({ begin, step }: Bounds): boolean => (step > 0 ? begin === 0 || Number(begin) <= -far : Number(begin) >= far);
const isEnd = ({ end, step }: Bounds): boolean => (step > 0 ? Number(end) >= far : Number(end) <= -far);

/** Constant bounds of 64 bits that only say "as far as it goes". */
function within32(b: Builder, bounds: Value): Value {
  const known = knownNumbers(bounds);
  if (!known?.some((at) => Math.abs(at) > far)) return bounds;
  return b.constant(
    tensorOf(
      bounds.dtype,
      [known.length],
      known.map((at) => Math.min(Math.max(at, -far), far)),
    ),
  );
}

/** Bounds that are computed: full vectors, one entry an axis, put together from those given. */
function sliceComputed(
  b: Builder,
  x: Value,
  starts: Value,
  ends: Value,
  axes: Value | undefined,
  steps: Value | undefined,
  at: At,
): Value {
  const { rank } = x;
  const count = starts.type.shape?.[0];
  if (typeof count !== "number") throw at.unsupported("the number of sliced axes is computed");
  const dtype = starts.dtype;
  const known = axes ? knownNumbers(axes)?.map((axis) => normalAxis(axis, rank)) : range(count);
  const own = b.op("Shape", [x], { out_type: dtype });
  const fill = (value: number) => b.cast(b.ints(new Array<number>(rank).fill(value)), dtype);
  const place = (base: Value, part: Value): Value => {
    if (known)
      return b.concat(
        range(rank).map((i) => b.slice(known.includes(i) ? part : base, [known.includes(i) ? known.indexOf(i) : i], [1])),
        0,
      );
    const wrapped = b.op("FloorMod", [b.cast(axes!, "int32"), b.scalar("int32", rank)]);
    return b.op("TensorScatterUpdate", [base, b.op("ExpandDims", [wrapped, b.scalar("int32", 1)]), part]);
  };
  const strides = steps ? place(fill(1), steps) : fill(1);
  const zero = b.scalar(dtype, 0);
  const [from, to] = [place(fill(0), starts), place(own, ends)];
  const wrapped = (bound: Value) => b.op("SelectV2", [b.op("Less", [bound, zero]), b.op("AddV2", [bound, own]), bound]);
  const within = (bound: Value, low: Value, high: Value) => b.op("Minimum", [b.op("Maximum", [wrapped(bound), low]), high]);
  const list = knownNumbers(strides);
  if (!list) return b.op("StridedSlice", [x, b.op("Maximum", [from, b.op("Neg", [own])]), to, strides], {});
  const first = within(from, zero, own);
  const last = b.op("Maximum", [within(to, zero, own), first]);
  if (list.every((step) => step === 1)) return b.op("Slice", [x, first, b.op("Sub", [last, first])]);
  // Backwards, all is counted from the end: before the first element there is no other number.
  const top = b.op("Sub", [own, b.scalar(dtype, 1)]);
  const fromEnd = (bound: Value, low: number) => b.op("Sub", [within(bound, b.scalar(dtype, low), top), own]);
  const start = fromEnd(from, 0);
  const end = b.op("Minimum", [fromEnd(to, -1), start]);
  const back = b.cast(b.ints(list.map((step) => (step < 0 ? 1 : 0))), "bool");
  const either = (backward: Value, forward: Value) =>
    list.every((step) => step < 0) ? backward : b.op("SelectV2", [back, backward, forward]);
  return b.op("StridedSlice", [x, either(start, first), either(end, last), strides], {});
}

function sliceInputs(
  b: Builder,
  x: Value,
  starts: Value,
  ends: Value,
  axesInput: Value | undefined,
  stepsInput: Value | undefined,
  at: At,
): Value {
  const given = [starts, ends, axesInput, stepsInput];
  if (given.some((each) => each?.type.shape?.length === 0)) {
    const [first, last, ...rest] = given.map((each) => (each?.type.shape?.length === 0 ? b.reshape(each, [1]) : each));
    return sliceInputs(b, x, first!, last!, rest[0], rest[1], at);
  }
  const steps = stepsInput && knownNumbers(stepsInput);
  const last = openEnds(b, ends, steps);
  const [begins, lasts] = [dimsOf(starts), dimsOf(last)];
  const axes = axesInput ? knownNumbers(axesInput)?.map((axis) => normalAxis(axis, x.rank)) : begins && range(begins.length);
  if (!begins || !lasts || !axes || (stepsInput && !steps))
    return sliceComputed(b, x, within32(b, starts), within32(b, last), axesInput, stepsInput, at);
  if (lasts.length !== begins.length || axes.length !== begins.length)
    throw at.invalid(`${begins.length} starts, ${lasts.length} ends, ${axes.length} axes`);
  const bounds = new Array<Bounds | undefined>(x.rank).fill(undefined);
  axes.forEach((axis, i) => {
    bounds[axis] = { begin: begins[i], end: lasts[i], step: steps?.[i] ?? 1 };
  });
  const settled = bounds.every((each, i) => !each || isSettled(each, x.shape[i]));
  return settled ? slice(b, x, bounds) : sliceComputed(b, x, within32(b, starts), within32(b, last), axesInput, stepsInput, at);
}

/**
 * onnxruntime, and the exporters that count on it, take the greatest number of a type as "as far as it goes" for a negative step as well.
 */
function openEnds(b: Builder, ends: Value, steps: readonly number[] | undefined): Value {
  const known = knownNumbers(ends);
  const isOpen = (end: number, i: number) => (steps?.[i] ?? 1) < 0 && (end === far || end >= 2 ** 63);
  if (!known?.some(isOpen)) return ends;
  return b.ints(known.map((end, i) => (isOpen(end, i) ? -far : Math.min(Math.max(end, -far), far))));
}

/**
 * Bounds counted from both ends, which cross where the dim is small: TF.js takes the size of −1 for "all the rest", and throws at a
 * smaller one. An end before the last element is harmless: where that crosses, there is no rest.
 */
function mayCross(bounds: Bounds): boolean {
  const { begin, end, step } = bounds;
  if (typeof begin !== "number" || typeof end !== "number" || isEnd(bounds) || begin < 0 === end < 0) return false;
  return step < 0 || begin < 0 || end < -1;
}

/** Can the bounds be written as numbers? A symbol can where it is the dim itself, taken to its end. */
function isSettled(bounds: Bounds, dim: Dim): boolean {
  const end =
    typeof bounds.end === "number" || (bounds.end !== undefined && bounds.end === dim && bounds.step === 1 && bounds.begin === 0);
  // Stepping back from before the first element needs the dim: see `clamped`.
  const start = typeof bounds.begin === "number" && (typeof dim === "number" || bounds.step > 0 || bounds.begin >= -1);
  return end && start && (typeof dim === "number" || !mayCross(bounds));
}

/** The sizes of `count` parts of an axis that only the run knows. */
function shares(b: Builder, x: Value, axis: number, count: number): Value {
  const size = b.dim(x, axis);
  const each = b.op("FloorDiv", [b.op("AddV2", [size, b.ints([count - 1])]), b.ints([count])]);
  const left = b.op("Sub", [size, b.op("Mul", [each, b.ints(range(count))])]);
  return b.op("Minimum", [b.op("Maximum", [left, b.ints([0])]), each]);
}

/** `count` parts; equal, but for a smaller last one where they do not divide, which they may only where `mayDiffer`. */
function split(
  b: Builder,
  x: Value,
  axis: number,
  count: number,
  sizes: readonly number[] | undefined,
  mayDiffer: boolean,
  at: At,
): readonly Value[] {
  const dim = x.shape[axis];
  if (count === 1) return [x];
  if (!sizes && typeof dim !== "number" && mayDiffer)
    return b.ops("SplitV", [x, shares(b, x, axis, count), b.scalar("int32", axis)], { num_split: count });
  if (!sizes && (typeof dim !== "number" || dim % count === 0))
    return b.ops("Split", [b.scalar("int32", axis), x], { num_split: count });
  const each = Math.ceil((dim as number) / count);
  const parts = sizes ?? range(count).map((i) => Math.max(0, Math.min(each, (dim as number) - i * each)));
  if (parts.length !== count) throw at.invalid(`${parts.length} sizes for ${count} outputs`);
  return b.ops("SplitV", [x, b.ints(parts), b.scalar("int32", axis)], { num_split: count });
}

function splitBy(b: Builder, x: Value, axis: number, sizes: Value | undefined, at: At, outputs?: number): readonly Value[] {
  const count = at.node.outputs.length;
  if (outputs !== undefined && outputs !== count) throw at.invalid(`num_outputs ${outputs} of a node with ${count} outputs`);
  const along = normalAxis(axis, x.rank);
  const known = sizes && knownNumbers(sizes);
  if (sizes && !known) return b.ops("SplitV", [x, sizes, b.scalar("int32", along)], { num_split: count });
  return split(b, x, along, count, known, outputs !== undefined, at);
}

const concat = (b: Builder, inputs: readonly (Value | undefined)[], axis: number): Value => {
  const values = inputs as readonly Value[];
  const rank = values.find((value) => value.type.shape)?.rank;
  if (rank === undefined) return b.concat(values, axis);
  const along = normalAxis(axis, rank);
  // Parts of no rows add nothing; TF.js's kernels do not like them.
  const full = values.filter((value) => value.type.shape?.[along] !== 0);
  return b.concat(full.length > 0 ? full : values.slice(0, 1), along);
};

export const slices: readonly Rule[] = [
  rule("Slice", { since: 1, arity: [1, 1], attrs: { starts: ints(), ends: ints(), axes: ints() } }, (b, [x], a, at) => {
    const vector = (list: readonly number[] = []) => b.ints(list.map((each) => Math.min(Math.max(each, -far), far)));
    return [sliceInputs(b, x, vector(a.starts), vector(a.ends), a.axes && b.ints(a.axes), undefined, at)];
  }),
  // An experiment of opset 9, met in old files.
  rule("DynamicSlice", { since: 1, arity: [3, 4], attrs: {} }, (b, [x, starts, ends, axes], _, at) => [
    sliceInputs(b, x, starts, ends, axes, undefined, at),
  ]),
  rule("Slice", { since: 10, arity: [3, 5], attrs: {} }, (b, [x, starts, ends, axes, steps], _, at) => [
    sliceInputs(b, x, starts, ends, axes, steps, at),
  ]),
  rule("Split", { since: 1, arity: [1, 2], attrs: { axis: int(0), split: ints() } }, (b, [x, sizes], a, at) => {
    const given = sizes ?? (a.split && b.ints(a.split));
    return splitBy(b, x, a.axis, given, at);
  }),
  rule("Split", { since: 13, arity: [1, 2], attrs: { axis: int(0), num_outputs: optionalInt() } }, (b, [x, sizes], a, at) =>
    splitBy(b, x, a.axis, sizes, at, a.num_outputs),
  ),
  rule("Concat", { since: 1, arity: [1, Number.POSITIVE_INFINITY], attrs: { axis: int(1) } }, (b, inputs, a) => [
    concat(b, inputs, a.axis),
  ]),
];
