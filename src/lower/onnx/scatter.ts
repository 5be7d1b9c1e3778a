/** Scatter, ScatterElements, ScatterND: copies of the data with elements replaced, or combined by a reduction. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { int, oneOf } from "../schema.ts";
import { dimsLike, inverse, range } from "./axis.ts";
import { flatIndices, flattenAll, indexedDims, wrapIndices } from "./indices.ts";

const reduction = oneOf("none", "add", "mul", "max", "min");
type Reduction = "none" | "add" | "mul" | "max" | "min";

const ops: Readonly<Record<Reduction, string>> = {
  none: "TensorScatterUpdate",
  add: "TensorScatterAdd",
  mul: "TensorScatterMul",
  max: "TensorScatterMax",
  min: "TensorScatterMin",
};

/** Where indices repeat, `none` keeps any of the updates, as ONNX allows. */
function scatterElements(b: Builder, x: Value, indices: Value, updates: Value, axis: number, how: Reduction): Value {
  const places = b.op("ExpandDims", [
    flattenAll(b, flatIndices(b, x, wrapIndices(b, indices, b.dim(x, axis)), axis)),
    b.scalar("int32", 1),
  ]);
  const flat = b.op(ops[how], [flattenAll(b, x), places, flattenAll(b, updates)]);
  return b.reshapeTo(flat, x.shape, dimsLike(x));
}

function scatterNd(b: Builder, x: Value, indices: Value, updates: Value, how: Reduction): Value {
  return b.op(ops[how], [x, wrapIndices(b, indices, indexedDims(b, x, 0, indices)), updates]);
}

/** Writes `update` into a copy of `cache` along `axis`, from a place of its own in each batch on; circular: over the end, to the start. */
function writeCache(b: Builder, cache: Value, update: Value, starts: Value | undefined, axis: number, circular: boolean): Value {
  const order = [0, axis, ...range(cache.rank).filter((i) => i !== 0 && i !== axis)];
  const [old, news] = [b.transpose(cache, order), b.transpose(update, order)];
  const count = (x: Value, along: number) =>
    b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, along), []), b.scalar("int32", 1)]);
  const column = (x: Value) => b.op("ExpandDims", [x, b.scalar("int32", 1)]);
  const size = b.dim(old, 1);
  const steps = count(news, 1);
  const places = starts
    ? b.op("AddV2", [column(b.cast(starts, "int32")), steps])
    : b.op("ExpandDims", [steps, b.scalar("int32", 0)]);
  const inside = circular ? b.op("FloorMod", [places, size]) : places;
  const flat = b.op("AddV2", [column(b.op("Mul", [count(old, 0), size])), inside]);
  const rows = (x: Value) => b.op("Reshape", [x, b.concat([b.ints([-1]), ...range(x.rank - 2).map((i) => b.dim(x, i + 2))], 0)]);
  const written = b.op("TensorScatterUpdate", [rows(old), column(flattenAll(b, flat)), rows(news)]);
  return b.transpose(b.reshapeTo(written, old.shape, dimsLike(old)), inverse(order));
}

export const scatters: readonly Rule[] = [
  rule(
    "TensorScatter",
    { since: 24, arity: [2, 3], attrs: { axis: int(-2), mode: oneOf("linear", "circular") } },
    (b, [cache, update, starts], a) => [
      writeCache(b, cache, update, starts, normalAxis(a.axis, cache.rank), a.mode === "circular"),
    ],
  ),
  ...["Scatter", "ScatterElements"].map((op) =>
    rule(
      op,
      { since: op === "Scatter" ? 9 : 11, arity: [3, 3], attrs: { axis: int(0), reduction } },
      (b, [x, indices, updates], a) => [scatterElements(b, x, indices, updates, normalAxis(a.axis, x.rank), a.reduction)],
    ),
  ),
  rule("ScatterND", { since: 11, arity: [3, 3], attrs: { reduction } }, (b, [x, indices, updates], a) => [
    scatterNd(b, x, indices, updates, a.reduction),
  ]),
];
