/** Ops that put elements into a tensor: copies with elements replaced or combined, variables of frozen graphs included. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { onFrozen } from "./assignment.ts";
import { flag, same, tfRule } from "./attrs.ts";

type Combine = (b: Builder, x: Value, indices: Value, updates: Value) => Value;

const tensorScatter =
  (how: string): Combine =>
  (b, x, indices, updates) =>
    b.op(`TensorScatter${how}`, [x, indices, updates]);

const combine: Readonly<Record<string, Combine>> = {
  Add: tensorScatter("Add"),
  Sub: (b, x, indices, updates) => b.op("TensorScatterAdd", [x, indices, b.op("Neg", [updates])]),
  Update: tensorScatter("Update"),
  Min: tensorScatter("Min"),
  Max: tensorScatter("Max"),
  Mul: tensorScatter("Mul"),
  Div: (b, x, indices, updates) => b.op("TensorScatterMul", [x, indices, b.op("Reciprocal", [updates])]),
};

/** Rows by number: each index becomes one of a vector. */
function rowIndices(b: Builder, x: Value, indices: Value, updates: Value): readonly [Value, Value] {
  const flat = b.op("ExpandDims", [b.reshape(indices, [-1]), b.scalar("int32", 1)]);
  const rest = x.shape.slice(1).map((_, i) => b.dim(x, i + 1));
  if (indices.rank === 1) return [flat, updates.rank < x.rank ? broadcastRows(b, x, indices, updates) : updates];
  return [flat, b.op("Reshape", [updates, b.concat([b.ints([-1]), ...rest], 0)])];
}

/** A scalar update goes to every row. */
function broadcastRows(b: Builder, x: Value, indices: Value, updates: Value): Value {
  const rest = x.shape.slice(1).map((_, i) => b.dim(x, i + 1));
  return b.op("BroadcastTo", [updates, b.concat([b.dim(indices, 0), ...rest], 0)]);
}

const isEmpty = (value: Value): boolean => value.shape.includes(0);

/** Ops over a variable, which of a frozen graph is a constant. */
const onRows = (how: string, prefix = ""): Rule =>
  onFrozen(`${prefix}Scatter${how}`, [3, 3], (b, [x, indices, updates]) => {
    if (isEmpty(indices!)) return x!;
    const [places, values] = rowIndices(b, x!, indices!, updates!);
    return combine[how]!(b, x!, places, values);
  });

const onPlaces = (how: string, prefix = ""): Rule =>
  onFrozen(`${prefix}ScatterNd${how}`, [3, 3], (b, [x, indices, updates]) =>
    isEmpty(indices!) ? x! : combine[how]!(b, x!, indices!, updates!),
  );

/** A COO tensor written out. */
function sparseToDense(b: Builder, indices: Value, shape: Value, values: Value, fallback: Value, at: At): Value {
  const places =
    indices.rank === 2
      ? indices
      : indices.rank === 1
        ? b.op("ExpandDims", [indices, b.scalar("int32", 1)])
        : b.reshape(indices, [1, 1]);
  const count = places.shape[0];
  if (count === undefined && values.rank === 0) throw at.unsupported("one value at places whose number is not known");
  const all = values.rank === 0 ? b.op("BroadcastTo", [values, b.dim(places, 0)]) : values;
  return b.op("TensorScatterUpdate", [b.op("Fill", [shape, fallback]), places, all]);
}

export const scatters: readonly Rule[] = [
  same("ScatterNd", 3, {}, { parameters: [2] }),
  ...["Update", "Add", "Min", "Max"].map((how) => same(`TensorScatter${how}`, 3)),
  tfRule("TensorScatterSub", [3, 3], {}, (b, [x, indices, updates]) => [combine["Sub"]!(b, x, indices, updates)]),
  ...["", "Resource"].flatMap((prefix) => [
    ...Object.keys(combine).map((how) => onRows(how, prefix)),
    ...["Add", "Sub", "Update", "Min", "Max"].map((how) => onPlaces(how, prefix)),
  ]),
  tfRule("ScatterNdNonAliasingAdd", [3, 3], {}, (b, [x, indices, updates]) => [combine["Add"]!(b, x, indices, updates)]),
  tfRule(
    "SparseToDense",
    [4, 4],
    { validate_indices: flag(true) },
    (b, [indices, shape, values, fallback], _, at) => [sparseToDense(b, indices, shape, values, fallback, at)],
    {
      parameters: [1],
    },
  ),
];
