/** Segments, histograms, partitions: rows combined by the number of their group. */
import { type DType, integerRange, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf } from "../../tf/op.ts";
import type { Rule } from "../rule.ts";
import { int, required } from "../schema.ts";
import { dtype, flag, tfRule } from "./attrs.ts";
import { number } from "./elementwise.ts";
import { zeroOf } from "./shape.ts";

const range = (b: Builder, count: Value): Value =>
  b.op("Range", [b.scalar("int32", 0), b.cast(b.reshape(count, []), "int32"), b.scalar("int32", 1)]);

/** Rows of data and the group of each, where ids may have several axes. */
function rows(
  b: Builder,
  data: Value,
  ids: Value,
): { readonly data: Value; readonly ids: Value; readonly rest: readonly Value[] } {
  const rest = data.shape.slice(ids.rank).map((_, i) => b.dim(data, ids.rank + i));
  const flat = ids.rank === 1 ? data : b.op("Reshape", [data, b.concat([b.ints([-1]), ...rest], 0)]);
  return { data: flat, ids: b.cast(b.reshape(ids, [-1]), "int32"), rest };
}

const isCounted = (ids: Value): boolean => dimsOf(ids)?.every((id) => typeof id === "number" && id >= 0) ?? false;

/** Rows without a group (ids below 0) go to one more that is cut off. */
export function segmentSumOf(b: Builder, values: Value, groups: Value, count: Value): Value {
  const { data, ids, rest } = rows(b, values, groups);
  const num = b.cast(b.reshape(count, [1]), "int32");
  const place = (each: Value) => b.op("ExpandDims", [each, b.scalar("int32", 1)]);
  if (isCounted(ids)) return b.op("ScatterNd", [place(ids), data, b.concat([num, ...rest], 0)]);
  const moved = b.op("SelectV2", [b.op("Less", [ids, b.scalar("int32", 0)]), num, ids]);
  const more = b.op("AddV2", [num, b.ints([1])]);
  const sums = b.op("ScatterNd", [place(moved), data, b.concat([more, ...rest], 0)]);
  return b.op("Slice", [sums, b.ints([0, ...rest.map(() => 0)]), b.concat([num, ...rest], 0)]);
}

/** Every group next to every row, those of other groups replaced by what changes nothing. */
function segmentReduce(b: Builder, how: string, values: Value, groups: Value, count: Value, neutral: Value): Value {
  const { data, ids, rest } = rows(b, values, groups);
  const own = b.op("Equal", [
    b.op("ExpandDims", [range(b, count), b.scalar("int32", 1)]),
    b.op("ExpandDims", [ids, b.scalar("int32", 0)]),
  ]);
  const mask = rest.reduce<Value>((each) => b.op("ExpandDims", [each, b.scalar("int32", -1)]), own);
  const spread = b.op("SelectV2", [mask, b.op("ExpandDims", [data, b.scalar("int32", 0)]), neutral]);
  return b.reduce(how, spread, [1], false);
}

/** What no row of the data is beyond; the type's own bound may be more than TF.js can hold. */
const bound = (b: Builder, data: Value, how: "Max" | "Min"): Value =>
  b.reduce(
    how,
    data,
    data.shape.map((_, axis) => axis),
    false,
  );

function extreme(b: Builder, type: DType, greatest: boolean): Value {
  if (!isInteger(type))
    return b.scalar(type, greatest ? (largest[type] ?? 3.4028234663852886e38) : -(largest[type] ?? 3.4028234663852886e38));
  const [low, high] = integerRange(type);
  return b.scalar(type, Number(greatest ? high : low));
}

/** Greatest finite values; TensorFlow gives the lowest value of the type for an empty group. */
const largest: Partial<Record<DType, number>> = { float64: Number.MAX_VALUE, float16: 65504, bfloat16: 3.3895313892515355e38 };

function counts(b: Builder, data: Value, ids: Value, count: Value): Value {
  const ones = b.op("Fill", [b.op("Shape", [ids]), number(b, data, 1)]);
  const sums = segmentSumOf(b, ones, ids, count);
  return data.shape.slice(ids.rank).reduce<Value>((each) => b.op("ExpandDims", [each, b.scalar("int32", -1)]), sums);
}

const atLeastOne = (b: Builder, x: Value): Value => b.op("Maximum", [x, number(b, x, 1)]);

export function segmentMeanOf(b: Builder, data: Value, ids: Value, count: Value): Value {
  return b.op("RealDiv", [segmentSumOf(b, data, ids, count), atLeastOne(b, counts(b, data, ids, count))]);
}

type Combine = (b: Builder, data: Value, ids: Value, count: Value) => Value;

const combining: Readonly<Record<string, Combine>> = {
  Sum: segmentSumOf,
  Mean: (b, data, ids, count) => b.op("RealDiv", [segmentSumOf(b, data, ids, count), atLeastOne(b, counts(b, data, ids, count))]),
  Prod: (b, data, ids, count) => segmentReduce(b, "Prod", data, ids, count, number(b, data, 1)),
  Max: (b, data, ids, count) => segmentReduce(b, "Max", data, ids, count, extreme(b, data.dtype, false)),
  Min: (b, data, ids, count) => segmentReduce(b, "Min", data, ids, count, extreme(b, data.dtype, true)),
};

