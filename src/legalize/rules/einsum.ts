/** Einsum as products and sums: TF.js takes two operands, no repeated label, lower case only, and has no wasm kernel. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { parseEquation } from "../../tf/einsum.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";

/** A value and the label of each of its axes. */
interface Labelled {
  readonly value: Value;
  readonly labels: string;
}

/** A label that stands on two axes: what remains is where both indices agree. */
function diagonal(b: Builder, { value, labels }: Labelled, label: string, at: LegalAt): Labelled {
  const [i, j] = [labels.indexOf(label), labels.lastIndexOf(label)];
  const size = value.shape[i];
  if (typeof size !== "number") throw at.unsupported(`the diagonal over ${label}, a dim that is not known`);
  const rest = [...labels].map((_, axis) => axis).filter((axis) => axis !== i && axis !== j);
  const last = b.transpose(value, [...rest, i, j]);
  const like = rest.map((_, axis) => [last, axis] as const);
  const square = b.reshapeTo(last, [...last.shape.slice(0, -2), size * size], [...like, undefined]);
  const places = b.ints(Array.from({ length: size }, (_, k) => k * (size + 1)));
  return { value: b.gather(square, places, rest.length), labels: rest.map((axis) => labels[axis]).join("") + label };
}

/** Sums over the labels that are not in `kept`. */
function sumOut(b: Builder, { value, labels }: Labelled, kept: string): Labelled {
  const axes = [...labels].flatMap((label, axis) => (kept.includes(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return { value: b.reduce("Sum", value, axes, false), labels: [...labels].filter((label) => kept.includes(label)).join("") };
}

/** Axes in the order of `labels`, of which the value may lack some: those become dims of 1. */
function arranged(b: Builder, { value, labels }: Labelled, wanted: string): Value {
  const own = [...wanted].filter((label) => labels.includes(label));
  const moved = b.transpose(
    value,
    own.map((label) => labels.indexOf(label)),
  );
  return [...wanted].reduce(
    (x, label, axis) => (labels.includes(label) ? x : b.op("ExpandDims", [x, b.scalar("int32", axis)])),
    moved,
  );
}

/** Without the axes of one element that the other has too: they broadcast. */
function unitless(b: Builder, { value, labels }: Labelled, other: Labelled): Labelled {
  const axes = [...labels].flatMap((label, axis) => (value.shape[axis] === 1 && other.labels.includes(label) ? [axis] : []));
  return { value: b.squeeze(value, axes), labels: [...labels].filter((_, axis) => !axes.includes(axis)).join("") };
}

/** Product of two, summed over the labels that nobody needs any more. */
function contract(b: Builder, first: Labelled, second: Labelled, needed: string): Labelled {
  const left = unitless(b, first, second);
  const right = unitless(b, second, left);
  const p = sumOut(b, left, needed + right.labels);
  const q = sumOut(b, right, needed + left.labels);
  const shared = [...p.labels].filter((label) => q.labels.includes(label));
  const batch = shared.filter((label) => needed.includes(label)).join("");
  const summed = shared.filter((label) => !needed.includes(label)).join("");
  const rows = [...p.labels].filter((label) => !shared.includes(label)).join("");
  const columns = [...q.labels].filter((label) => !shared.includes(label)).join("");
  const labels = batch + rows + columns;
  // TF.js multiplies matrices of floats only; integers, and products without a sum, are broadcast.
  if (summed === "" || p.value.dtype !== "float32") {
    const whole = b.op("Mul", [arranged(b, p, labels + summed), arranged(b, q, labels + summed)]);
    return sumOut(b, { value: whole, labels: labels + summed }, labels);
  }
  const x = grouped(b, p, batch, rows, summed);
  const y = grouped(b, q, batch, summed, columns);
  const product = b.op("BatchMatMulV2", [x, y], { adj_x: false, adj_y: false });
  const of = (label: string): readonly [Value, number] =>
    p.labels.includes(label) ? [p.value, p.labels.indexOf(label)] : [q.value, q.labels.indexOf(label)];
  const like = [...labels].map(of);
  return {
    value: b.reshapeTo(
      product,
      like.map(([value, axis]) => value.type.shape![axis]),
      like,
    ),
    labels,
  };
}

/** [batch…, rows, columns]: each of the two groups of labels as one axis. */
function grouped(b: Builder, each: Labelled, batch: string, rows: string, columns: string): Value {
  const order = batch + rows + columns;
  const x = arranged(b, each, order);
  if (rows.length === 1 && columns.length === 1) return x;
  const dims = x.shape;
  const size = (from: number, count: number): Value =>
    dims.slice(from, from + count).reduce<Value>((product, _, i) => b.op("Mul", [product, b.dim(x, from + i)]), b.ints([1]));
  const parts = [...batch].map((_, axis) => b.dim(x, axis));
  const groups = [size(batch.length, rows.length), size(batch.length + rows.length, columns.length)];
  return b.op("Reshape", [x, b.concat([...parts, ...groups], 0)]);
}

function einsum(b: Builder, inputs: readonly Value[], equation: string, at: LegalAt): Value {
  const { terms, output } = parseEquation(equation);
  const operands = inputs.map((value, i) => {
    let operand: Labelled = { value, labels: terms[i]! };
    for (let repeated = twice(operand.labels); repeated; repeated = twice(operand.labels))
      operand = diagonal(b, operand, repeated, at);
    return operand;
  });
  const [first, ...rest] = operands;
  const product = rest.reduce((left, right, i) => contract(b, left, right, output + terms.slice(i + 2).join("")), first!);
  return arranged(b, sumOut(b, product, output), output);
}

const twice = (labels: string): string | undefined => [...labels].find((label, i) => labels.indexOf(label) !== i);

export const einsums: readonly LegalRule[] = [
  legal("Einsum", (b, inputs, at) => [einsum(b, inputs, at.attrs["equation"] as string, at)]),
];
