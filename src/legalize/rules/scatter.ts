/** Scatters that combine, and sequences reversed one by one: index arithmetic over the few such ops that TF.js has. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type LegalRule, legal } from "../rule.ts";

/** `t` becomes `length − 1 − t` where that is not negative; what lies behind a sequence stays. */
function reverseSequence(b: Builder, x: Value, lengths: Value, batchAxis: number, timeAxis: number): Value {
  const count = b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, timeAxis), []), b.scalar("int32", 1)]);
  const ends = b.op("ExpandDims", [lengths, b.scalar("int32", 1)]);
  const back = b.op("Sub", [b.op("Sub", [ends, b.scalar("int32", 1)]), count]);
  const places = b.op("SelectV2", [b.op("Less", [count, ends]), back, count]);
  const rest = x.shape.map((_, axis) => axis).filter((axis) => axis !== batchAxis && axis !== timeAxis);
  const order = [batchAxis, timeAxis, ...rest];
  const first = b.transpose(x, order);
  const picked = b.op("GatherV2", [first, places, b.scalar("int32", 1)], { batch_dims: 1 });
  return b.transpose(
    picked,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

export const scatters: readonly LegalRule[] = [
  legal("TensorScatterAdd", (b, [x, indices, updates]) => [
    b.op("AddV2", [x!, b.op("ScatterNd", [indices!, updates!, b.op("Shape", [x!])])]),
  ]),
  legal("ReverseSequence", (b, [x, lengths], at) => {
    const { rank } = x!;
    return [reverseSequence(b, x!, lengths!, normalAxis(at.number("batch_dim", 0), rank), normalAxis(at.number("seq_dim", 0), rank))];
  }),
];
