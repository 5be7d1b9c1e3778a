/**
 * Are two tensors the same, and if not, where and by how much. The rules are few and have no exceptions: an element is good when
 * |a − b| ≤ atol + rtol · max|reference|; NaN equals NaN, infinities equal by sign; integers, bools and strings are exact (integers
 * of a quantised model: within so many steps); shapes equal; dtypes equal, or one that carries the reference's.
 * A permutation is what the source map says, never searched for; no element is skipped for being small.
 */
import { type DType, isComplex, isInteger } from "../base/dtype.ts";
import type { Elements, Tensor } from "../graph/tensor.ts";
import { elementCount } from "../graph/tensor.ts";
import { carriedAs, carriedInOnnx } from "../runtime/carry.ts";
import type { Tolerance } from "./tolerance.ts";

/** `consistent`: equal to a reference that shares our own code. */
export type Verdict = "equal" | "within" | "consistent" | "different" | "not-compared";

export type Scalar = number | bigint | string;

export interface Comparison {
  readonly verdict: Verdict;
  /** Greatest |a − b|; Infinity where only one is finite. Absent for strings and where nothing could be compared. */
  readonly maxAbs?: number;
  /** Greatest |a − b| / |reference| over the elements whose reference is not 0; a measure only, no verdict hangs on it. */
  readonly maxRel?: number;
  /** Over the pairs that are both finite, as is `cosine`. */
  readonly rmse?: number;
  readonly cosine?: number;
  /** Elements out of tolerance. */
  readonly bad: number;
  /** The first of them in row-major order of the reference. */
  readonly firstBad?: { readonly index: readonly number[]; readonly reference: Scalar; readonly actual: Scalar };
  /** Why shapes or dtypes do not compare, or in what type the values were carried. */
  readonly note?: string;
}

export interface CompareOptions {
  readonly tolerance: Tolerance;
  /** reference = transpose(actual, perm): axis `d` of the reference is axis `perm[d]` of `actual`. */
  readonly perm?: readonly number[] | undefined;
  /** The other tensor, once transposed, has the elements in the same order under a shape of its own. */
  readonly reshaped?: true | undefined;
}

export function compare(reference: Tensor, other: Tensor, options: CompareOptions): Comparison {
  const { tolerance, perm, reshaped } = options;
  const shape = reshaped && elementCount(other.shape) === elementCount(reference.shape) ? moved(other.shape, perm) : undefined;
  if (!shape) return compareAlike(reference, other, tolerance, perm);
  const found = compareAlike({ ...reference, shape }, other, tolerance, perm);
  if (!found.firstBad) return found;
  const index = indexIn(reference.shape, linear(shape, found.firstBad.index));
  return { ...found, firstBad: { ...found.firstBad, index } };
}

const moved = (shape: readonly number[], perm: readonly number[] | undefined): readonly number[] =>
  perm ? perm.map((axis) => shape[axis]!) : shape;

const linear = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((at, each, d) => at * shape[d]! + each, 0);

function indexIn(shape: readonly number[], at: number): number[] {
  const index = new Array<number>(shape.length).fill(0);
  let rest = at;
  for (let d = shape.length - 1; d >= 0; d--) {
    index[d] = rest % shape[d]!;
    rest = Math.floor(rest / shape[d]!);
  }
  return index;
}

function compareAlike(reference: Tensor, actual: Tensor, tolerance: Tolerance, perm: readonly number[] | undefined): Comparison {
  const mismatch = mismatchOf(reference, actual, perm);
  if (mismatch) return { verdict: "different", bad: elementCount(reference.shape), note: mismatch };
  const walk = walkOf(reference, actual, perm);
  const found = measure(reference, actual, walk, tolerance);
  if (reference.dtype === actual.dtype) return found;
  return { ...found, note: `${reference.dtype} carried as ${actual.dtype}` };
}

function mismatchOf(reference: Tensor, actual: Tensor, perm: readonly number[] | undefined): string | undefined {
  const { dtype } = reference;
  if (![dtype, carriedAs(dtype), carriedInOnnx(dtype)].includes(actual.dtype)) {
    return `dtype ${actual.dtype} where the reference has ${dtype}`;
  }
  const shape = perm && perm.length === actual.shape.length ? perm.map((axis) => actual.shape[axis]) : actual.shape;
  if (shape.length === reference.shape.length && shape.every((dim, d) => dim === reference.shape[d])) return undefined;
  const through = perm ? ` through permutation ${perm.join(",")}` : "";
  return `shape [${actual.shape.join(",")}]${through} where the reference has [${reference.shape.join(",")}]`;
}

/** The reference row by row, and where each row's elements are in the other tensor. */
interface Walk {
  /** Of the reference; complex numbers have an axis of two at the end. */
  readonly shape: readonly number[];
  /** Distance in the other tensor for one step along each axis of the reference. */
  readonly strides: readonly number[];
}

function walkOf(reference: Tensor, actual: Tensor, perm: readonly number[] | undefined): Walk {
  const pair = isComplex(reference.dtype) ? [2] : [];
  const shape = [...reference.shape, ...pair];
  const target = [...actual.shape, ...pair];
  const axes = perm && pair.length ? [...perm, perm.length] : perm;
  const own = new Array<number>(target.length).fill(1);
  for (let d = target.length - 2; d >= 0; d--) own[d] = own[d + 1]! * target[d + 1]!;
  return { shape, strides: axes ? axes.map((axis) => own[axis]!) : own };
}

