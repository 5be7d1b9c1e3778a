/** Scatters that combine, and sequences reversed one by one: index arithmetic over the few such ops that TF.js has. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";

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

/**
 * The cpu kernel of TensorScatterUpdate writes into its input: into a weight, a fed tensor, a value that others read. It gets a copy.
 * A copy of a constant would be folded into a constant, so that one is made by adding zeroes that only the run knows.
 */
function copied(b: Builder, x: Value, indices: Value, updates: Value): Value {
  if (!x.node.constant) return b.op("Maximum", [x, x]);
  return b.op("AddV2", [x, b.op("ScatterNd", [indices, b.op("ZerosLike", [updates]), b.op("Shape", [x])])]);
}

function scatterUpdate(b: Builder, x: Value, indices: Value, updates: Value, at: LegalAt): Value {
  if (x.dtype === "string") throw at.unsupported("a scatter of strings");
  const number = (value: Value) => (value.dtype === "bool" ? b.cast(value, "int32") : value);
  const [data, news] = [number(x), number(updates)];
  const out = b.op("TensorScatterUpdate", [copied(b, data, indices, news), indices, news]);
  return x.dtype === "bool" ? b.op("NotEqual", [out, b.scalar("int32", 0)]) : out;
}

export const scatters: readonly LegalRule[] = [
  legal("TensorScatterUpdate", (b, [x, indices, updates], at) => [scatterUpdate(b, x!, indices!, updates!, at)]),
  legal("TensorScatterAdd", (b, [x, indices, updates]) => [
    b.op("AddV2", [x!, b.op("ScatterNd", [indices!, updates!, b.op("Shape", [x!])])]),
  ]),
  legal("ReverseSequence", (b, [x, lengths], at) => {
    const { rank } = x!;
    return [
      reverseSequence(b, x!, lengths!, normalAxis(at.number("batch_dim", 0), rank), normalAxis(at.number("seq_dim", 0), rank)),
    ];
  }),
];
