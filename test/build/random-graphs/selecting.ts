/** Rows of random steps that select, scatter, sort and count; whole numbers and conditions. */
import { float } from "../onnx.ts";
import type { Draft, Made } from "./draft.ts";
import type { Step } from "./elementwise.ts";

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const topK: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length === 0) return undefined;
  const axis = d.pick(x.shape.length);
  const k = d.between(1, x.shape[axis]!);
  const shape = x.shape.map((dim, i) => (i === axis ? k : dim));
  // Which of equal elements comes first is left open, so the indices are not looked at.
  return d.ops("TopK", [x, d.ints([k])], [shape], { axis, largest: d.pick(2), sorted: 1 }, undefined, 1);
};

const oneHot: Step = (d, x) => {
  const indices = d.shape(d.between(1, 2));
  const depth = d.between(1, 4);
  const axis = d.between(-indices.length - 1, indices.length);
  const at = axis < 0 ? axis + indices.length + 1 : axis;
  const places = d.constant(
    "int64",
    indices,
    Array.from({ length: count(indices) }, () => d.between(-depth, depth)),
  );
  const shape = [...indices.slice(0, at), depth, ...indices.slice(at)];
  const made = d.op("OneHot", [places, d.constant("int64", [1], [depth]), d.weight([2])], shape, { axis }, "float32");
  return x.dtype === "float32" && x.shape.length === 0 ? d.op("Mul", [made, x], shape) : made;
};

const trilu: Step = (d, x) => {
  if (x.shape.length < 2 || x.dtype !== "float32") return undefined;
  return d.op("Trilu", [x, d.constant("int64", [], [d.between(-2, 2)])], x.shape, { upper: d.pick(2) });
};

/** Places of a tensor, none twice. */
function places(d: Draft, size: number, wanted: number): number[] {
  const rest = Array.from({ length: size }, (_, i) => i);
  return Array.from({ length: Math.min(wanted, size) }, () => rest.splice(d.pick(rest.length), 1)[0]!);
}

const scatterElements: Step = (d, x) => {
  if (x.shape.length === 0 || x.dtype !== "float32") return undefined;
  const axis = d.pick(x.shape.length);
  const size = x.shape[axis]!;
  const along = places(d, size, d.between(1, size));
  const shape = x.shape.map((dim, i) => (i === axis ? along.length : dim));
  const inner = count(shape.slice(axis + 1));
  const indices = Array.from({ length: count(shape) }, (_, i) => along[Math.floor(i / inner) % along.length]!);
  const reduction = d.oneOf(["none", "add", "mul"]);
  return d.op("ScatterElements", [x, d.constant("int64", shape, indices), d.weight(shape)], x.shape, { axis, reduction });
};

const scatterND: Step = (d, x) => {
  if (x.shape.length === 0 || x.dtype !== "float32") return undefined;
  const rows = places(d, x.shape[0]!, d.between(1, x.shape[0]!));
  const updates = [rows.length, ...x.shape.slice(1)];
  return d.op("ScatterND", [x, d.constant("int64", [rows.length, 1], rows), d.weight(updates)], x.shape);
};

const gatherND: Step = (d, x) => {
  if (x.shape.length === 0) return undefined;
  const depth = d.between(1, x.shape.length);
  const rows = d.between(1, 3);
  const indices = Array.from({ length: rows }, () => x.shape.slice(0, depth).map((dim) => d.between(-dim, dim - 1))).flat();
  return d.op("GatherND", [x, d.constant("int64", [rows, depth], indices)], [rows, ...x.shape.slice(depth)]);
};

const einsum: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length !== 3) return undefined;
  const [b, i, k] = x.shape as [number, number, number];
  const j = d.between(1, 4);
  const [equation, other, shape] = d.oneOf<[string, number[], number[]]>([
    ["bik,kj->bij", [k, j], [b, i, j]],
    ["bik,bjk->bij", [b, j, k], [b, i, j]],
    ["bik,bjk->bji", [b, j, k], [b, j, i]],
    ["bik,kj->jb", [k, j], [j, b]],
    ["bik,k->ib", [k], [i, b]],
  ]);
  return d.op("Einsum", [x, d.weight(other)], shape, { equation });
};

