/** Reductions, ArgMax/ArgMin, TopK, cumulative ops. Axes were attributes before opset 18 (ReduceSum: 13) and are inputs since. */
import { isFloat, isInteger, isUnsigned } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, ints, optionalInt } from "../schema.ts";
import { asScalar, knownNumbers, range, toLastAll } from "./axis.ts";

/** Reduces over `axes`, a vector that may be computed. */
type Reduce = (b: Builder, x: Value, axes: Value, keep: boolean, at: At) => Value;

const by =
  (op: string): Reduce =>
  (b, x, axes, keep) =>
    b.op(op, [x, axes], { keep_dims: keep });

/** Max and Min of bools, legal since opset 20, are Any and All. */
const extreme =
  (op: string, ofBools: string): Reduce =>
  (b, x, axes, keep) =>
    b.op(x.dtype === "bool" ? ofBools : op, [x, axes], { keep_dims: keep });

const before =
  (op: string, reduce: Reduce): Reduce =>
  (b, x, axes, keep, at) =>
    reduce(b, b.op(op, [x]), axes, keep, at);

/** Sqrt and Log know floats only; integers go through float64 and back, as NumPy does. */
const after =
  (op: string, reduce: Reduce): Reduce =>
  (b, x, axes, keep, at) => {
    const reduced = reduce(b, x, axes, keep, at);
    return isFloat(x.dtype) ? b.op(op, [reduced]) : b.cast(b.op(op, [b.cast(reduced, "float64")]), x.dtype);
  };

/** log Σ exp x, with the greatest element taken out; where that is not finite (all −∞, or no elements) nothing is. */
const logSumExp: Reduce = (b, input, axes, keep) => {
  const x = isFloat(input.dtype) ? input : b.cast(input, "float64");
  const greatest = b.op("Max", [x, axes], { keep_dims: true });
  const shift = b.op("SelectV2", [b.op("IsFinite", [greatest]), greatest, b.scalar(x.dtype, 0)]);
  const sum = b.op("Sum", [b.op("Exp", [b.op("Sub", [x, shift])]), axes], { keep_dims: true });
  const whole = b.op("AddV2", [b.op("Log", [sum]), shift]);
  const known = knownNumbers(axes);
  const out = keep || !known ? whole : b.squeeze(whole, known);
  return b.cast(out, input.dtype);
};

function reduction(op: string, since: number, reduce: Reduce): Rule[] {
  return [
    rule(op, { since: 1, arity: [1, 1], attrs: { axes: ints(), keepdims: bool(true) } }, (b, [x], a, at) => {
      const axes = (a.axes?.length ? a.axes : range(x.rank)).map((axis) => normalAxis(axis, x.rank));
      return [reduce(b, x, b.ints(axes), a.keepdims, at)];
    }),
    rule(
      op,
      { since, arity: [1, 2], attrs: { keepdims: bool(true), noop_with_empty_axes: bool(false) } },
      (b, [x, axes], a, at) => {
        const known = axes && knownNumbers(axes);
        const none = !axes || known?.length === 0 || axes.type.shape?.[0] === 0;
        if (none) return [reduce(b, x, b.ints(a.noop_with_empty_axes ? [] : range(x.rank)), a.keepdims, at)];
        if (known) return [reduce(b, x, b.ints(known.map((axis) => normalAxis(axis, x.rank))), a.keepdims, at)];
        if (typeof axes.type.shape?.[0] !== "number") throw at.unsupported("the number of axes is computed");
        return [reduce(b, x, axes, a.keepdims, at)];
      },
    ),
  ];
}

