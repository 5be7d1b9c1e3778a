/** Ops that take parts of a tensor: slices, splits, unstacking, reversal. */
import { modelError } from "../base/problem.ts";
import type { Dim, Shape, Type } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { axisOf, ints, outputTypes, reshapeTensor, unknown } from "./dims.ts";
import { type Call, define, normalAxis } from "./op.ts";
import { gatherStrided, stridesOf } from "./strided.ts";

interface StridedSpec {
  readonly begin: readonly number[];
  readonly stride: readonly number[];
  /** Dims before new axes are added and shrunk ones dropped. */
  readonly size: readonly Dim[];
  readonly shape: Shape;
}

/** A mask has a bit for each place. */
const maskBits = 32;

/** TensorFlow's StridedSlice with its five masks, over a known rank and constant begin, end and strides. */
export function stridedSpec(call: Call): StridedSpec | undefined {
  const input = call.shape();
  const [begins, ends, steps] = [call.dims(1), call.dims(2), call.numbers(3)];
  if (!input || !begins || !ends || !steps) return undefined;
  const mask = (name: string) => call.attr<number>(name, 0);
  const bit = (name: string, i: number) => (mask(name) >> i) & 1;
  const explicit = begins.filter((_, i) => !bit("new_axis_mask", i) && !bit("ellipsis_mask", i)).length;
  const begin: number[] = [];
  const stride: number[] = [];
  const size: Dim[] = [];
  const shape: Dim[] = [];
  let axis = 0;
  const all = () => {
    begin.push(0);
    stride.push(1);
    size.push(input[axis]);
    shape.push(input[axis++]);
  };
  for (let i = 0; i < begins.length; i++) {
    if (bit("ellipsis_mask", i)) {
      for (let n = input.length - explicit; n > 0; n--) all();
    } else if (bit("new_axis_mask", i)) shape.push(1);
    else {
      if (axis >= input.length) throw modelError("shape-mismatch", `slice of ${begins.length} axes over rank ${input.length}`);
      const dim = input[axis++];
      const [b, e, s] = [bit("begin_mask", i) ? undefined : begins[i], bit("end_mask", i) ? undefined : ends[i], steps[i]!];
      if (bit("shrink_axis_mask", i)) {
        if (typeof begins[i] !== "number" || (typeof dim !== "number" && (begins[i] as number) < 0)) return undefined;
        if (typeof dim === "number" && ((begins[i] as number) < -dim || (begins[i] as number) >= dim))
          throw modelError("bad-index", `index ${begins[i]} of a dim of ${dim}`);
        begin.push((begins[i] as number) < 0 ? (begins[i] as number) + (dim as number) : (begins[i] as number));
        stride.push(1);
        size.push(1);
        continue;
      }
      const range = sliceRange(dim, b, e, s, bit("begin_mask", i) === 1, bit("end_mask", i) === 1);
      begin.push(range[0]);
      stride.push(s);
      size.push(range[1]);
      shape.push(range[1]);
    }
  }
  while (axis < input.length) all();
  return { begin, stride, size, shape };
}

/** First index and length of `dim[begin:end:step]`; NaN for a first index that is not known. */
export function sliceRange(
  dim: Dim,
  begin: Dim,
  end: Dim,
  step: number,
  fromStart: boolean,
  toEnd: boolean,
): readonly [number, Dim] {
  if (step === 0) throw modelError("bad-attribute", "a slice step of 0");
  if (typeof dim !== "number") {
    const whole =
      step === 1 &&
      (fromStart || begin === 0) &&
      (toEnd || (typeof end === "number" && end >= 2 ** 31 - 1) || (end !== undefined && end === dim));
    if (whole) return [0, dim];
    const counted = step > 0 && typeof begin === "number" && typeof end === "number" && begin < 0 && end < 0 && !toEnd;
    return [
      fromStart && step > 0 ? 0 : typeof begin === "number" && begin >= 0 ? begin : Number.NaN,
      counted ? undefined : undefined,
    ];
  }
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x < 0 ? x + dim : x, low), high);
  if ((!fromStart && typeof begin !== "number") || (!toEnd && typeof end !== "number")) return [Number.NaN, undefined];
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  const first = fromStart ? (step > 0 ? 0 : dim - 1) : clamp(begin as number, low, high);
  const last = toEnd ? (step > 0 ? dim : -1) : clamp(end as number, low, high);
  return [first, Math.max(0, Math.ceil((last - first) / step))];
}

