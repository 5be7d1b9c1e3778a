/** The forms of elementwise rows, their shape rules and folds: one operand, two with broadcasting, comparisons, logic, tests of an element. */
import { type DType, isInteger } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { roundTo } from "../base/round.ts";
import type { Dim, Type } from "../graph/graph.ts";
import { allocate, type Elements, elementCount, type Tensor } from "../graph/tensor.ts";
import { broadcast, type Call, type OpDef } from "./op.ts";
import { broadcastStrides, walk, walkRows } from "./walk.ts";

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;
export type BigBinary = (x: bigint, y: bigint) => bigint;

export const sameType = (call: Call): readonly Type[] => [call.input(0).type];

/** Writes numbers into a tensor's elements as the dtype holds them: integers wrap, small floats round to nearest even. */
export function store(dtype: DType, count: number, at: (i: number) => number, spare?: Elements): Elements {
  const data = (spare ?? allocate(dtype, count)) as Exclude<Elements, string[] | BigInt64Array | BigUint64Array>;
  const round = roundTo(dtype);
  for (let i = 0; i < count; i++) data[i] = round(at(i));
  return data;
}

export function unary(name: string, fn: Unary, big?: (x: bigint) => bigint): OpDef {
  return {
    name,
    elementwise: true,
    infer: sameType,
    fold: ([x], _, __, spare) => {
      const { data, dtype, shape } = x!;
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
        if (!big) throw modelError("bad-dtype", `${name} of ${dtype}`);
        return [{ dtype, shape, data: data instanceof BigInt64Array ? data.map(big) : data.map(big) }];
      }
      if (Array.isArray(data)) throw modelError("bad-dtype", `${name} of strings`);
      return [{ dtype, shape, data: store(dtype, data.length, (i) => fn(data[i]!), spare) }];
    },
  };
}

export const times: Binary = (x, y) => x * y;

/** What weights go through most, by batch normalisation and scales: a loop of its own, that meets no other types and calls nothing. */
function timesRows(
  out: Float32Array,
  [x, y]: readonly [Float32Array, Float32Array],
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): void {
  walkRows(shape, strides, (at, [i, j], count, [stepX, stepY]) => {
    for (let n = 0, p = i!, q = j!; n < count; n++, p += stepX!, q += stepY!) out[at + n] = x[p]! * y[q]!;
  });
}

function foldBinary(a: Tensor, b: Tensor, type: Type, fn: Binary, big?: BigBinary, spare?: Elements): Tensor {
  const shape = type.shape as readonly number[];
  const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
  const data = spare ?? allocate(type.dtype, elementCount(shape));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    if (!big) throw modelError("bad-dtype", `no 64-bit form of this operator`);
    const [x, y] = [a.data as BigInt64Array, b.data as BigInt64Array];
    walk(shape, strides, (at, [i, j]) => {
      data[at] = big(x[i!]!, y[j!]!);
    });
  } else if (fn === times && type.dtype === "float32") {
    timesRows(data as Float32Array, [a.data as Float32Array, b.data as Float32Array], shape, strides);
  } else {
    const [x, y] = [a.data as Float32Array, b.data as Float32Array];
    const round = roundTo(type.dtype);
    walkRows(shape, strides, (at, [i, j], count, [stepX, stepY]) => {
      for (let n = 0, p = i!, q = j!; n < count; n++, p += stepX!, q += stepY!)
        (data as Float32Array)[at + n] = round(fn(x[p]!, y[q]!));
    });
  }
  return { dtype: type.dtype, shape, data };
}

function sameDtypes(call: Call): DType {
  const [a, b] = [call.dtype(0), call.dtype(1)];
  if (a !== b) throw modelError("dtype-mismatch", `${call.op} of ${a} and ${b}`);
  return a;
}

/** Content of a small integer result where both operands are at least partly known. */
function combine(fn: (a: Dim, b: Dim) => Dim) {
  return (call: Call): readonly Dim[] | undefined => {
    const rank = call.shape(0) && call.shape(1) ? Math.max(call.shape(0)!.length, call.shape(1)!.length) : 2;
    if (rank > 1 || !isInteger(call.dtype(0))) return undefined;
    const [a, b] = [call.dims(0), call.dims(1)];
    if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
    return Array.from({ length: a.length === 1 ? b.length : a.length }, (_, i) =>
      fn(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]),
    );
  };
}

export const bothNumbers = (fn: Binary) => (a: Dim, b: Dim) =>
  typeof a === "number" && typeof b === "number" ? fn(a, b) : undefined;

export function binary(name: string, fn: Binary, big?: BigBinary, dims?: (a: Dim, b: Dim) => Dim): OpDef {
  return {
    name,
    elementwise: true,
    infer: (call) => [{ dtype: sameDtypes(call), shape: broadcast(call.shape(0), call.shape(1)) }],
    fold: ([a, b], _, [type], spare) => [foldBinary(a!, b!, type!, fn, big, spare)],
    elements: combine(dims ?? bothNumbers(fn)),
  };
}

type Test = (a: Dim, b: Dim) => boolean | undefined;

/** Is a < b? A symbol stands for a size, which is never below 0. */
export const isLess: Test = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (a !== undefined && a === b) return false;
  if (typeof a === "string" && typeof b === "number" && b <= 0) return false;
  return typeof a === "number" && a < 0 && typeof b === "string" ? true : undefined;
};

export const not =
  (test: Test): Test =>
  (a, b) => {
    const found = test(a, b);
    return found === undefined ? undefined : !found;
  };

export const told = (test: Test) => (a: Dim, b: Dim) => {
  const found = test(a, b);
  return found === undefined ? undefined : Number(found);
};

export function comparison(name: string, test: (order: number) => boolean, dims?: (a: Dim, b: Dim) => Dim): OpDef {
  return {
    name,
    elementwise: true,
    infer: (call) => {
      sameDtypes(call);
      return [{ dtype: "bool", shape: broadcast(call.shape(0), call.shape(1)) }];
    },
    fold: ([a, b], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const data = new Uint8Array(elementCount(shape));
      const [x, y] = [a!.data, b!.data];
      walk(shape, [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)], (at, [i, j]) => {
        const [p, q] = [x[i!]!, y[j!]!];
        data[at] = test(p < q ? -1 : p > q ? 1 : p === q ? 0 : Number.NaN) ? 1 : 0;
      });
      return [{ dtype: "bool", shape, data }];
    },
    ...(dims && { elements: combine(dims) }),
  };
}

export function logical(name: string, fn: Binary): OpDef {
  return {
    name,
    elementwise: true,
    infer: (call) => [{ dtype: "bool", shape: broadcast(call.shape(0), call.shape(1)) }],
    fold: ([a, b], _, [type]) => [foldBinary(a!, b!, type!, fn)],
  };
}

export function predicate(name: string, test: (x: number) => boolean): OpDef {
  return {
    name,
    elementwise: true,
    infer: (call) => [{ dtype: "bool", shape: call.shape() }],
    fold: ([x]) => {
      const values = x!.data as Float32Array;
      return [{ dtype: "bool", shape: x!.shape, data: store("bool", values.length, (i) => (test(values[i]!) ? 1 : 0)) }];
    },
  };
}