/** Index of the greatest (least) element, the first of equals unless `last`. */
function argument(op: "ArgMax" | "ArgMin"): Rule {
  const attrs = { axis: int(0), keepdims: bool(true), select_last_index: bool(false) };
  return rule(op, { since: 1, arity: [1, 1], attrs }, (b, [x], a) => {
    const axis = normalAxis(a.axis, x.rank);
    const find = (from: Value) => b.op(op, [from, b.scalar("int32", axis)], { output_type: "int64" });
    let index = find(a.select_last_index ? b.op("ReverseV2", [x, b.ints([axis])]) : x);
    if (a.select_last_index) {
      const last = b.op("Sub", [b.cast(b.reshape(b.dim(x, axis), []), "int64"), b.scalar("int64", 1)]);
      index = b.op("Sub", [last, index]);
    }
    return [a.keepdims ? b.op("ExpandDims", [index, b.scalar("int32", axis)]) : index];
  });
}

/** An order-reversing map that undoes itself; −1 − x cannot overflow where −x can. */
function flip(b: Builder, x: Value): Value {
  return isFloat(x.dtype) ? b.op("Neg", [x]) : b.op("Sub", [b.scalar(x.dtype, -1), x]);
}

function topK(b: Builder, x: Value, k: Value, axis: number, largest: boolean): readonly Value[] {
  const wide = isUnsigned(x.dtype) ? b.cast(x, "int64") : x;
  const count = asScalar(b, b.cast(k, "int32"));
  return toLastAll(b, wide, normalAxis(axis, x.rank), (last) => {
    const [values, indices] = b.ops("TopKV2", [largest ? last : flip(b, last), count], { sorted: true });
    return [largest ? values! : flip(b, values!), b.cast(indices!, "int64")];
  }).map((value, i) => (i === 0 ? b.cast(value, x.dtype) : value));
}

/** The axis is an input, and may be computed. */
function cumulative(op: string, target: string, since: number): Rule {
  return rule(op, { since, arity: [2, 2], attrs: { exclusive: bool(false), reverse: bool(false) } }, (b, [x, axis], a) => {
    const along = b.op("FloorMod", [b.cast(asScalar(b, axis), "int32"), b.scalar("int32", x.rank)]);
    return [b.op(target, [x, along], { exclusive: a.exclusive, reverse: a.reverse })];
  });
}

/** Mean of integers: the sum divided with truncation. */
const mean: Reduce = (b, x, axes, keep) =>
  isInteger(x.dtype)
    ? b.cast(b.op("Mean", [b.cast(x, "float64"), axes], { keep_dims: keep }), x.dtype)
    : b.op("Mean", [x, axes], { keep_dims: keep });

export const reduce: readonly Rule[] = [
  ...reduction("ReduceSum", 13, by("Sum")),
  ...reduction("ReduceMean", 18, mean),
  ...reduction("ReduceMax", 18, extreme("Max", "Any")),
  ...reduction("ReduceMin", 18, extreme("Min", "All")),
  ...reduction("ReduceProd", 18, by("Prod")),
  ...reduction("ReduceL1", 18, before("Abs", by("Sum"))),
  ...reduction("ReduceL2", 18, after("Sqrt", before("Square", by("Sum")))),
  ...reduction("ReduceSumSquare", 18, before("Square", by("Sum"))),
  ...reduction("ReduceLogSum", 18, after("Log", by("Sum"))),
  ...reduction("ReduceLogSumExp", 18, logSumExp),
  argument("ArgMax"),
  argument("ArgMin"),
  rule("TopK", { since: 1, arity: [1, 1], attrs: { axis: int(-1), k: optionalInt() } }, (b, [x], a, at) => {
    if (a.k === undefined) throw at.invalid("attribute k is missing");
    return topK(b, x, b.scalar("int64", a.k), a.axis, true);
  }),
  rule("TopK", { since: 10, arity: [2, 2], attrs: { axis: int(-1), largest: bool(true), sorted: bool(true) } }, (b, [x, k], a) =>
    topK(b, x, k, a.axis, a.largest),
  ),
  cumulative("CumSum", "Cumsum", 11),
  cumulative("CumProd", "Cumprod", 26),
];