/** Where begin, end or strides are not known, at least the rank may be. */
function stridedRank(call: Call): Shape | undefined {
  const rank = call.shape()?.length;
  const count = call.shape(1)?.[0];
  if (rank === undefined || typeof count !== "number") return undefined;
  const ones = (name: string) => [...call.attr<number>(name, 0).toString(2)].filter((digit) => digit === "1").length;
  return unknown(rank + ones("new_axis_mask") - ones("shrink_axis_mask"));
}

function foldSpec(x: Tensor, begin: Tensor, end: Tensor, step: Tensor, attrs: Record<string, number>): StridedSpec {
  const dims = [undefined, ints(begin), ints(end), ints(step)];
  const call = {
    shape: () => x.shape,
    dims: (i: number) => dims[i],
    numbers: (i: number) => dims[i],
    attr: (name: string) => attrs[name] ?? 0,
  };
  return stridedSpec(call as unknown as Call)!;
}

/** Neighbouring parts along an axis, each as long as its type says. */
function parts(x: Tensor, axis: number, types: readonly Type[]): Tensor[] {
  const strides = stridesOf(x.shape);
  let start = 0;
  return types.map((type) => {
    const shape = type.shape as readonly number[];
    const part = gatherStrided(x, shape, strides, start * strides[axis]!);
    start += shape[axis]!;
    return part;
  });
}

/** What one size of −1 stands for. */
const rest = (dim: Dim, sizes: readonly number[]): Dim =>
  typeof dim === "number" ? dim - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0) : undefined;

