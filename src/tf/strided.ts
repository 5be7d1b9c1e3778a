/** Copies of tensors along strides: what transposing, slicing, broadcasting and joining have in common. */
import { allocate, elementCount, type Tensor } from "../graph/tensor.ts";
import { walkRows } from "./walk.ts";

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
  if (data instanceof Float32Array) gatherFloats(data, x.data as Float32Array, out, strides, start);
  else {
    const from = x.data as Int32Array;
    const to = data as Int32Array;
    walkRows(out, [strides], (at, [offset], count, [step]) => {
      for (let n = 0, p = start + offset!; n < count; n++, p += step!) to[at + n] = from[p]!;
    });
  }
  return { dtype: x.dtype, shape: out, data };
}

/** Weights: the loop meets no other types. */
function gatherFloats(
  to: Float32Array,
  from: Float32Array,
  out: readonly number[],
  strides: readonly number[],
  start: number,
): void {
  walkRows(out, [strides], (at, [offset], count, [step]) => {
    for (let n = 0, p = start + offset!; n < count; n++, p += step!) to[at + n] = from[p]!;
  });
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

/** A tensor of `shape` filled with the one element of `value`. */
export function repeat(value: Tensor, shape: readonly number[]): Tensor {
  const data = allocate(value.dtype, elementCount(shape));
  (data as Float32Array).fill(value.data[0] as number);
  return { dtype: value.dtype, shape, data };
}
