/** Sparse tensors are triples of dense ones; embeddings of sparse ids are sums of rows. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { Rule } from "../rule.ts";
import { dtype, flag, tfRule } from "./attrs.ts";
import { segmentMeanOf, segmentSumOf } from "./segment.ts";
import { zeroOf } from "./shape.ts";

/** Rows of `data` combined by segment: the rows are chosen first. */
function chosen(b: Builder, data: Value, indices: Value): Value {
  return b.gather(data, indices, 0);
}

/** One more than the greatest segment. */
function segmentCount(b: Builder, ids: Value): Value {
  return b.op("AddV2", [b.reduce("Max", b.cast(ids, "int32"), [0], false), b.scalar("int32", 1)]);
}

type Combine = (b: Builder, data: Value, ids: Value, count: Value) => Value;

/** The sum over the square root of how many there are. */
const segmentSqrtOf: Combine = (b, data, ids, count) => {
  const mean = segmentMeanOf(b, data, ids, count);
  const ones = b.op("OnesLike", [data]);
  return b.op("Mul", [mean, b.op("Sqrt", [segmentSumOf(b, ones, ids, count)])]);
};

const embedding = (op: string, combine: Combine): Rule =>
  tfRule(op, [3, 3], {}, (b, [data, indices, ids]) => [combine(b, chosen(b, data, indices), ids, segmentCount(b, ids))]);

const sizedEmbedding = (op: string, combine: Combine): Rule =>
  tfRule(op, [4, 4], {}, (b, [data, indices, ids, count]) => [combine(b, chosen(b, data, indices), ids, count)]);

/** Indices counted through the old shape and taken apart by the new one, of which one dim may be −1. */
function reshaped(b: Builder, indices: Value, from: Value, to: Value): readonly Value[] {
  const size = b.reduce("Prod", from, [0], false);
  const one = b.scalar(to.dtype, 1);
  const open = b.op("Less", [to, b.scalar(to.dtype, 0)]);
  const rest = b.reduce("Prod", b.op("SelectV2", [open, one, to]), [0], false);
  const shape = b.op("SelectV2", [open, b.op("TruncateDiv", [size, rest]), to]);
  const strides = (dims: Value) => b.op("Cumprod", [dims, b.scalar("int32", 0)], { exclusive: true, reverse: true });
  const flat = b.reduce("Sum", b.op("Mul", [indices, strides(from)]), [1], true);
  const places = b.op("FloorMod", [b.op("FloorDiv", [flat, strides(shape)]), shape]);
  return [places, shape];
}

/** Ranges end to end: where each begins in the values, and the values. Scalars go for every range. */
function raggedRange(b: Builder, inputs: readonly [Value, Value, Value], type: DType): readonly Value[] {
  const vector = inputs.find(({ rank }) => rank === 1);
  const [starts, limits, deltas] = inputs.map((each) => {
    if (each.rank === 1) return each;
    return vector ? b.op("BroadcastTo", [each, b.op("Shape", [vector])]) : b.reshape(each, [1]);
  }) as [Value, Value, Value];
  const zero = b.scalar("int32", 0);
  const steps = b.op("RealDiv", [b.cast(b.op("Sub", [limits, starts]), "float32"), b.cast(deltas, "float32")]);
  const counts = b.op("Maximum", [b.cast(b.op("Ceil", [steps]), "int32"), zero]);
  const ends = b.op("Cumsum", [counts, zero], { exclusive: false, reverse: false });
  const splits = b.concat([b.ints([0]), ends], 0);
  const total = b.reduce("Sum", counts, [0], false);
  const places = b.op("Range", [zero, total, b.scalar("int32", 1)]);
  const passed = b.op("GreaterEqual", [b.op("ExpandDims", [places, b.scalar("int32", 1)]), ends]);
  const rows = b.reduce("Sum", b.cast(passed, "int32"), [1], false);
  const within = b.cast(b.op("Sub", [places, b.gather(splits, rows, 0)]), starts.dtype);
  const values = b.op("AddV2", [b.gather(starts, rows, 0), b.op("Mul", [within, b.gather(deltas, rows, 0)])]);
  return [b.cast(splits, type), values];
}

export const sparse: readonly Rule[] = [
  tfRule("RaggedRange", [3, 3], { Tsplits: dtype("int64") }, (b, inputs, a) => raggedRange(b, inputs, a.Tsplits)),
  embedding("SparseSegmentSum", segmentSumOf),
  embedding("SparseSegmentMean", segmentMeanOf),
  embedding("SparseSegmentSqrtN", segmentSqrtOf),
  sizedEmbedding("SparseSegmentSumWithNumSegments", segmentSumOf),
  sizedEmbedding("SparseSegmentMeanWithNumSegments", segmentMeanOf),
  sizedEmbedding("SparseSegmentSqrtNWithNumSegments", segmentSqrtOf),
  tfRule("SparseReshape", [3, 3], {}, (b, [indices, from, to]) => reshaped(b, indices, from, to)),
  tfRule(
    "SparseTensorDenseAdd",
    [4, 4],
    {},
    (b, [indices, values, , dense]) => [b.op("TensorScatterAdd", [dense, indices, values])],
    {
      parameters: [2],
    },
  ),
  tfRule(
    "SparseTensorDenseMatMul",
    [4, 4],
    { adjoint_a: flag(false), adjoint_b: flag(false) },
    (b, [indices, values, shape, dense], a) => {
      const zeroes = b.op("Fill", [shape, zeroOf(b, values.dtype)]);
      const left = b.op("TensorScatterAdd", [zeroes, indices, values]);
      return [b.op("MatMul", [left, dense], { transpose_a: a.adjoint_a, transpose_b: a.adjoint_b })];
    },
    { parameters: [2] },
  ),
];
