/**
 * StridedSlice: TF.js stops at an end before its begin, which is nothing to take. Where a step is not 1, the wasm kernel takes whatever it is given for float32, four bytes an element. Other types are
 * picked axis by axis, and so is what drops axes besides; the places to pick are counted in float32, which is exact for any size a dim
 * can have.
 */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { dimsOf } from "../../tf/op.ts";
import { type LegalAt, type LegalRule, legal } from "../rule.ts";

const masks = ["begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"] as const;
type Masks = Record<(typeof masks)[number], number>;

/** The axis of the data that entry `i` of begin, end and strides speaks of; undefined for entries that speak of none. */
function axisOf(i: number, { ellipsis_mask, new_axis_mask }: Masks, entries: number, rank: number): number | undefined {
  const bit = (mask: number, at: number) => ((mask >> at) & 1) === 1;
  if (bit(ellipsis_mask, i) || bit(new_axis_mask, i)) return undefined;
  const explicit = Array.from({ length: entries }, (_, at) => at).filter(
    (at) => !bit(ellipsis_mask, at) && !bit(new_axis_mask, at),
  );
  const ellipsis = Math.log2(ellipsis_mask);
  const skipped = ellipsis_mask !== 0 && i > ellipsis ? rank - explicit.length : 0;
  return explicit.indexOf(i) + skipped;
}

/** The elements that one entry picks along its axis. */
export function picked(
  b: Builder,
  x: Value,
  axis: number,
  i: number,
  bounds: readonly Value[],
  given: Pick<Masks, "begin_mask" | "end_mask">,
): Value {
  const size = b.reshape(b.dim(x, axis), []);
  const places = b.op("Range", [b.scalar("int32", 0), size, b.scalar("int32", 1)]);
  const [begin, end, step] = bounds.map((vector) => b.slice(vector, [i], [1]));
  const taken = b.op("StridedSlice", [b.cast(places, "float32"), begin!, end!, step!], {
    begin_mask: (given.begin_mask >> i) & 1,
    end_mask: (given.end_mask >> i) & 1,
  });
  return b.gather(x, b.cast(taken, "int32"), axis);
}

/** The ends, those before their begin moved there: TF.js takes the difference for a size. */
function orderedEnds(b: Builder, [x, begins, ends, steps]: readonly Value[], given: Masks): Value {
  const [from, to, by] = [begins!, ends!, steps!].map((each) => dimsOf(each) as readonly (number | undefined)[] | undefined);
  if (!from || !to || !by || !x!.type.shape) return ends!;
  const open = given.begin_mask | given.end_mask | given.shrink_axis_mask;
  const ordered = to.map((end, i) => {
    const [begin, axis] = [from[i], axisOf(i, given, to.length, x!.rank)];
    if (typeof begin !== "number" || typeof end !== "number" || axis === undefined || by[i] !== 1 || ((open >> i) & 1) === 1)
      return end;
    const size = x!.shape[axis];
    const place = (each: number) => (each < 0 && typeof size === "number" ? Math.max(0, each + size) : each);
    const comparable = typeof size === "number" || begin < 0 === end < 0;
    return comparable && place(end) < place(begin) ? begin : end;
  });
  return ordered.some((end, i) => end !== to[i]) ? b.ints(ordered as number[]) : ends!;
}

function stridedSlice(b: Builder, inputs: readonly Value[], at: LegalAt): Value {
  const masked = Object.fromEntries(masks.map((name) => [name, at.number(name, 0)])) as Masks;
  const [x, ...bounds] = [inputs[0]!, inputs[1]!, orderedEnds(b, inputs, masked), inputs[3]!] as const;
  const steps = dimsOf(bounds[2]!);
  const entries = bounds[2]!.type.shape?.[0];
  // Where an axis is dropped, the kernels on cpu take the steps of the wrong axes.
  const drops = at.number("shrink_axis_mask", 0) !== 0;
  if ((x.dtype === "float32" && !drops) || steps?.every((step) => step === 1)) return at.same(b, [x, ...bounds])[0]!;
  if (typeof entries !== "number") throw at.unsupported("a slice of a number of axes that is computed");
  let [value, taken] = [x, 0];
  for (let i = 0; i < entries; i++) {
    const axis = axisOf(i, masked, entries, x.rank);
    if (axis === undefined || steps?.[i] === 1 || ((masked.shrink_axis_mask >> i) & 1) === 1) continue;
    value = picked(b, value, axis, i, bounds, masked);
    taken |= 1 << i;
  }
  const rest = [value, bounds[0]!, bounds[1]!, b.ints(new Array<number>(entries).fill(1))];
  return at.same(b, rest, { ...masked, begin_mask: masked.begin_mask | taken, end_mask: masked.end_mask | taken })[0]!;
}

export const strided: readonly LegalRule[] = [
  legal("StridedSlice", (b, inputs, at) => [stridedSlice(b, inputs, at)]),
  // TF.js slices no scalar.
  legal("Slice", (b, inputs, at) => (inputs[0]!.type.shape?.length === 0 ? [inputs[0]!] : at.same(b, inputs))),
];
