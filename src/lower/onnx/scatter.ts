/** Scatter, ScatterElements, ScatterND: copies of the data with elements replaced, or combined by a reduction. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { int, oneOf } from "../schema.ts";
import { dimsLike } from "./axis.ts";
import { dimVector, flatIndices, flattenAll, wrapIndices } from "./indices.ts";

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
  const depth = indices.shape[indices.rank - 1];
  const wrapped = typeof depth === "number" ? wrapIndices(b, indices, dimVector(b, x, 0, depth)) : indices;
  return b.op(ops[how], [x, wrapped, updates]);
}

export const scatters: readonly Rule[] = [
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
