/** Ops that move elements and never change them: reshape, transpose, slice, concat, gather, pad, tile, and the shape queries. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { type Dim, isStatic, type Shape, showShape, sizeOf, type Type } from "../graph/graph.ts";
import { allocate, type Elements, elementCount, numbersOf, type Tensor } from "../graph/tensor.ts";
import { walk, broadcastStrides } from "./elementwise.ts";
import { broadcastDim, type Call, define, normalAxis } from "./op.ts";

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Copies `out`-many elements found at `start` + strides. */
export function gatherStrided(x: Tensor, out: readonly number[], strides: readonly number[], start = 0): Tensor {
  const data = allocate(x.dtype, elementCount(out));
  const from = x.data as Float32Array;
  const to = data as Float32Array;
  const inner = out.length - 1;
  if (inner >= 0 && out.length <= 6) copyNested(from, to, out, strides, start);
  else
    walk(out, [strides], (at, [offset]) => {
      to[at] = from[start + offset!]!;
    });
  return { dtype: x.dtype, shape: out, data };
}

/** The innermost two axes as plain loops: transposing weights of hundreds of megabytes is mostly this. */
function copyNested(from: Float32Array, to: Float32Array, out: readonly number[], strides: readonly number[], start: number): void {
  const rank = out.length;
  const [columns, columnStride] = [out[rank - 1]!, strides[rank - 1]!];
  const [rows, rowStride] = rank > 1 ? [out[rank - 2]!, strides[rank - 2]!] : [1, 0];
  let at = 0;
  walk(out.slice(0, Math.max(rank - 2, 0)), [strides.slice(0, Math.max(rank - 2, 0))], (_, [offset]) => {
    for (let r = 0; r < rows; r++) {
      let p = start + offset! + r * rowStride;
      for (let c = 0; c < columns; c++, p += columnStride) to[at++] = from[p]!;
    }
  });
}

const ints = (t: Tensor): number[] => numbersOf(t);
const unknown = (rank: number): Shape => new Array<Dim>(rank).fill(undefined);

/** The dims that input `i` (a shape vector) tells: undefined where not even its length is known. */
function shapeFrom(call: Call, i: number): Shape | undefined {
  const dims = call.dims(i);
  if (dims) return dims;
  const length = call.shape(i)?.[0];
  return typeof length === "number" ? unknown(length) : undefined;
}

function reshaped(from: Shape | undefined, to: Shape | undefined): Shape | undefined {
  if (!to) return undefined;
  const open = to.indexOf(-1);
  if (open < 0) {
    const [a, b] = [sizeOf(from), sizeOf(to)];
    if (a !== undefined && b !== undefined && a !== b) throw modelError("shape-mismatch", `${showShape(from)} does not reshape to ${showShape(to)}`);
    return to;
  }
  const rest = to.filter((_, i) => i !== open);
  if (rest.includes(-1)) throw modelError("shape-mismatch", `two dims of −1 in ${showShape(to)}`);
  return to.map((dim, i) => (i === open ? inferOpen(from, rest) : dim));
}

/** What a −1 stands for: the elements left, also where symbols cancel: [batch, 3, 4] to [−1, 12] is [batch, 12]. */
function inferOpen(from: Shape | undefined, rest: Shape): Dim {
  if (!from) return undefined;
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
  if (symbols.length === 0) {
    if (Number.isNaN(product)) return 0;
    if (!Number.isInteger(product)) throw modelError("shape-mismatch", `${showShape(from)} does not reshape to ?×${showShape(rest)}`);
    return product;
  }
  return symbols.length === 1 && product === 1 ? symbols[0] : undefined;
}

/** A vector keeps its partly known content through a reshape to rank 0 or 1. */
const keepElements = (call: Call): readonly Dim[] | undefined => ((call.shape()?.length ?? 9) <= 1 ? call.dims(0) : undefined);