const condition = (d: Draft, x: Made): Made => {
  const bound = d.constant(x.dtype, [], [0]);
  return d.op(d.oneOf(["Greater", "Less", "GreaterOrEqual"]), [x, bound], x.shape, {}, "bool");
};

/** Conditions combined, then counted. */
const logic: Step = (d, x) => {
  if (x.dtype === "bool") return undefined;
  const first = condition(d, x);
  const both = d.op(d.oneOf(["And", "Or", "Xor"]), [first, d.weight(x.shape, "bool")], x.shape, {}, "bool");
  const told = d.chance() ? d.op("Not", [both], x.shape, {}, "bool") : both;
  return d.op("Cast", [told], x.shape, { to: 1 }, "float32");
};

/** Whole numbers only: remainders, quotients, equality. */
const whole: Step = (d, x) => {
  if (x.dtype !== "int32" && x.dtype !== "int64") return undefined;
  const by = d.constant(x.dtype, [], [d.oneOf([2, 3, -3, 5])]);
  const op = d.oneOf(["Mod", "Div", "Equal"]);
  if (op !== "Equal") return d.op(op, [x, by], x.shape);
  return d.op("Cast", [d.op("Equal", [x, by], x.shape, {}, "bool")], x.shape, { to: x.dtype === "int32" ? 6 : 7 }, x.dtype);
};

/** Integers through float and back, rounded on the way. */
const round: Step = (d, x) => {
  if (x.dtype !== "int32" && x.dtype !== "int64") return undefined;
  const half = d.op("Mul", [d.op("Cast", [x], x.shape, { to: 1 }, "float32"), d.constant("float32", [], [0.25])], x.shape);
  const rounded = d.op(d.oneOf(["Round", "Floor", "Ceil"]), [half], x.shape);
  return d.op("Cast", [rounded], x.shape, { to: x.dtype === "int32" ? 6 : 7 }, x.dtype);
};

const positive =
  (op: string): Step =>
  (d, x) => {
    if (x.dtype !== "float32") return undefined;
    const above = d.op("Add", [d.op("Abs", [x], x.shape), d.constant("float32", [], [0.5])], x.shape);
    return op === "Pow"
      ? d.op("Pow", [above, d.constant("float32", [], [d.oneOf([2, 0.5, -1, 1.5])])], x.shape)
      : d.op(op, [above], x.shape);
  };

const several =
  (op: string): Step =>
  (d, x) => {
    if (x.dtype !== "float32") return undefined;
    return d.op(op, [x, d.weight(x.shape), d.weight(x.shape.map(() => 1))], x.shape);
  };

const norms: Step = (d, x) => {
  if (x.dtype !== "float32" || x.shape.length < 3) return undefined;
  const axis = d.between(-x.shape.length, x.shape.length - 1);
  if (d.chance()) return d.op("LpNormalization", [x], x.shape, { axis, p: d.between(1, 2) });
  // Of a single element onnxruntime may take the root of a negative variance.
  if (x.shape[0]! * count(x.shape.slice(2)) === 1) return undefined;
  return d.op("MeanVarianceNormalization", [d.op("Add", [x, d.weight(x.shape)], x.shape)], x.shape, {
    axes: [0, ...Array.from({ length: x.shape.length - 2 }, (_, i) => i + 2)],
  });
};

const lpPool: Step = (d, x) =>
  x.dtype === "float32" && x.shape.length > 2
    ? d.op("GlobalLpPool", [x], [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)], { p: d.between(1, 2) })
    : undefined;

const shrink: Step = (d, x) =>
  x.dtype === "float32" ? d.op("Celu", [x], x.shape, { alpha: float(d.oneOf([1, 0.6])) }) : undefined;

export const selectingSteps: readonly Step[] = [
  ...[
    topK,
    oneHot,
    trilu,
    scatterElements,
    scatterND,
    gatherND,
    einsum,
    einsum,
    logic,
    whole,
    whole,
    round,
    norms,
    lpPool,
    shrink,
  ],
  ...["Sqrt", "Log", "Pow", "Pow", "Reciprocal"].map(positive),
  ...["Sum", "Mean", "Max", "Min"].map(several),
];
