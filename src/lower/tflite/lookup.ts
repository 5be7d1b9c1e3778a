/** TFLite's oldest lookups: rows of a table by key, and weighted sums of rows. */
import { isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { oneOf } from "../schema.ts";
import { tensorflowOp } from "./borrowed.ts";
import { lite } from "./rule.ts";

/** Row `i` of the table for an x that is key `i`, zeros for one that is no key; and which are keys. */
function byKey(b: Builder, x: Value, keys: Value, table: Value, at: At): readonly Value[] {
  if (table.dtype === "string") throw at.unsupported("a table of strings");
  const same = b.op("Equal", [b.reshape(x, [-1, 1]), b.reshape(keys, [1, -1])]);
  const row = b.op("ArgMax", [b.cast(same, "int32"), b.scalar("int32", 1)], { output_type: "int32" });
  const hit = b.reduce("Any", same, [1], false);
  const rows = b.gather(table, row, 0);
  const shown = b.reshape(hit, [-1, ...new Array<number>(table.rank - 1).fill(1)]);
  return [b.op("SelectV2", [shown, rows, b.scalar(table.dtype, 0)]), b.cast(hit, "uint8")];
}

type Combiner = "SUM" | "MEAN" | "SQRTN";

/** Rows of the table, weighted, summed by where their indices say: all of an index but its last number. */
function combined(
  b: Builder,
  [ids, indices, dims, weights, table]: readonly [Value, Value, Value, Value, Value],
  combiner: Combiner,
  at: At,
): Value {
  const shape = at.numbers(dims, "the shape").slice(0, -1);
  const sizes = table.shape.slice(1);
  if (!sizes.every((size) => typeof size === "number")) throw at.unsupported("a table of unknown size");
  const places = shape.map((_, axis) => shape.slice(axis + 1).reduce((n, dim) => n * dim, 1));
  const prefix = b.slice(indices, [0, 0], [-1, shape.length]);
  const bucket = b.reduce("Sum", b.op("Mul", [prefix, b.ints(places)]), [1], false);
  const count = b.scalar(
    "int32",
    shape.reduce((n, dim) => n * dim, 1),
  );
  const sum = (x: Value) => tensorflowOp(b, "UnsortedSegmentSum", [x, bucket, count], {}, at)[0]!;
  const column = (x: Value) => b.reshape(x, [-1, ...sizes.map(() => 1)]);
  const total = sum(b.op("Mul", [b.gather(table, ids, 0), column(weights)]));
  const norm =
    combiner === "SUM" ? undefined : combiner === "MEAN" ? sum(weights) : b.op("Sqrt", [sum(b.op("Mul", [weights, weights]))]);
  return b.reshape(norm ? b.op("DivNoNan", [total, column(norm)]) : total, [...shape, ...(sizes as number[])]);
}

export const lookups: readonly Rule[] = [
  lite("HASHTABLE_LOOKUP", { arity: [3, 3], attrs: {} }, (b, [x, keys, table], _, at) => byKey(b, x, keys, table, at)),
  lite(
    "EMBEDDING_LOOKUP_SPARSE",
    { arity: [5, 5], attrs: { combiner: oneOf("SUM", "MEAN", "SQRTN") } },
    (b, [ids, indices, dims, weights, table], { combiner }, at) => {
      if (!isInteger(ids.dtype)) throw at.invalid(`ids of type ${ids.dtype}`);
      return [combined(b, [ids, indices, dims, weights, table], combiner, at)];
    },
  ),
];
