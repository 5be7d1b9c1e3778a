/** Reductions, searches, sums along an axis, and norms. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { flag, float, int } from "../schema.ts";
import { linear } from "./quantized.ts";
import { lite } from "./rule.ts";

function axesOf(x: Value, axes: Value, at: At): number[] {
  return [...new Set(at.numbers(axes, "the axes").map((axis) => normalAxis(axis, x.rank)))];
}

const reduction = (op: string, target: string): Rule =>
  lite(op, { arity: [2, 2], attrs: { keep_dims: flag(false) } }, (b, [x, axes], a, at) => {
    const each = (part: Value) => b.reduce(target, part, axesOf(x, axes, at), a.keep_dims);
    return [target === "Mean" || target === "Sum" ? linear(b, x, each) : each(x)];
  });

const search = (op: string, target: string): Rule =>
  lite(op, { arity: [2, 2], attrs: {} }, (b, [x, axis], _, at) => {
    const index = b.scalar("int32", normalAxis(at.numbers(axis, "the axis")[0]!, x.rank));
    return [b.op(target, [x, index], { output_type: at.declared()?.dtype ?? "int32" })];
  });

/** TFLite's L2_NORMALIZATION keeps the norm away from 0. */
const leastNorm = 1e-6;

function l2Normalize(b: Builder, x: Value): Value {
  const norm = b.op("Sqrt", [b.reduce("Sum", b.op("Square", [x]), [x.rank - 1], true)]);
  return b.op("RealDiv", [x, b.op("Maximum", [norm, b.scalar(x.dtype, leastNorm)])]);
}

export const reductions: readonly Rule[] = [
  reduction("MEAN", "Mean"),
  reduction("SUM", "Sum"),
  reduction("REDUCE_PROD", "Prod"),
  reduction("REDUCE_MAX", "Max"),
  reduction("REDUCE_MIN", "Min"),
  reduction("REDUCE_ANY", "Any"),
  reduction("REDUCE_ALL", "All"),
  search("ARG_MAX", "ArgMax"),
  search("ARG_MIN", "ArgMin"),
  lite("TOPK_V2", { arity: [2, 2], attrs: {} }, (b, [x, k], _, at) => {
    const [values, indices] = b.ops("TopKV2", [x, b.reshape(b.cast(k, "int32"), [])], { sorted: true });
    return [values, b.cast(indices!, at.declared(1)?.dtype ?? "int32")];
  }),
  lite("CUMSUM", { arity: [2, 2], attrs: { exclusive: flag(false), reverse: flag(false) } }, (b, [x, axis], a, at) => [
    b.op("Cumsum", [x, b.scalar("int32", normalAxis(at.numbers(axis, "the axis")[0]!, x.rank))], {
      exclusive: a.exclusive,
      reverse: a.reverse,
    }),
  ]),
  lite("L2_NORMALIZATION", { arity: [1, 1], attrs: {} }, (b, [x]) => [l2Normalize(b, x)]),
  lite(
    "LOCAL_RESPONSE_NORMALIZATION",
    { arity: [1, 1], attrs: { radius: int(5), bias: float(1), alpha: float(1), beta: float(0.5) } },
    (b, [x], a) => [b.op("LRN", [x], { depth_radius: a.radius, bias: a.bias, alpha: a.alpha, beta: a.beta })],
  ),
];