interface StridedSpec {
  readonly begin: readonly number[];
  readonly stride: readonly number[];
  /** Dims before new axes are added and shrunk ones dropped. */
  readonly size: readonly Dim[];
  readonly shape: Shape;
}

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
export function sliceRange(dim: Dim, begin: Dim, end: Dim, step: number, fromStart: boolean, toEnd: boolean): readonly [number, Dim] {
  if (step === 0) throw modelError("bad-attribute", "a slice step of 0");
  if (typeof dim !== "number") {
    const whole = step === 1 && (fromStart || begin === 0) && (toEnd || (typeof end === "number" && end >= 2 ** 31 - 1) || (end !== undefined && end === dim));
    if (whole) return [0, dim];
    const counted = step > 0 && typeof begin === "number" && typeof end === "number" && begin < 0 && end < 0 && !toEnd;
    return [fromStart && step > 0 ? 0 : typeof begin === "number" && begin >= 0 ? begin : Number.NaN, counted ? undefined : undefined];
  }
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x < 0 ? x + dim : x, low), high);
  if ((!fromStart && typeof begin !== "number") || (!toEnd && typeof end !== "number")) return [Number.NaN, undefined];
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  const first = fromStart ? (step > 0 ? 0 : dim - 1) : clamp(begin as number, low, high);
  const last = toEnd ? (step > 0 ? dim : -1) : clamp(end as number, low, high);
  return [first, Math.max(0, Math.ceil((last - first) / step))];
}

/** The axis input of ConcatV2, GatherV2, …; a ModelError where it is not constant. */
function axisOf(call: Call, i: number, rank: number): number {
  const axis = call.numbers(i)?.[0];
  if (axis === undefined) throw modelError("value-needed", `${call.op} over an axis that is computed`);
  return normalAxis(axis, rank);
}

export function concatTensors(tensors: readonly Tensor[], axis: number, shape: readonly number[]): Tensor {
  const first = tensors[0]!;
  const data = allocate(first.dtype, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const t of tensors) {
      const run = elementCount(t.shape.slice(axis));
      for (let i = 0; i < run; i++) (data as Float32Array)[at++] = (t.data as Float32Array)[o * run + i]!;
    }
  return { dtype: first.dtype, shape, data };
}

const reshapeTensor = (x: Tensor, type: Type): readonly Tensor[] => [{ dtype: x.dtype, shape: type.shape as readonly number[], data: x.data }];

function sum(dims: readonly Dim[]): Dim {
  let total = 0;
  for (const dim of dims) {
    if (typeof dim !== "number") return dims.length === 1 ? dim : undefined;
    total += dim;
  }
  return total;
}

/** Of the two things said about one dim, the more precise. */
const refine = (a: Dim, b: Dim): Dim => (typeof a === "number" ? a : typeof b === "number" ? b : (a ?? b));

