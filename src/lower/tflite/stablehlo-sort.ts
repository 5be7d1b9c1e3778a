/** StableHLO's sort: any number of tensors, in the order that a region finds of the elements of one of them. Always stable. */
import { isFloat } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { flag, graph, int } from "../schema.ts";
import { lite } from "./rule.ts";

interface Order {
  /** The operand whose elements are compared. */
  readonly key: number;
  readonly descending: boolean;
}

const comparisons: Readonly<Record<string, boolean>> = { Less: false, LessEqual: false, Greater: true, GreaterEqual: true };

/** The region takes two elements of each operand, and says whether the first ones come first. */
function orderOf(b: Builder, id: GraphId, operands: readonly Value[], at: At): Order {
  const scalars = operands.flatMap((operand, i) =>
    [0, 1].map((side) => b.input(`scalar_${i}_${side}`, { dtype: operand.dtype, shape: [] })),
  );
  const [result] = at.body(id, scalars).outputs;
  const { op, inputs } = result!.node;
  const [first, second] = inputs.map((input) => scalars.indexOf(input)) as [number, number];
  const descending = comparisons[op];
  const isPair = first >= 0 && second >= 0 && first >> 1 === second >> 1 && first !== second;
  if (descending === undefined || !isPair) throw at.unsupported(`a sort by a region that computes ${op}`);
  return { key: first >> 1, descending: first > second ? !descending : descending };
}

/** Numbers of which the greatest comes first. */
function ranked(b: Builder, key: Value, descending: boolean): Value {
  const x = isFloat(key.dtype) ? key : b.cast(key, "int32");
  if (descending) return x;
  // −1 − x has the order of −x, and never leaves the range.
  return isFloat(x.dtype) ? b.op("Neg", [x]) : b.op("Sub", [b.scalar("int32", -1), x]);
}

function sort(b: Builder, operands: readonly Value[], axis: number, { key, descending }: Order, at: At): readonly Value[] {
  const rank = operands[key]!.rank;
  const dim = normalAxis(axis, rank);
  const size = operands[key]!.shape[dim];
  if (typeof size !== "number")
    throw at.unsupported("a sort along an axis of unknown size", "give the input's shape with --input");
  const swap = range(rank).map((i) => (i === dim ? rank - 1 : i === rank - 1 ? dim : i));
  const last = operands.map((operand) => b.transpose(operand, swap));
  const [, order] = b.ops("TopKV2", [ranked(b, last[key]!, descending), b.scalar("int32", size)], { sorted: true });
  return last.map((operand) => {
    const sorted = b.op("GatherV2", [operand, order!, b.scalar("int32", rank - 1)], { batch_dims: rank - 1 });
    return b.transpose(sorted, swap);
  });
}

export const stablehloSorts: readonly Rule[] = [
  lite(
    "STABLEHLO_SORT",
    {
      arity: [1, Number.POSITIVE_INFINITY],
      attrs: { dimension: int(-1), is_stable: flag(false), comparator_subgraph_index: graph() },
      codes: true,
    },
    (b, inputs, a, at) => {
      const order = orderOf(b, a.comparator_subgraph_index, inputs, at);
      return sort(b, inputs, a.dimension, order, at);
    },
  ),
];