/** Sorted ids: as many groups as the last id says; a group without rows is 0. */
function sorted(how: string): Rule {
  return tfRule(`Segment${how}`, [2, 2], {}, (b, [data, ids]) => {
    const last = b.reduce("Max", b.cast(ids, "int32"), [0], false);
    const count = b.op("AddV2", [last, b.scalar("int32", 1)]);
    if (how !== "Max" && how !== "Min") return [combining[how]!(b, data, ids, count)];
    const result = segmentReduce(b, how, data, ids, count, bound(b, data, how === "Max" ? "Min" : "Max"));
    return [b.op("SelectV2", [b.op("Greater", [counts(b, data, ids, count), number(b, data, 0)]), result, number(b, data, 0)])];
  });
}

const unsorted = (how: string): Rule =>
  tfRule(`UnsortedSegment${how}`, [3, 3], {}, (b, [data, ids, count]) => [combining[how]!(b, data, ids, count)], {
    parameters: [2],
  });

/** How often each of 0 … size − 1 occurs, or the sum of its weights. */
function bincount(b: Builder, values: Value, size: Value, weights: Value, binary: boolean): Value {
  const bins = range(b, size);
  const hit = b.op("Equal", [b.op("ExpandDims", [b.cast(values, "int32"), b.scalar("int32", -1)]), bins]);
  const axis = values.rank - 1;
  if (binary) return b.cast(b.reduce("Any", hit, [axis], false), weights.dtype);
  const unweighted = weights.shape.includes(0);
  const each = unweighted
    ? b.cast(hit, weights.dtype)
    : b.op("SelectV2", [hit, b.op("ExpandDims", [weights, b.scalar("int32", -1)]), zeroOf(b, weights.dtype)]);
  return b.reduce("Sum", each, [axis], false);
}

/** Values beyond the range count in the first and the last bin. */
function histogram(b: Builder, values: Value, limits: Value, bins: Value, type: DType): Value {
  const [low, high] = [0, 1].map((i) => b.reshape(b.slice(limits, [i], [1]), []));
  const count = b.cast(b.reshape(bins, []), "int32");
  const share = b.op("RealDiv", [b.op("Sub", [b.reshape(values, [-1]), low!]), b.op("Sub", [high!, low!])]);
  const steps = b.op("Floor", [b.op("Mul", [share, b.cast(count, values.dtype)])]);
  const last = b.cast(b.op("Sub", [count, b.scalar("int32", 1)]), values.dtype);
  const bounded = b.op("Minimum", [b.op("Maximum", [steps, number(b, values, 0)]), last]);
  const none = b.constant({ dtype: "int32", shape: [0], data: new Int32Array(0) });
  return b.cast(bincount(b, b.cast(bounded, "int32"), count, none, false), type);
}

/** Rows of each partition, in their order. */
function partition(b: Builder, data: Value, groups: Value, count: number): readonly Value[] {
  const { data: flat, ids } = rows(b, data, groups);
  return Array.from({ length: count }, (_, k) => {
    const own = b.op("Where", [b.op("Equal", [ids, b.scalar("int32", k)])]);
    return b.gather(flat, b.squeeze(b.cast(own, "int32"), [1]), 0);
  });
}

/** Rows put at their places; where several have the same place the last one stays. */
function stitch(b: Builder, values: readonly Value[]): Value {
  const half = values.length / 2;
  const [indices, data] = [values.slice(0, half), values.slice(half)];
  const places = b.concat(
    indices.map((each) => b.cast(b.reshape(each, [-1]), "int32")),
    0,
  );
  const parts = data.map((each, i) => rows(b, each, indices[i]!));
  const all = b.concat(
    parts.map((part) => part.data),
    0,
  );
  const count = b.op("AddV2", [b.reduce("Max", places, [0], true), b.ints([1])]);
  const zeroes = b.op("Fill", [b.concat([count, ...parts[0]!.rest], 0), zeroOf(b, all.dtype)]);
  return b.op("TensorScatterUpdate", [zeroes, b.op("ExpandDims", [places, b.scalar("int32", 1)]), all]);
}

export const segments: readonly Rule[] = [
  ...Object.keys(combining).map(sorted),
  ...["Sum", "Prod", "Max", "Min"].map(unsorted),
  tfRule(
    "Bincount",
    [3, 3],
    {},
    (b, [values, size, weights]) => [
      bincount(b, b.reshape(values, [-1]), size, weights.shape.includes(0) ? weights : b.reshape(weights, [-1]), false),
    ],
    {
      parameters: [1],
    },
  ),
  tfRule(
    "DenseBincount",
    [3, 3],
    { binary_output: flag(false) },
    (b, [values, size, weights], a) => [bincount(b, values, size, weights, a.binary_output)],
    {
      parameters: [1],
    },
  ),
  tfRule(
    "HistogramFixedWidth",
    [3, 3],
    { dtype: dtype("int32") },
    (b, [values, limits, bins], a) => [histogram(b, values, limits, bins, a.dtype)],
    {
      parameters: [2],
    },
  ),
  tfRule("DynamicPartition", [2, 2], { num_partitions: required(int(1)) }, (b, [data, ids], a) =>
    partition(b, data, ids, a.num_partitions),
  ),
  ...["DynamicStitch", "ParallelDynamicStitch"].map((op) =>
    tfRule(op, [2, Number.POSITIVE_INFINITY], {}, (b, values) => [stitch(b, values)]),
  ),
];
