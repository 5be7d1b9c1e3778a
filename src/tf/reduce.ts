/** Reductions, ArgMax/ArgMin, cumulative ops, TopK, Softmax. */
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import { roundTo } from "../base/round.ts";
import type { Dim, Shape } from "../graph/graph.ts";
import { allocate, type Elements, elementCount, numbersOf, type Tensor } from "../graph/tensor.ts";
import { unknown } from "./dims.ts";
import { type Call, define, normalAxis, type OpDef } from "./op.ts";
import { productOf } from "./product.ts";
import { stridesOf } from "./strided.ts";
import { walk } from "./walk.ts";

function reducedShape(call: Call): Shape | undefined {
  const shape = call.shape();
  const axes = call.numbers(1);
  const keep = call.attr<boolean>("keep_dims", false);
  if (!shape) return undefined;
  if (!axes) {
    const count = call.shape(1)?.length === 0 ? 1 : call.shape(1)?.[0];
    const left = keep ? shape.length : typeof count === "number" ? shape.length - count : undefined;
    return left === undefined ? undefined : unknown(left);
  }
  const gone = new Set(axes.map((axis) => normalAxis(axis, shape.length)));
  return keep ? shape.map((dim, i) => (gone.has(i) ? 1 : dim)) : shape.filter((_, i) => !gone.has(i));
}

type Step = (total: number, x: number) => number;

function foldReduce(
  x: Tensor,
  axesTensor: Tensor,
  shape: readonly number[],
  initial: number,
  step: Step,
  big: ((a: bigint, b: bigint) => bigint) | undefined,
  mean: boolean,
): Tensor {
  const gone = new Set(numbersOf(axesTensor).map((axis) => normalAxis(axis, x.shape.length)));
  const kept = x.shape.map((dim, i) => (gone.has(i) ? 1 : dim));
  const strides = stridesOf(kept).map((stride, i) => (gone.has(i) ? 0 : stride));
  const count = elementCount(shape);
  if (x.data instanceof BigInt64Array) {
    if (!big) throw modelError("bad-dtype", "no 64-bit form of this reduction");
    const out = new BigInt64Array(count);
    const seen = new Uint8Array(count);
    let at = 0;
    walk(x.shape, [strides], (_, [o]) => {
      const value = (x.data as BigInt64Array)[at++]!;
      out[o!] = seen[o!] ? big(out[o!]!, value) : value;
      seen[o!] = 1;
    });
    if (count > 0 && x.data.length === 0) {
      if (!Number.isFinite(initial)) throw modelError("value-needed", "a reduction over no elements");
      out.fill(BigInt(initial));
    }
    return { dtype: x.dtype, shape, data: out };
  }
  const sums = new Float64Array(count).fill(initial);
  let at = 0;
  walk(x.shape, [strides], (_, [o]) => {
    sums[o!] = step(sums[o!]!, (x.data as Float32Array)[at++]!);
  });
  const each = count === 0 ? 1 : x.data.length / count;
  const round = roundTo(x.dtype);
  const data = allocate(x.dtype, count) as Float32Array;
  for (let i = 0; i < count; i++) data[i] = round(mean ? sums[i]! / each : sums[i]!);
  return { dtype: x.dtype, shape, data: data as Elements };
}

function reduction(name: string, initial: number, step: Step, big?: (a: bigint, b: bigint) => bigint): OpDef {
  return {
    name,
    infer: (call) => [{ dtype: call.dtype(), shape: reducedShape(call) }],
    fold: ([x, axes], _, [type]) => [
      foldReduce(x!, axes!, type!.shape as readonly number[], initial, step, big, name === "Mean"),
    ],
  };
}

function argument(name: string): OpDef {
  return {
    name,
    infer: (call) => {
      const shape = call.shape();
      const axis = call.numbers(1)?.[0];
      if (axis === undefined) throw modelError("value-needed", `${name} over an axis that is computed`);
      const at = shape && normalAxis(axis, shape.length);
      return [{ dtype: call.attr<string>("output_type", "int64") as DType, shape: shape?.filter((_, i) => i !== at) }];
    },
  };
}

const nan = (x: number, y: number, pick: number) => (Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : pick);

define(
  reduction(
    "Sum",
    0,
    (a, x) => a + x,
    (a, b) => a + b,
  ),
  reduction("Mean", 0, (a, x) => a + x),
  {
    ...reduction(
      "Prod",
      1,
      (a, x) => a * x,
      (a, b) => a * b,
    ),
    // Dims multiplied: a flattened shape, of which some may be symbols.
    elements: (call) => {
      const dims = call.shape()?.length === 1 && call.shape(1) ? call.dims(0) : undefined;
      return dims && [productOf(dims)];
    },
  },
  reduction(
    "Max",
    Number.NEGATIVE_INFINITY,
    (a, x) => nan(a, x, Math.max(a, x)),
    (a, b) => (a > b ? a : b),
  ),
  reduction(
    "Min",
    Number.POSITIVE_INFINITY,
    (a, x) => nan(a, x, Math.min(a, x)),
    (a, b) => (a < b ? a : b),
  ),
  reduction("All", 1, (a, x) => (a && x ? 1 : 0)),
  reduction("Any", 0, (a, x) => (a || x ? 1 : 0)),
  argument("ArgMax"),
  argument("ArgMin"),
  { name: "Cumsum", infer: (call) => [call.input(0).type] },
  { name: "Cumprod", infer: (call) => [call.input(0).type] },
  { name: "Softmax", infer: (call) => [call.input(0).type] },
  { name: "LogSoftmax", infer: (call) => [call.input(0).type] },
  {
    name: "TopKV2",
    infer: (call) => {
      const shape = call.shape();
      const k: Dim = call.dims(1)?.[0];
      const out = shape && [...shape.slice(0, -1), k];
      return [
        { dtype: call.dtype(), shape: out },
        { dtype: "int32", shape: out },
      ];
    },
  },
);