define(
  { name: "Const", infer: (call) => [call.attrs["value"] as unknown as Type] },
  { name: "Placeholder", infer: (call) => [{ dtype: call.attr<string>("dtype") as DType, shape: undefined }] },
  {
    name: "Shape",
    infer: (call) => {
      const rank = call.shape()?.length;
      return [{ dtype: call.attr<string>("out_type", "int32") as DType, shape: [rank] }];
    },
    elements: (call) => call.shape(),
  },
  {
    name: "Size",
    infer: (call) => [{ dtype: call.attr<string>("out_type", "int32") as DType, shape: [] }],
    elements: (call) => (sizeOf(call.shape()) === undefined ? undefined : [sizeOf(call.shape())]),
  },
  { name: "Rank", infer: () => [{ dtype: "int32", shape: [] }], elements: (call) => (call.shape() ? [call.shape()!.length] : undefined) },
  {
    name: "Reshape",
    infer: (call) => [{ dtype: call.dtype(), shape: reshaped(call.shape(), shapeFrom(call, 1)) }],
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: (call) => ((shapeFrom(call, 1)?.length ?? 9) <= 1 ? keepElements(call) : undefined),
  },
  {
    name: "Transpose",
    infer: (call) => {
      const perm = call.numbers(1);
      const shape = call.shape();
      if (!perm) return [{ dtype: call.dtype(), shape: shape && unknown(shape.length) }];
      if (shape && (perm.length !== shape.length || new Set(perm).size !== perm.length || perm.some((axis) => axis < 0 || axis >= shape.length)))
        throw modelError("bad-attribute", `permutation [${perm}] of a rank-${shape.length} tensor`);
      return [{ dtype: call.dtype(), shape: shape ? perm.map((axis) => shape[axis]) : unknown(perm.length) }];
    },
    fold: ([x, perm], _, [type]) => {
      const strides = stridesOf(x!.shape);
      return [gatherStrided(x!, type!.shape as readonly number[], ints(perm!).map((axis) => strides[axis]!))];
    },
  },
  {
    name: "ExpandDims",
    infer: (call) => {
      const shape = call.shape();
      if (!shape) return [{ dtype: call.dtype(), shape }];
      const axis = axisOf(call, 1, shape.length + 1);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)] }];
    },
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: (call) => (call.shape()?.length === 0 ? call.dims(0) : undefined),
  },
  {
    name: "Squeeze",
    infer: (call) => {
      const shape = call.shape();
      const axes = call.attr<readonly number[]>("squeeze_dims", []);
      if (!shape) return [{ dtype: call.dtype(), shape }];
      if (axes.length === 0 && !isStatic(shape)) return [{ dtype: call.dtype(), shape: undefined }];
      const drop = new Set(axes.length === 0 ? shape.flatMap((dim, i) => (dim === 1 ? [i] : [])) : axes.map((axis) => normalAxis(axis, shape.length)));
      for (const axis of drop) {
        const dim = shape[axis];
        if (typeof dim === "number" && dim !== 1) throw modelError("shape-mismatch", `squeeze of axis ${axis} of ${showShape(shape)}`);
      }
      return [{ dtype: call.dtype(), shape: shape.filter((_, i) => !drop.has(i)) }];
    },
    fold: ([x], _, [type]) => reshapeTensor(x!, type!),
    elements: keepElements,
  },
  {
    name: "ConcatV2",
    infer: (call) => {
      const count = call.inputs.length - 1;
      const shapes = Array.from({ length: count }, (_, i) => call.shape(i));
      for (let i = 1; i < count; i++)
        if (call.dtype(i) !== call.dtype(0)) throw modelError("dtype-mismatch", `concat of ${call.dtype(0)} and ${call.dtype(i)}`);
      const rank = shapes.find((shape) => shape)?.length;
      if (rank === undefined) return [{ dtype: call.dtype(), shape: undefined }];
      const axis = axisOf(call, count, rank);
      for (const shape of shapes) if (shape && shape.length !== rank) throw modelError("shape-mismatch", `concat of ranks ${rank} and ${shape.length}`);
      const dim = (at: number): Dim => {
        const dims = shapes.map((shape) => shape?.[at]);
        if (at === axis) return sum(dims);
        const sizes = new Set(dims.filter((d) => typeof d === "number"));
        if (sizes.size > 1) throw modelError("shape-mismatch", `concat over axis ${axis} of dims ${[...sizes].join(" and ")} on axis ${at}`);
        return dims.reduce(refine);
      };
      return [{ dtype: call.dtype(), shape: Array.from({ length: rank }, (_, i) => dim(i)) }];
    },
    fold: (inputs, _, [type]) => {
      const axis = normalAxis(ints(inputs[inputs.length - 1]!)[0]!, type!.shape!.length);
      return [concatTensors(inputs.slice(0, -1), axis, type!.shape as readonly number[])];
    },
    elements: (call) => {
      const parts = call.inputs.slice(0, -1).map((value, i) => (value.type.shape?.length === 1 ? (call.dims(i) ?? openVector(value.type.shape[0])) : undefined));
      return parts.every((part) => part) ? parts.flatMap((part) => part!) : undefined;
    },
  },
  {
    name: "Pack",
    infer: (call) => {
      const shape = call.inputs.map((value) => value.type.shape).reduce((a, b) => (a && b ? a.map((dim, i) => refine(dim, b[i])) : (a ?? b)));
      if (!shape) return [{ dtype: call.dtype(), shape: undefined }];
      const axis = normalAxis(call.attr<number>("axis", 0), shape.length + 1);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), call.inputs.length, ...shape.slice(axis)] }];
    },
    fold: (inputs, attrs, [type]) => {
      const axis = normalAxis((attrs["axis"] as number | undefined) ?? 0, type!.shape!.length);
      const parts = inputs.map((t) => ({ ...t, shape: [...t.shape.slice(0, axis), 1, ...t.shape.slice(axis)] }));
      return [concatTensors(parts, axis, type!.shape as readonly number[])];
    },
    elements: (call) => (call.shape()?.length === 0 ? call.inputs.map((_, i) => call.dims(i)?.[0]) : undefined),
  },
  {
    name: "Unpack",
    infer: (call) => {
      const shape = call.shape();
      const count = call.attr<number>("num");
      if (!shape) return Array.from({ length: count }, () => ({ dtype: call.dtype(), shape: undefined }));
      const axis = normalAxis(call.attr<number>("axis", 0), shape.length);
      return Array.from({ length: count }, () => ({ dtype: call.dtype(), shape: shape.filter((_, i) => i !== axis) }));
    },
    fold: ([x], attrs, types) => {
      const axis = normalAxis((attrs["axis"] as number | undefined) ?? 0, x!.shape.length);
      const strides = stridesOf(x!.shape);
      return types.map((type, i) => gatherStrided(x!, type.shape as readonly number[], strides.filter((_, k) => k !== axis), i * strides[axis]!));
    },
  },
  {
    name: "Slice",
    infer: (call) => {
      const shape = call.shape();
      const [begin, size] = [call.dims(1), call.dims(2)];
      if (!shape) return [{ dtype: call.dtype(), shape: size ? size.map((dim) => (dim === -1 ? undefined : dim)) : undefined }];
      if (!size) return [{ dtype: call.dtype(), shape: unknown(shape.length) }];
      return [{ dtype: call.dtype(), shape: size.map((dim, i) => {
        if (dim !== -1) {
          if (typeof dim === "number" && typeof shape[i] === "number" && typeof begin?.[i] === "number" && (begin[i] as number) + dim > (shape[i] as number))
            throw modelError("shape-mismatch", `slice of ${dim} from ${begin[i]} on a dim of ${shape[i]}`);
          return dim;
        }
        const from = begin?.[i];
        if (from === 0) return shape[i];
        return typeof from === "number" && typeof shape[i] === "number" ? (shape[i] as number) - from : undefined;
      }) }];
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
    infer: (call) => [{ dtype: call.dtype(), shape: stridedSpec(call)?.shape ?? stridedRank(call) }],
    fold: ([x, b, e, s], attrs, [type]) => {
      const spec = foldSpec(x!, b!, e!, s!, attrs as Record<string, number>);
      const strides = stridesOf(x!.shape);
      const start = spec.begin.reduce((offset, at, i) => offset + at * strides[i]!, 0);
      const picked = gatherStrided(x!, spec.size as readonly number[], strides.map((stride, i) => stride * spec.stride[i]!), start);
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
    name: "GatherV2",
    infer: (call) => {
      const [shape, indices] = [call.shape(0), call.shape(1)];
      if (!shape || !indices) return [{ dtype: call.dtype(), shape: undefined }];
      const batch = call.attr<number>("batch_dims", 0);
      const axis = axisOf(call, 2, shape.length);
      const dim = shape[axis];
      const known = call.numbers(1);
      if (known && typeof dim === "number" && known.some((i) => i < 0 || i >= dim))
        throw modelError("index-out-of-range", `index ${known.find((i) => i < 0 || i >= dim)} of a dim of ${dim}`);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), ...indices.slice(batch), ...shape.slice(axis + 1)] }];
    },
    fold: ([x, indices, axisTensor], attrs, [type]) => {
      if (attrs["batch_dims"]) throw new Error("gather with batch_dims is not folded");
      const axis = normalAxis(ints(axisTensor!)[0]!, x!.shape.length);
      const [outer, inner, dim] = [elementCount(x!.shape.slice(0, axis)), elementCount(x!.shape.slice(axis + 1)), x!.shape[axis]!];
      const picks = ints(indices!);
      const data = allocate(x!.dtype, outer * picks.length * inner) as Float32Array;
      const from = x!.data as Float32Array;
      let at = 0;
      for (let o = 0; o < outer; o++)
        for (const pick of picks) {
          if (pick < 0 || pick >= dim) throw modelError("index-out-of-range", `index ${pick} of a dim of ${dim}`);
          for (let i = 0; i < inner; i++) data[at++] = from[(o * dim + pick) * inner + i]!;
        }
      return [{ dtype: x!.dtype, shape: type!.shape as readonly number[], data: data as Elements }];
    },
    elements: (call) => {
      const [dims, at] = [call.dims(0), call.numbers(1)];
      if (!dims || !at || call.shape(0)?.length !== 1 || (call.shape(1)?.length ?? 9) > 1) return undefined;
      return at.map((i) => dims[i]);
    },
  },
  {
    name: "Fill",
    infer: (call) => [{ dtype: call.dtype(1), shape: shapeFrom(call, 0) }],
    fold: ([, value], _, [type]) => [repeat(value!, type!.shape as readonly number[])],
    elements: (call) => {
      const [shape, value] = [call.numbers(0), call.dims(1)];
      return shape?.length === 1 && shape[0]! <= 64 && value ? new Array<Dim>(shape[0]!).fill(value[0]) : undefined;
    },
  },
  {
    name: "BroadcastTo",
    infer: (call) => {
      const [shape, to] = [call.shape(0), shapeFrom(call, 1)];
      if (!to) return [{ dtype: call.dtype(), shape: undefined }];
      const lead = to.length - (shape?.length ?? 0);
      return [{ dtype: call.dtype(), shape: to.map((dim, i) => {
        const own = shape && i >= lead ? shape[i - lead] : undefined;
        return dim === undefined && own !== undefined && own !== 1 ? own : own !== undefined && dim !== undefined ? broadcastDim(own, dim) : dim;
      }) }];
    },
    fold: ([x], _, [type]) => {
      const shape = type!.shape as readonly number[];
      return [gatherStrided(x!, shape, broadcastStrides(x!.shape, shape))];
    },
  },
  {
    name: "Tile",
    infer: (call) => {
      const [shape, times] = [call.shape(0), call.dims(1)];
      if (!shape) return [{ dtype: call.dtype(), shape: times?.map(() => undefined) }];
      return [{ dtype: call.dtype(), shape: shape.map((dim, i) => (times?.[i] === 1 ? dim : typeof dim === "number" && typeof times?.[i] === "number" ? dim * (times[i] as number) : undefined)) }];
    },
    fold: ([x, times], _, [type]) => {
      let out = x!;
      ints(times!).forEach((count, axis) => {
        const shape = out.shape.map((dim, i) => (i === axis ? dim * count : dim));
        out = count === 0 ? { dtype: out.dtype, shape, data: allocate(out.dtype, 0) } : concatTensors(new Array<Tensor>(count).fill(out), axis, shape);
      });
      return [{ ...out, shape: type!.shape as readonly number[] }];
    },
  },
  {
    name: "PadV2",
    infer: (call) => {
      const shape = call.shape();
      const pads = call.dims(1);
      if (!shape) return [{ dtype: call.dtype(), shape: undefined }];
      return [{ dtype: call.dtype(), shape: shape.map((dim, i) => (pads ? (pads[2 * i] === 0 && pads[2 * i + 1] === 0 ? dim : sumOrUnknown([dim, pads[2 * i], pads[2 * i + 1]])) : undefined)) }];
    },
    fold: ([x, pads, value], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const out = repeat(value!, shape);
      const [to, from, p] = [stridesOf(shape), stridesOf(x!.shape), ints(pads!)];
      const start = to.reduce((offset, stride, i) => offset + stride * p[2 * i]!, 0);
      walk(x!.shape, [to, from], (_, [i, j]) => {
        out.data[start + i!] = x!.data[j!]!;
      });
      return [out];
    },
  },
  {
    name: "MirrorPad",
    infer: (call) => {
      const [shape, pads] = [call.shape(), call.dims(1)];
      return [{ dtype: call.dtype(), shape: shape?.map((dim, i) => (pads ? sumOrUnknown([dim, pads[2 * i], pads[2 * i + 1]]) : undefined)) }];
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
      const dim = shape && shape[axis!];
      if (typeof dim === "number" && dim % count !== 0) throw modelError("shape-mismatch", `split of ${dim} into ${count} equal parts`);
      return Array.from({ length: count }, () => ({ dtype: call.dtype(1), shape: shape?.map((d, i) => (i !== axis ? d : typeof d === "number" ? d / count : undefined)) }));
    },
  },
  {
    name: "SplitV",
    infer: (call) => {
      const shape = call.shape(0);
      const sizes = call.numbers(1);
      const count = call.attr<number>("num_split");
      const axis = shape && axisOf(call, 2, shape.length);
      if (sizes && shape && typeof shape[axis!] === "number" && !sizes.includes(-1) && sizes.reduce((a, b) => a + b, 0) !== shape[axis!])
        throw modelError("shape-mismatch", `split sizes [${sizes}] of a dim of ${shape[axis!]}`);
      return Array.from({ length: count }, (_, k) => ({ dtype: call.dtype(), shape: shape?.map((d, i) => (i !== axis ? d : sizes && sizes[k] !== -1 ? sizes[k] : undefined)) }));
    },
    fold: ([x, sizes, axisTensor], _, types) => {
      const axis = normalAxis(ints(axisTensor!)[0]!, x!.shape.length);
      const strides = stridesOf(x!.shape);
      let start = 0;
      return types.map((type, i) => {
        const part = gatherStrided(x!, type.shape as readonly number[], strides, start * strides[axis]!);
        start += ints(sizes!)[i]!;
        return part;
      });
    },
  },
  {
    name: "Range",
    infer: (call) => {
      const [start, limit, delta] = [call.known(0), call.known(1), call.known(2)].map((t) => t && Number(t.data[0]));
      const known = start !== undefined && limit !== undefined && delta !== undefined;
      if (delta === 0) throw modelError("bad-attribute", "a range step of 0");
      const symbol = start === 0 && delta === 1 ? call.dims(1)?.[0] : undefined;
      return [{ dtype: call.dtype(), shape: [known ? Math.max(0, Math.ceil((limit - start) / delta)) : symbol] }];
    },
    fold: ([start, , delta], _, [type]) => {
      const count = type!.shape![0] as number;
      const data = allocate(type!.dtype, count);
      for (let i = 0; i < count; i++) {
        if (data instanceof BigInt64Array) data[i] = (start!.data[0] as bigint) + BigInt(i) * (delta!.data[0] as bigint);
        else (data as Float32Array)[i] = Number(start!.data[0]) + i * Number(delta!.data[0]);
      }
      return [{ dtype: type!.dtype, shape: [count], data }];
    },
  },
);

const sumOrUnknown = (dims: readonly Dim[]): Dim => (dims.every((dim) => typeof dim === "number") ? sum(dims) : undefined);

/** A vector of known length of which nothing else is known. */
const openVector = (length: Dim): readonly Dim[] | undefined => (typeof length === "number" && length <= 64 ? new Array<Dim>(length).fill(undefined) : undefined);

function repeat(value: Tensor, shape: readonly number[]): Tensor {
  const data = allocate(value.dtype, elementCount(shape));
  (data as Float32Array).fill(value.data[0] as number);
  return { dtype: value.dtype, shape, data };
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
  const call = { shape: () => x.shape, dims: (i: number) => dims[i], numbers: (i: number) => dims[i], attr: (name: string) => attrs[name] ?? 0 };
  return stridedSpec(call as unknown as Call)!;
}
