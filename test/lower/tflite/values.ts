/** Fed values and results of trials, random and of both signs. */
import type { DType } from "../../../src/base/dtype.ts";
import { random, randomInts } from "../../build/random.ts";
import { constant, type TensorSpec } from "../../build/tflite.ts";
import type { Fed, Result } from "./against-litert.ts";

export const size = (dims: readonly number[]): number => dims.reduce((n, dim) => n * dim, 1);

export const floats = (dims: readonly number[], seed = 1, map: (x: number) => number = (x) => x): Fed => ({
  dtype: "float32",
  shape: dims,
  data: random(size(dims), seed).map(map),
});

export const ints = (dims: readonly number[], low: number, high: number, seed = 1, dtype: DType = "int32"): Fed => ({
  dtype,
  shape: dims,
  data: randomInts(size(dims), low, high, seed),
});

export const bools = (dims: readonly number[], seed = 1): Fed => ints(dims, 0, 1, seed, "bool");

/** Numbers that the operator takes as codes. */
export const codes = (dims: readonly number[], scale: number, zero: number, dtype: DType = "int8", seed = 1): Fed => ({
  ...floats(dims, seed),
  dtype,
  codes: { scale: [scale], zero: [zero] },
});

export const result = (dtype: DType, dims: readonly number[]): Result => ({ dtype, shape: dims });

export const coded = (dims: readonly number[], scale: number, zero: number, dtype: DType = "int8"): Result => ({
  dtype,
  shape: dims,
  codes: { scale: [scale], zero: [zero] },
});

/** Stored in the model. */
export const weights = (name: string, dims: readonly number[], seed = 3): TensorSpec =>
  constant(name, "float32", dims, random(size(dims), seed));

export const vector = (name: string, numbers: readonly number[], dtype: DType = "int32"): TensorSpec =>
  constant(name, dtype, [numbers.length], numbers);

export const scalar = (name: string, number: number, dtype: DType = "int32"): TensorSpec => constant(name, dtype, [], [number]);

/** 8-bit weights with a scale for each slice of `axis`, or one for all. */
export function codeWeights(
  name: string,
  dims: readonly number[],
  axis: number | undefined,
  seed = 5,
  dtype: DType = "int8",
): TensorSpec {
  const scales = axis === undefined ? [0.013] : Array.from({ length: dims[axis]! }, (_, i) => 0.005 + 0.004 * i);
  return constant(name, dtype, dims, randomInts(size(dims), dtype === "uint8" ? 0 : -127, dtype === "uint8" ? 255 : 127, seed), {
    scale: scales,
    zero: scales.map(() => (dtype === "uint8" ? 117 : 0)),
    axis: axis ?? 0,
  });
}

/** A bias in the codes that sums of products have. */
export const codeBias = (name: string, input: number, { codes: by }: TensorSpec, count: number): TensorSpec =>
  constant(name, "int32", [count], randomInts(count, -900, 900, 9), {
    scale: Array.from({ length: by!.scale.length }, (_, i) => Math.fround(input * Math.fround(by!.scale[i]!))),
    zero: by!.scale.map(() => 0),
    axis: 0,
  });
