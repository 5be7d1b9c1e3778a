/** Ragged tensors, and sparse ones sorted, cut and joined. Places are int32 while they are computed. */
import { modelError } from "../../base/problem.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { Rule } from "../rule.ts";
import { type Field, int, required } from "../schema.ts";
import { dtype, flag, tfRule } from "./attrs.ts";
import { zeroOf } from "./shape.ts";

const whole = (b: Builder, x: Value): Value => b.cast(x, "int32");

const kinds = ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS"];

/** `row_partition_types` by number, as the custom op has them. */
const partitionKinds: Field<readonly number[]> = {
  read: (attr, name) => {
    if (attr?.kind !== "strings") throw modelError("bad-attribute", `attribute ${name} is no list of texts`);
    return attr.value.map((word) => {
      const kind = kinds.indexOf(word);
      if (kind < 0) throw modelError("unsupported", `rows told by ${word}`);
      return kind;
    });
  },
};

/** Places by their number in the dense tensor of this shape. */
function flatPlaces(b: Builder, indices: Value, shape: Value): Value {
  const strides = b.op("Cumprod", [shape, b.scalar("int32", 0)], { exclusive: true, reverse: true });
  return b.reduce("Sum", b.op("Mul", [indices, strides]), [1], false);
}

/** Rows in the order of their places. */
function ordered(b: Builder, indices: Value, values: Value, shape: Value): readonly [Value, Value] {
  const flat = flatPlaces(b, indices, shape);
  const [, order] = b.ops("TopKV2", [b.op("Neg", [flat]), b.reshape(b.dim(flat, 0), [])], { sorted: true });
  return [b.gather(indices, order!, 0), b.gather(values, order!, 0)];
}

function concat(b: Builder, parts: readonly Value[], axis: number): readonly Value[] {
  const n = parts.length / 3;
  const [indices, values, shapes] = [0, 1, 2].map((i) => parts.slice(i * n, (i + 1) * n)) as [Value[], Value[], Value[]];
  const rank = shapes[0]!.shape[0] as number;
  const along = normalAxis(axis, rank);
  const unit = b.ints(Array.from({ length: rank }, (_, i) => (i === along ? 1 : 0)));
  let before = b.ints([0]);
  const moved = indices.map((each, i) => {
    const shifted = b.op("AddV2", [whole(b, each), b.op("Mul", [unit, before])]);
    before = b.op("AddV2", [before, b.slice(whole(b, shapes[i]!), [along], [1])]);
    return shifted;
  });
  const rest = b.op("Mul", [whole(b, shapes[0]!), b.op("Sub", [b.ints(new Array<number>(rank).fill(1)), unit])]);
  const shape = b.op("AddV2", [rest, b.op("Mul", [unit, before])]);
  const [places, held] = ordered(b, b.concat(moved, 0), b.concat(values, 0), shape);
  return [b.cast(places, "int64"), held, b.cast(shape, "int64")];
}

/** What lies within `start` and `size`, counted from there. */
function slice(b: Builder, [indices, values, shape, start, size]: readonly Value[]): readonly Value[] {
  const [places, from, extent, sizes] = [indices!, start!, size!, shape!].map((each) => whole(b, each)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const local = b.op("Sub", [places, from]);
  const inside = b.op("LogicalAnd", [b.op("GreaterEqual", [local, b.scalar("int32", 0)]), b.op("Less", [local, extent])]);
  const kept = b.squeeze(whole(b, b.op("Where", [b.reduce("All", inside, [1], false)])), [1]);
  const rest = b.op("Maximum", [b.op("Minimum", [extent, b.op("Sub", [sizes, from])]), b.scalar("int32", 0)]);
  return [b.cast(b.gather(local, kept, 0), "int64"), b.gather(values!, kept, 0), b.cast(rest, "int64")];
}

export const raggeds: readonly Rule[] = [
  tfRule(
    "RaggedTensorToTensor",
    [4, Number.POSITIVE_INFINITY],
    { row_partition_types: partitionKinds },
    (b, [shape, values, fill, ...partitions], a) => {
      const told = partitions.map((each) => whole(b, each!));
      return [b.op("RaggedDense", [whole(b, shape), values, fill, ...told], { kinds: a.row_partition_types })];
    },
    { parameters: [0] },
  ),
  tfRule(
    "RaggedGather",
    [3, Number.POSITIVE_INFINITY],
    { PARAMS_RAGGED_RANK: required(int(1)), Tsplits: dtype("int64") },
    (b, inputs, a) => {
      const splits = inputs.slice(0, a.PARAMS_RAGGED_RANK).map((each) => whole(b, each!));
      const [values, indices] = inputs.slice(a.PARAMS_RAGGED_RANK) as [Value, Value];
      const outputs = b.ops("RaggedRows", [...splits, values, whole(b, indices)]);
      return outputs.map((each, i) => (i < outputs.length - 1 ? b.cast(each, a.Tsplits) : each));
    },
  ),
  tfRule("SparseFillEmptyRows", [4, 4], {}, (b, [indices, values, shape, fill]) => {
    const outputs = b.ops("FillEmptyRows", [whole(b, indices), values, whole(b, shape), fill]);
    return [b.cast(outputs[0]!, "int64"), outputs[1], outputs[2], b.cast(outputs[3]!, "int64")];
  }),
  tfRule("SparseReorder", [3, 3], {}, (b, [indices, values, shape]) => {
    const [places, held] = ordered(b, whole(b, indices), values, whole(b, shape));
    return [b.cast(places, "int64"), held];
  }),
  tfRule("SparseConcat", [3, Number.POSITIVE_INFINITY], { concat_dim: required(int(0)) }, (b, parts, a) =>
    concat(b, parts as readonly Value[], a.concat_dim),
  ),
  tfRule("SparseSlice", [5, 5], {}, (b, inputs) => slice(b, inputs)),
  tfRule(
    "SparseReduceSum",
    [4, 4],
    { keep_dims: flag(false) },
    (b, [indices, values, shape, axes], a, at) => {
      const all = b.op("TensorScatterAdd", [b.op("Fill", [shape, zeroOf(b, values.dtype)]), indices, values]);
      return [b.reduce("Sum", all, at.numbers(axes, "the axes"), a.keep_dims)];
    },
    { parameters: [2, 3] },
  ),
];