function measure(reference: Tensor, actual: Tensor, walk: Walk, tolerance: Tolerance): Comparison {
  const a = reference.data;
  const b = actual.data;
  if (Array.isArray(a) || Array.isArray(b)) return measureStrings(a as string[], b as string[], walk);
  const exact = isInteger(reference.dtype) || reference.dtype === "bool";
  const limit = exact ? (reference.dtype === "bool" ? 0 : tolerance.steps) : tolerance.atol + tolerance.rtol * greatest(a);
  const sums = new Sums(limit);
  const wide =
    a instanceof BigInt64Array || a instanceof BigUint64Array || b instanceof BigInt64Array || b instanceof BigUint64Array;
  eachRow(walk, (from, at, stride, count) => {
    if (wide) for (let i = 0, j = at; i < count; i++, j += stride) sums.addIntegers(a[from + i]!, b[j]!, from + i);
    else for (let i = 0, j = at; i < count; i++, j += stride) sums.add(a[from + i] as number, b[j] as number, from + i);
  });
  return sums.result(a, b, walk, reference.dtype);
}

function greatest(data: Exclude<Elements, string[]>): number {
  let max = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(Number(data[i]));
    if (size > max && size !== Number.POSITIVE_INFINITY) max = size;
  }
  return max;
}

/** Calls with: first element of the row in the reference, the same in the other tensor, its stride there, elements in the row. */
function eachRow({ shape, strides }: Walk, visit: (from: number, at: number, stride: number, count: number) => void): void {
  const total = elementCount(shape);
  const rank = shape.length;
  if (total === 0) return;
  if (rank === 0) {
    visit(0, 0, 1, 1);
    return;
  }
  const count = shape[rank - 1]!;
  const index = new Array<number>(rank - 1).fill(0);
  let at = 0;
  for (let from = 0; from < total; from += count) {
    visit(from, at, strides[rank - 1]!, count);
    for (let d = rank - 2; d >= 0; d--) {
      at += strides[d]!;
      index[d] = index[d]! + 1;
      if (index[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
}

/** Everything that one pass over the pairs gathers. */
class Sums {
  private maxAbs = 0;
  private maxRel = 0;
  private squares = 0;
  private dot = 0;
  private normA = 0;
  private normB = 0;
  private finite = 0;
  private bad = 0;
  private firstBad = -1;
  private inexact = false;

  constructor(private readonly limit: number) {}

  add(a: number, b: number, at: number): void {
    const gap = Math.abs(a - b);
    if (gap < Number.POSITIVE_INFINITY) {
      this.record(gap, a, b, at);
    } else if (!Object.is(a, b)) {
      // One is not finite, or neither and they differ: no distance would say how far.
      this.maxAbs = Number.POSITIVE_INFINITY;
      this.miss(at);
    }
  }

  /** 64-bit integers differ exactly, also beyond 2^53. */
  addIntegers(a: number | bigint, b: number | bigint, at: number): void {
    this.record(Math.abs(Number(BigInt(a) - BigInt(b))), Number(a), Number(b), at);
  }

  private record(gap: number, a: number, b: number, at: number): void {
    this.finite++;
    this.squares += gap * gap;
    this.dot += a * b;
    this.normA += a * a;
    this.normB += b * b;
    if (gap === 0) return;
    this.inexact = true;
    if (gap > this.maxAbs) this.maxAbs = gap;
    if (a !== 0 && gap / Math.abs(a) > this.maxRel) this.maxRel = gap / Math.abs(a);
    if (gap > this.limit) this.miss(at);
  }

  private miss(at: number): void {
    this.bad++;
    if (this.firstBad < 0) this.firstBad = at;
  }

  result(a: Elements, b: Elements, walk: Walk, dtype: DType): Comparison {
    const norms = Math.sqrt(this.normA) * Math.sqrt(this.normB);
    const bothZero = this.normA === 0 && this.normB === 0;
    return {
      verdict: this.bad > 0 ? "different" : this.inexact ? "within" : "equal",
      maxAbs: this.maxAbs,
      maxRel: this.maxRel,
      rmse: Math.sqrt(this.squares / Math.max(this.finite, 1)),
      cosine: bothZero ? 1 : norms === 0 ? 0 : Math.min(this.dot / norms, 1),
      bad: this.bad,
      ...(this.firstBad < 0 ? {} : { firstBad: placeOf(a, b, walk, this.firstBad, isComplex(dtype)) }),
    };
  }
}

function measureStrings(a: string[], b: string[], walk: Walk): Comparison {
  let bad = 0;
  let first = -1;
  eachRow(walk, (from, at, stride, count) => {
    for (let i = 0, j = at; i < count; i++, j += stride) {
      if (a[from + i] === b[j]) continue;
      bad++;
      if (first < 0) first = from + i;
    }
  });
  return { verdict: bad > 0 ? "different" : "equal", bad, ...(first < 0 ? {} : { firstBad: placeOf(a, b, walk, first, false) }) };
}

function placeOf(a: Elements, b: Elements, { shape, strides }: Walk, at: number, complex: boolean) {
  const index = indexIn(shape, at);
  const other = index.reduce((sum, each, d) => sum + each * strides[d]!, 0);
  return { index: complex ? index.slice(0, -1) : index, reference: a[at]!, actual: b[other]! };
}
