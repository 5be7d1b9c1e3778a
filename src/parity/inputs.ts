/** What to feed a model when nobody says: sizes for unset dims, seeded numbers by dtype. */
import { isComplex, isFloat } from "../base/dtype.ts";
import { decodeBfloat16, decodeHalf, encodeBfloat16, encodeHalf } from "../base/half.ts";
import { modelError } from "../base/problem.ts";
import { allocate, elementCount, type Tensor, tensorOf } from "../graph/tensor.ts";
import type { ValueSpec } from "../runtime/run.ts";
import { Random } from "./random.ts";

/** Sizes that were unset, by symbol; an anonymous dim goes by its axis, `axis 1`. Told in the report. */
export type Dims = Readonly<Record<string, number>>;

export interface InputShapes {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly dims: Dims;
}

/** The first axis of an input is a batch, whatever its symbol. */
const BATCH = 2;
/** Different and odd, so that no two axes can be taken for each other. */
const SIZES = [5, 7, 11, 13, 17, 19, 23, 29];
/** For inputs of so many open axes that those would be more than a run can take. */
const FEW = [3, 2, 4];
const MOST_ELEMENTS = 2 ** 24;

/**
 * A size for every dim. What `fixed` declares for the same input wins (a conversion may have bound a symbol); the rest is batch 2,
 * others 5, 7, 11 … by symbol, or all 1 where `plan` says so: some models take no other.
 */
export function chooseShapes(specs: readonly ValueSpec[], fixed: readonly ValueSpec[], plan: "varied" | "ones"): InputShapes {
  const chosen = shapesOf(specs, fixed, plan === "ones" ? [1] : SIZES);
  const isTooMuch = plan === "varied" && [...chosen.shapes.values()].some((shape) => elementCount(shape) > MOST_ELEMENTS);
  return isTooMuch ? shapesOf(specs, fixed, FEW) : chosen;
}

function shapesOf(specs: readonly ValueSpec[], fixed: readonly ValueSpec[], sizes: readonly number[]): InputShapes {
  const dims = new Map<string, number>();
  const known = new Map(fixed.map((spec) => [spec.name, spec.shape]));
  for (const { name, shape } of specs) {
    shape?.forEach((dim, axis) => {
      const size = known.get(name)?.[axis];
      if (typeof dim !== "number" && typeof size === "number") dims.set(dimKey(dim, axis), size);
    });
  }
  let next = 0;
  const sizeOf = (dim: number | string | null, axis: number): number => {
    if (typeof dim === "number") return dim;
    const key = dimKey(dim, axis);
    if (!dims.has(key)) {
      const size = sizes.length > 1 && (axis === 0 || /batch/i.test(key)) ? BATCH : sizes[next++ % sizes.length]!;
      dims.set(key, size);
    }
    return dims.get(key)!;
  };
  const shapes = new Map(specs.map(({ name, shape }) => [name, (shape ?? known.get(name) ?? []).map(sizeOf)]));
  return { shapes, dims: Object.fromEntries(dims) };
}

const dimKey = (dim: string | null, axis: number): string => dim ?? `axis ${axis}`;

/** The input drawn from `seed`; `bound`: whole numbers in [0, bound); integers are 0 or 1 by default. `ModelError` for what is no tensor. */
export function seededTensor({ name, dtype }: ValueSpec, shape: readonly number[], seed: number, bound?: number): Tensor {
  if (dtype === undefined) throw modelError("not-a-tensor", "only tensors can be fed", { tensor: name });
  const random = new Random(seed, name);
  const count = elementCount(shape);
  if (dtype === "string") return { dtype, shape, data: Array.from({ length: count }, () => `word ${random.below(1000)}`) };
  // Floats that index a table are whole numbers as well.
  if (bound !== undefined || (!isFloat(dtype) && !isComplex(dtype)))
    return tensorOf(
      dtype,
      shape,
      Array.from({ length: count }, () => random.below(bound ?? 2)),
    );
  const data = allocate(dtype, count) as Float32Array;
  // Off centre, so that a lost sign or mean shows.
  for (let i = 0; i < data.length; i++) data[i] = random.normal() + 0.25;
  return representable({ dtype, shape, data });
}

/** Pixels: whole numbers of 0 to 255. */
export function seededImage({ name, dtype = "float32" }: ValueSpec, shape: readonly number[], seed: number): Tensor {
  const random = new Random(seed, name);
  return tensorOf(
    dtype,
    shape,
    Array.from({ length: elementCount(shape) }, () => random.below(256)),
  );
}

/** Half floats are held as float32: rounded, so that both sides are fed the same values. */
export function representable(tensor: Tensor): Tensor {
  const data = tensor.data as Float32Array;
  if (tensor.dtype === "float16") return { ...tensor, data: decodeHalf(encodeHalf(data)) };
  if (tensor.dtype === "bfloat16") return { ...tensor, data: decodeBfloat16(encodeBfloat16(data)) };
  return tensor;
}