define(
  {
    name: "Unpack",
    infer: (call) => {
      const shape = call.shape();
      const count = call.attr<number>("num");
      if (!shape) return outputTypes(count, () => ({ dtype: call.dtype(), shape: undefined }));
      const axis = normalAxis(call.attr<number>("axis", 0), shape.length);
      return outputTypes(count, () => ({ dtype: call.dtype(), shape: shape.filter((_, i) => i !== axis) }));
    },
    fold: ([x], attrs, types) => {
      const axis = normalAxis((attrs["axis"] as number | undefined) ?? 0, x!.shape.length);
      const strides = stridesOf(x!.shape);
      return types.map((type, i) =>
        gatherStrided(
          x!,
          type.shape as readonly number[],
          strides.filter((_, k) => k !== axis),
          i * strides[axis]!,
        ),
      );
    },
  },
  {
    name: "Slice",
    infer: (call) => {
      const shape = call.shape();
      const [begin, size] = [call.dims(1), call.dims(2)];
      if (!shape) return [{ dtype: call.dtype(), shape: size ? size.map((dim) => (dim === -1 ? undefined : dim)) : undefined }];
      if (!size) return [{ dtype: call.dtype(), shape: unknown(shape.length) }];
      return [
        {
          dtype: call.dtype(),
          shape: size.map((dim, i) => {
            if (dim !== -1) {
              if (
                typeof dim === "number" &&
                typeof shape[i] === "number" &&
                typeof begin?.[i] === "number" &&
                (begin[i] as number) + dim > (shape[i] as number)
              )
                throw modelError("shape-mismatch", `slice of ${dim} from ${begin[i]} on a dim of ${shape[i]}`);
              return dim;
            }
            const from = begin?.[i];
            if (from === 0) return shape[i];
            return typeof from === "number" && typeof shape[i] === "number" ? (shape[i] as number) - from : undefined;
          }),
        },
      ];
    },
    fold: ([x, begin], _, [type]) => {
      const strides = stridesOf(x!.shape);
      const start = ints(begin!).reduce((offset, b, i) => offset + b * strides[i]!, 0);
      return [gatherStrided(x!, type!.shape as readonly number[], strides, start)];
    },
    elements: (call) => {
      const [x, begin, size] = [call.dims(0), call.numbers(1), call.numbers(2)];
      if (!x || call.shape()?.length !== 1 || begin?.length !== 1 || size?.length !== 1) return undefined;
      return x.slice(begin[0], size[0] === -1 ? undefined : begin[0]! + size[0]!);
    },
  },
  {
    name: "StridedSlice",
    infer: (call) => {
      const [begin, end, step] = [1, 2, 3].map((i) => call.shape(i)?.[0]);
      const lengths = [begin, end, step].filter((length) => typeof length === "number");
      if (lengths.some((length) => length !== lengths[0] || length > maskBits))
        throw modelError("shape-mismatch", `slice from ${begin} places to ${end} by ${step} steps`);
      return [{ dtype: call.dtype(), shape: stridedSpec(call)?.shape ?? stridedRank(call) }];
    },
    fold: ([x, b, e, s], attrs, [type]) => {
      const spec = foldSpec(x!, b!, e!, s!, attrs as Record<string, number>);
      const strides = stridesOf(x!.shape);
      const start = spec.begin.reduce((offset, at, i) => offset + at * strides[i]!, 0);
      const picked = gatherStrided(
        x!,
        spec.size as readonly number[],
        strides.map((stride, i) => stride * spec.stride[i]!),
        start,
      );
      return reshapeTensor(picked, type!);
    },
    elements: (call) => {
      const dims = call.dims(0);
      const spec = dims && call.shape()?.length === 1 ? stridedSpec(call) : undefined;
      const size = spec?.size[0];
      if (!dims || !spec || typeof size !== "number" || Number.isNaN(spec.begin[0])) return undefined;
      return Array.from({ length: size }, (_, i) => dims[spec.begin[0]! + i * spec.stride[0]!]);
    },
  },
  {
    name: "ReverseV2",
    infer: (call) => [call.input(0).type],
    fold: ([x, axes], _, [type]) => {
      const strides = stridesOf(x!.shape);
      let start = 0;
      for (const axis of ints(axes!).map((a) => normalAxis(a, strides.length))) {
        start += (x!.shape[axis]! - 1) * strides[axis]!;
        strides[axis] = -strides[axis]!;
      }
      return [gatherStrided(x!, type!.shape as readonly number[], strides, Math.max(start, 0))];
    },
    elements: (call) => (call.shape()?.length === 1 && call.dims(1)?.length === 1 ? call.dims(0)?.slice().reverse() : undefined),
  },
  {
    name: "Split",
    infer: (call) => {
      const count = call.attr<number>("num_split");
      const shape = call.shape(1);
      const axis = shape && axisOf(call, 0, shape.length);
      const dim = shape?.[axis!];
      if (typeof dim === "number" && dim % count !== 0)
        throw modelError("shape-mismatch", `split of ${dim} into ${count} equal parts`);
      return outputTypes(count, () => ({
        dtype: call.dtype(1),
        shape: shape?.map((d, i) => (i !== axis ? d : typeof d === "number" ? d / count : undefined)),
      }));
    },
    fold: ([axis, x], _, types) => parts(x!, normalAxis(ints(axis!)[0]!, x!.shape.length), types),
  },
  {
    name: "SplitV",
    infer: (call) => {
      const shape = call.shape(0);
      const sizes = call.numbers(1);
      const count = call.attr<number>("num_split");
      const axis = shape && axisOf(call, 2, shape.length);
      if (
        sizes &&
        shape &&
        typeof shape[axis!] === "number" &&
        !sizes.includes(-1) &&
        sizes.reduce((a, b) => a + b, 0) !== shape[axis!]
      )
        throw modelError("shape-mismatch", `split sizes [${sizes}] of a dim of ${shape[axis!]}`);
      return outputTypes(count, (k) => ({
        dtype: call.dtype(),
        shape: shape?.map((d, i) => (i !== axis ? d : sizes && (sizes[k] === -1 ? rest(d, sizes) : sizes[k]))),
      }));
    },
    fold: ([x, , axis], _, types) => parts(x!, normalAxis(ints(axis!)[0]!, x!.shape.length), types),
  },
);
