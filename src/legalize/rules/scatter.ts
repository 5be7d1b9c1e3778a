/** Scatters that combine, and sequences reversed one by one: index arithmetic over the few such ops that TF.js has. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf, normalAxis } from "../../tf/op.ts";
import { type LegalRule, legal } from "../rule.ts";
import { gathered } from "./nothing.ts";

/**
 * A gather whose leading axes go together with those of the indices; the wasm kernel mixes the batches up. They become one axis with
 * the gathered one, and the indices places in it.
 */
function batchGather(b: Builder, x: Value, indices: Value, axis: number, batch: number): Value {
  const order = [...x.shape.keys()].filter((each) => each !== axis);
  order.splice(batch, 0, axis);
  const first = b.transpose(x, order);
  const product = (count: number) =>
    first.shape.slice(0, count).reduce<Value>((p, _, i) => b.op("Mul", [p, b.dim(first, i)]), b.ints([1]));
  const rest = first.shape.slice(batch + 1).map((_, i) => b.dim(first, batch + 1 + i));
  const flat = b.op("Reshape", [first, b.concat([product(batch + 1), ...rest], 0)]);
  const rows = b.op("Range", [b.scalar("int32", 0), b.reshape(product(batch), []), b.scalar("int32", 1)]);
  const lead = first.shape.slice(0, batch).map((_, i) => b.dim(first, i));
  const starts = b.op("Reshape", [
    b.op("Mul", [rows, b.dim(first, batch)]),
    b.concat([...lead, ...indices.shape.slice(batch).map(() => b.ints([1]))], 0),
  ]);
  const picked = b.gather(flat, b.op("AddV2", [indices, starts]), 0);
  // [batch…, index…, before the axis…, after it…]: the dims before the axis go back in front of the index's.
  const moved = axis - batch;
  const span = indices.rank - batch;
  const back = [...picked.shape.keys()];
  back.splice(batch, span + moved, ...range(batch + span, moved), ...range(batch, span));
  return b.transpose(picked, back);
}

const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i);

/** `t` becomes `length − 1 − t` where that is not negative; what lies behind a sequence stays. */
function reverseSequence(b: Builder, x: Value, lengths: Value, batchAxis: number, timeAxis: number): Value {
  const count = b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, timeAxis), []), b.scalar("int32", 1)]);
  const ends = b.op("ExpandDims", [lengths, b.scalar("int32", 1)]);
  const back = b.op("Sub", [b.op("Sub", [ends, b.scalar("int32", 1)]), count]);
  const places = b.op("SelectV2", [b.op("Less", [count, ends]), back, count]);
  const rest = x.shape.map((_, axis) => axis).filter((axis) => axis !== batchAxis && axis !== timeAxis);
  const order = [batchAxis, timeAxis, ...rest];
  const first = b.transpose(x, order);
  const picked = batchGather(b, first, places, 1, 1);
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
  const own = x.node.constant
    ? b.op("AddV2", [x, b.op("ScatterNd", [indices, b.op("ZerosLike", [updates]), b.op("Shape", [x])])])
    : x;
  return b.op("Maximum", [own, own]);
}

function scatterUpdate(b: Builder, x: Value, indices: Value, updates: Value): Value {
  const number = (value: Value) => (value.dtype === "bool" ? b.cast(value, "int32") : value);
  const [data, news] = [number(x), number(updates)];
  const out = b.op("TensorScatterUpdate", [copied(b, data, indices, news), indices, news]);
  return x.dtype === "bool" ? b.op("NotEqual", [out, b.scalar("int32", 0)]) : out;
}

/** Indices of one place, with its update: TF.js takes a vector of indices for as many places in the first axis. */
function listed(b: Builder, indices: Value, updates: Value): readonly [Value, Value] {
  if (indices.type.shape?.length !== 1) return [indices, updates];
  const zero = b.scalar("int32", 0);
  return [b.op("ExpandDims", [indices, zero]), b.op("ExpandDims", [updates, zero])];
}

export const scatters: readonly LegalRule[] = [
  legal("GatherV2", (b, inputs, at) => {
    const [x, indices, along] = inputs as [Value, Value, Value];
    const batch = at.number("batch_dims", 0);
    const axis = constantOf(along)?.data[0];
    if (x.dtype === "string") {
      if (batch !== 0 || axis === undefined) throw at.unsupported("a gather of strings in batches, or along a computed axis");
      return [b.op("StringGather", [x, indices], { axis: normalAxis(Number(axis), x.rank) })];
    }
    if (batch === 0) return axis === undefined ? at.same(b, inputs) : [gathered(b, x, indices, normalAxis(Number(axis), x.rank))];
    if (axis === undefined) throw at.unsupported("a gather along an axis that is computed");
    return [batchGather(b, x, indices, normalAxis(Number(axis), x.rank), batch < 0 ? batch + indices.rank : batch)];
  }),
  legal("TensorScatterUpdate", (b, [x, indices, updates]) => [scatterUpdate(b, x!, ...listed(b, indices!, updates!))]),
  legal("TensorScatterAdd", (b, [x, indices, updates]) => [
    b.op("AddV2", [x!, b.op("ScatterNd", [...listed(b, indices!, updates!), b.op("Shape", [x!])])]),
  ]),
  legal("ScatterNd", (b, [indices, updates, shape]) => [b.op("ScatterNd", [...listed(b, indices!, updates!), shape!])]),
  legal("ReverseSequence", (b, [x, lengths], at) => {
    const { rank } = x!;
    return [
      reverseSequence(b, x!, lengths!, normalAxis(at.number("batch_dim", 0), rank), normalAxis(at.number("seq_dim", 0), rank)),
    ];
  }),
];
