/** Pad: constant, reflect, edge and wrap; pads as attributes (before 11) or inputs; negative pads cut. */
import type { Dim, Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { floorMod } from "../../tf/scalar.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { float, ints, oneOf } from "../schema.ts";
import { asScalar, knownNumbers, range } from "./axis.ts";

type Mode = "constant" | "reflect" | "edge" | "wrap";
/** Elements to add (cut, where negative) before and after, an axis each. */
type Pads = readonly (readonly [number, number])[];

function pad(b: Builder, x: Value, pads: Pads, mode: Mode, value: Value, at: At): Value {
  const cut = crop(b, x, pads);
  const added = pads.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const);
  if (added.every(([before, after]) => before === 0 && after === 0)) return cut;
  if (mode === "constant") return b.op("PadV2", [cut, table(b, added), value]);
  const dims = cut.shape;
  // Where a dim is not known MirrorPad is right or refuses to run: it mirrors no more than there is.
  const fits = (most: number, dim: Dim) => most === 0 || typeof dim !== "number" || most < dim;
  const mirrored = mode === "reflect" && added.every((pair, i) => fits(Math.max(...pair), dims[i]));
  if (mirrored) return b.op("MirrorPad", [cut, table(b, added)], { mode: "REFLECT" });
  return added.reduce(
    (y, [before, after], axis) => (before + after === 0 ? y : extend(b, y, axis, before, after, mode, at)),
    cut,
  );
}

const table = (b: Builder, pads: Pads): Value => b.reshape(b.ints(pads.flat()), [pads.length, 2]);

/** What negative pads leave. */
function crop(b: Builder, x: Value, pads: Pads): Value {
  if (pads.every(([before, after]) => before >= 0 && after >= 0)) return x;
  const begin = pads.map(([before]) => Math.max(-before, 0));
  const endMask = pads.reduce((bits, [, after], i) => bits | (after >= 0 ? 1 << i : 0), 0);
  const inputs = [x, b.ints(begin), b.ints(pads.map(([, after]) => Math.min(after, 0))), b.ints(pads.map(() => 1))];
  return b.op("StridedSlice", inputs, { begin_mask: 0, end_mask: endMask });
}

/** One axis, by picking: the index of the element that each place repeats. */
function extend(b: Builder, x: Value, axis: number, before: number, after: number, mode: Mode, at: At): Value {
  const dim = x.shape[axis];
  if (typeof dim !== "number") {
    if (mode !== "edge") throw at.unsupported(`${mode} padding of a dim that is not known`);
    const edge = (from: number, count: number) => {
      const begin = x.shape.map((_, i) => (i === axis ? from : 0));
      const end = x.shape.map(() => 0);
      const whole = x.shape.reduce<number>((bits, _, i) => bits | (i === axis ? 0 : 1 << i), 0);
      const ends = whole | (from < 0 ? 1 << axis : 0);
      const one = b.op(
        "StridedSlice",
        [x, b.ints(begin), b.ints(end.map((_, i) => (i === axis ? from + 1 : 0))), b.ints(end.map(() => 1))],
        { begin_mask: whole, end_mask: ends },
      );
      return b.op("Tile", [one, b.ints(x.shape.map((_, i) => (i === axis ? count : 1)))]);
    };
    return b.concat([...(before ? [edge(0, before)] : []), x, ...(after ? [edge(-1, after)] : [])], axis);
  }
  if (dim === 0) throw at.invalid(`${mode} padding of a dim of 0`);
  const period = Math.max(2 * (dim - 1), 1);
  const pick = (i: number): number => {
    if (mode === "edge") return Math.min(Math.max(i, 0), dim - 1);
    if (mode === "wrap") return floorMod(i, dim);
    const folded = floorMod(i, period);
    return dim === 1 ? 0 : Math.min(folded, period - folded);
  };
  return b.gather(x, b.ints(range(before + dim + after).map((i) => pick(i - before))), axis);
}

/**
 * Pads that are computed, of axes that may be: cut by what is negative, then padded by what is not. Constant padding only, since the
 * other modes need to know how often the data repeats.
 */
function padComputed(b: Builder, x: Value, pads: Value, axes: Value | undefined, mode: Mode, value: Value, at: At): Value {
  if (mode !== "constant") throw at.unsupported(`${mode} padding by amounts that are computed`);
  const { rank } = x;
  const count = pads.type.shape?.[0];
  if (typeof count !== "number") throw at.unsupported("the number of padded axes is computed");
  const [before, after] = [0, 1].map((side) => {
    const given = b.slice(b.cast(pads, "int32"), [(side * count) / 2], [count / 2]);
    if (!axes) return given;
    const places = b.op("FloorMod", [b.cast(axes, "int32"), b.scalar("int32", rank)]);
    return b.op("TensorScatterUpdate", [
      b.ints(new Array<number>(rank).fill(0)),
      b.op("ExpandDims", [places, b.scalar("int32", 1)]),
      given,
    ]);
  }) as [Value, Value];
  const zero = b.scalar("int32", 0);
  const begin = b.op("Maximum", [b.op("Neg", [before]), zero]);
  const end = b.op("AddV2", [b.op("Shape", [x]), b.op("Minimum", [after, zero])]);
  const cut = b.op("StridedSlice", [x, begin, end, b.ints(x.shape.map(() => 1))], {});
  const added = b.op("Maximum", [b.op("Pack", [before, after], { axis: 1 }), zero]);
  return b.op("PadV2", [cut, added, value]);
}

function padInputs(
  b: Builder,
  x: Value,
  pads: Value,
  value: Value | undefined,
  axes: Value | undefined,
  mode: Mode,
  at: At,
): Value {
  const filler = value ? b.cast(asScalar(b, value), x.dtype) : b.scalar(x.dtype, 0);
  const amounts = knownNumbers(pads);
  const named = axes ? knownNumbers(axes) : range(x.rank);
  if (!named || !amounts) return padComputed(b, x, pads, axes, mode, filler, at);
  if (amounts.length !== 2 * named.length) throw at.invalid(`${amounts.length} pads for ${named.length} axes`);
  const table = x.shape.map((): readonly [number, number] => [0, 0]);
  named.forEach((axis, i) => {
    table[normalAxis(axis, x.rank)] = [amounts[i]!, amounts[i + named.length]!];
  });
  return pad(b, x, table, mode, filler, at);
}

const mode = oneOf("constant", "reflect", "edge", "wrap");

export const pads: readonly Rule[] = [
  rule("Pad", { since: 1, arity: [1, 1], attrs: { paddings: ints(), mode, value: float(0) } }, (b, [x], a, at) => [
    padInputs(b, x, b.ints(a.paddings ?? []), b.scalar(x.dtype, a.value), undefined, a.mode, at),
  ]),
  rule("Pad", { since: 2, arity: [1, 1], attrs: { pads: ints(), mode, value: float(0) } }, (b, [x], a, at) => [
    padInputs(b, x, b.ints(a.pads ?? []), b.scalar(x.dtype, a.value), undefined, a.mode, at),
  ]),
  rule("Pad", { since: 11, arity: [2, 4], attrs: { mode } }, (b, [x, amounts, value, axes], a, at) => [
    padInputs(b, x, amounts, value, axes, a.mode, at),
  ]),
];
