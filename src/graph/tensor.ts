/** Tensors in memory. What is large stays on disk as a `StoredTensor` until it is written or run. */
import type { ByteSource, ByteSources } from "../base/bytes.ts";
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { SourceTensor } from "./source.ts";

/** Elements of a tensor written out: what it takes is not what the file holds, and the file's word is not enough. */
export const MAX_DENSE = 2 ** 28;

/**
 * float16, bfloat16, float8 and float4 are decoded to Float32Array (exact); int4/int2 to Int8Array, uint4/uint2 and bool to Uint8Array;
 * complex is interleaved. Strings are decoded as UTF-8.
 */
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Elements;
}

/** The model's files, opened on first use; index as in `SourceModel.files`. */
export class ModelFiles {
  private readonly opened = new Map<number, Promise<ByteSource>>();

  constructor(
    readonly names: readonly string[],
    main: ByteSource,
    private readonly sources: ByteSources,
  ) {
    this.opened.set(0, Promise.resolve(main));
  }

  open(file: number): Promise<ByteSource> {
    let source = this.opened.get(file);
    if (!source) {
      const name = this.names[file];
      if (name === undefined) throw new Error(`no file ${file} in this model`);
      source = this.sources.open(name);
      this.opened.set(file, source);
    }
    return source;
  }
}

/** A tensor in a model's files; graph/decode.ts loads it. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly stored: SourceTensor;
  readonly files: ModelFiles;
}

export const isStored = (t: Tensor | StoredTensor): t is StoredTensor => "stored" in t;

export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float8e4m3fn: Float32Array,
  float8e4m3fnuz: Float32Array,
  float8e5m2: Float32Array,
  float8e5m2fnuz: Float32Array,
  float8e8m0: Float32Array,
  float4e2m1: Float32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Int8Array,
  int2: Int8Array,
  uint4: Uint8Array,
  uint2: Uint8Array,
} as const;

/** In memory at once; a shape may claim any number. */
const maxElements = 2 ** 31;

/** Zeroes (empty strings) for `count` elements of the dtype. A `ModelError` for more than 2^31. */
export function allocate(dtype: DType, count: number): Elements {
  if (!(count <= maxElements)) throw modelError("too-large", `a tensor of ${count} elements in memory`);
  if (dtype === "string") return new Array<string>(count).fill("");
  if (dtype === "complex64") return new Float32Array(2 * count);
  if (dtype === "complex128") return new Float64Array(2 * count);
  return new constructors[dtype](count);
}

/** A tensor of plain numbers; 64-bit types take safe integers, ±Infinity saturates. */
export function tensorOf(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) setElement(data, i, values[i]!);
  return { dtype, shape, data };
}

const int64Max = 2n ** 63n - 1n;

function setElement(data: Elements, i: number, value: number): void {
  if (data instanceof BigInt64Array) data[i] = toInt64(value);
  else if (data instanceof BigUint64Array) data[i] = value >= 2 ** 64 ? 2n * int64Max + 1n : BigInt(Math.trunc(value));
  else if (Array.isArray(data)) data[i] = String(value);
  else data[i] = value;
}

function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return int64Max;
  return value <= -(2 ** 63) ? -int64Max - 1n : BigInt(Math.trunc(value));
}

/** The elements as numbers; 64-bit integers beyond 2^53 lose their low bits (INT64_MAX stays "very large"). */
export function numbersOf(tensor: Tensor): number[] {
  const { data } = tensor;
  if (Array.isArray(data)) throw new Error("a string tensor has no numbers");
  const out = new Array<number>(data.length);
  for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  return out;
}
