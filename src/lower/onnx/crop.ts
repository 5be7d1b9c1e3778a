/** CenterCropPad: each axis cut or padded with zeroes, evenly on both sides; the odd one goes to the end. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { ints } from "../schema.ts";
import { range } from "./axis.ts";

function centerCropPad(b: Builder, x: Value, shape: Value, axes: readonly number[]): Value {
  const sizes = b.cast(shape, "int32");
  const own = b.op("Shape", [x]);
  const parts = range(x.rank).map((axis) => {
    const i = axes.indexOf(axis);
    return i < 0 ? b.slice(own, [axis], [1]) : b.slice(sizes, [i], [1]);
  });
  const wanted = b.concat(parts, 0);
  const kept = b.op("Minimum", [own, wanted]);
  const half = (value: Value) => b.op("FloorDiv", [value, b.scalar("int32", 2)]);
  const cut = b.op("Slice", [x, half(b.op("Sub", [own, kept])), kept]);
  const missing = b.op("Sub", [wanted, kept]);
  const before = half(missing);
  const pads = b.op("Pack", [before, b.op("Sub", [missing, before])], { axis: 1 });
  return b.op("PadV2", [cut, pads, b.scalar(x.dtype, 0)]);
}

export const crops: readonly Rule[] = [
  rule("CenterCropPad", { since: 18, arity: [2, 2], attrs: { axes: ints() } }, (b, [x, shape], a) => [
    centerCropPad(b, x, shape, a.axes?.map((axis) => normalAxis(axis, x.rank)) ?? range(x.rank)),
  ]),
];
