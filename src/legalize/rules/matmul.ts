/** Matrix products: TF.js counts batches wrongly where both operands are broadcast, and its wasm kernel takes floats only. */
import { isInteger } from "../../base/dtype.ts";
import { type Dim, sameDim, type Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";

/** TF.js takes batch i modulo each operand's own number of batches, and as many batches as the larger operand has. */
function batchMatMul(b: Builder, [x, y]: readonly Value[], at: LegalAt): Value {
  const batch = at.node.outputs[0]!.shape.slice(0, -2);
  const [left, right] = [repeats(x!, batch), repeats(y!, batch)];
  // One that is widened has all batches; where neither is, one of the two must.
  const all = !left || !right || isWhole(x!, batch) || isWhole(y!, batch);
  return product(b, left && all ? x! : widen(b, x!, y!, batch), right ? y! : widen(b, y!, x!, batch), at);
}

const batchOf = (value: Value): readonly Dim[] => value.shape.slice(0, -2);

/** Do the batches of this operand, leading ones left out, simply repeat over the result's? */
function repeats(value: Value, batch: readonly Dim[]): boolean {
  const own = [...batchOf(value)];
  while (own[0] === 1) own.shift();
  return own.every((dim, i) => sameDim(dim, batch[batch.length - own.length + i]));
}

const isWhole = (value: Value, batch: readonly Dim[]): boolean =>
  batchOf(value).length === batch.length
    ? batchOf(value).every((dim, i) => sameDim(dim, batch[i]))
    : repeats(value, batch) && batch.slice(0, batch.length - batchOf(value).length).every((dim) => dim === 1);

/** Repeats the operand to all batches; sizes that are not known are the greater of the two operands' at run time. */
function widen(b: Builder, value: Value, other: Value, batch: readonly Dim[]): Value {
  const dim = (from: Value, i: number): Value => {
    const axis = i - batch.length + from.rank - 2;
    return axis < 0 ? b.ints([1]) : b.dim(from, axis);
  };
  const dims = batch.map((size, i) =>
    typeof size === "number" ? b.ints([size]) : b.op("Maximum", [dim(value, i), dim(other, i)]),
  );
  return b.op("BroadcastTo", [value, b.concat([...dims, b.dim(value, value.rank - 2), b.dim(value, value.rank - 1)], 0)]);
}

function product(b: Builder, x: Value, y: Value, at: LegalAt): Value {
  return isInteger(at.dtype()) ? integerProduct(b, x, y, at) : at.same(b, [x, y])[0]!;
}

/** Every product of two elements, then their sum: exact in int32, where a float matrix product is so only up to 2^24. */
function integerProduct(b: Builder, x: Value, y: Value, at: LegalAt): Value {
  const swap = (value: Value, swapped: boolean) => {
    const axes = value.shape.map((_, i) => i);
    return swapped ? b.transpose(value, [...axes.slice(0, -2), value.rank - 1, value.rank - 2]) : value;
  };
  const left = swap(x, at.flag("transpose_a") || at.flag("adj_x"));
  const right = swap(y, at.flag("transpose_b") || at.flag("adj_y"));
  const products = b.op("Mul", [
    b.op("ExpandDims", [left, b.scalar("int32", -1)]),
    b.op("ExpandDims", [right, b.scalar("int32", -3)]),
  ]);
  return b.reduce("Sum", products, [products.rank - 2], false);
}

export const matmuls: readonly LegalRule[] = [
  legal("BatchMatMulV2", (b, inputs, at) => [batchMatMul(b, inputs, at)]),
  legal("MatMul", (b, [x, y], at) => [product(b, x!, y!, at)]),
];
