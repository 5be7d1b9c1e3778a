/** Reductions, searches, sums along an axis, and norms. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import type { At, Rule } from "../rule.ts";
import { flag, float, int } from "../schema.ts";
import { linear, quantizationOf, scaled } from "./quantized.ts";
import { lite } from "./rule.ts";

function axesOf(x: Value, axes: Value, at: At): number[] {
  return [...new Set(at.numbers(axes, "the axes").map((axis) => normalAxis(axis, x.rank)))];
}

const reduction = (op: string, target: string): Rule =>
  lite(op, { arity: [2, 2], attrs: { keep_dims: flag(false) } }, (b, [x, axes], a, at) => {
    const each = (part: Value) => b.reduce(target, part, axesOf(x, axes, at), a.keep_dims);
    return [target === "Mean" || target === "Sum" ? linear(b, x, each) : each(x)];
  });

/** Longer products are taken of real numbers. */
const maxFactors = 64;

/**
 * Of codes the kernel multiplies steps one after another and rounds every product, by the share of the scales that each has: in 15 bits. The
 * last is scaled once more.
 */
function productOfCodes(b: Builder, x: Value, axes: readonly number[], keep: boolean, at: At): Value | undefined {
  const [from, to] = [quantizationOf(at.given(0)), quantizationOf(at.declared())];
  const count = axes.reduce((n, axis) => n * (Number(x.shape[axis]) || 0), 1);
  const isCoded = from && to && (at.given(0)?.dtype === "int8" || at.given(0)?.dtype === "int16");
  if (!isCoded || at.quantized === "float" || count < 1 || count > maxFactors) return undefined;
  const own = scaled(b, x);
  const steps = own.scale ? own.value : b.op("Round", [b.op("RealDiv", [x, b.scalar("float32", from.scale[0]!)])]);
  const rest = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const last = b.transpose(steps, [...rest, ...[...axes].sort((p, q) => p - q)]);
  const dims = [...rest.map((axis) => x.shape[axis]!), count];
  const rows = b.reshapeTo(last, dims, [...rest.map((_, i) => [last, i] as const), undefined]);
  const factors = b.ops("Unpack", [rows], { num: count, axis: rest.length });
  const share = ofBits(from.scale[0]! / to.scale[0]! ** (1 / count), 15);
  const times = (p: Value) =>
    b.op("Floor", [b.op("AddV2", [b.op("Mul", [p, b.scalar("float32", share)]), b.scalar("float32", 0.5)])]);
  const product = times(factors.slice(1).reduce((p, factor) => times(b.op("Mul", [p, factor])), factors[0]!));
  const shaped = keep
    ? b.reshapeTo(
        product,
        x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
        x.shape.map((_, axis) => [x, axis] as const),
      )
    : product;
  return b.op("Mul", [shaped, b.scalar("float32", to.scale[0]!)]);
}

/** A factor as a kernel holds it. */
function ofBits(x: number, bits: number): number {
  const unit = 2 ** (Math.floor(Math.log2(x)) + 1 - bits);
  return Math.min(Math.round(x / unit), 2 ** bits - 1) * unit;
}

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
  lite("REDUCE_PROD", { arity: [2, 2], attrs: { keep_dims: flag(false) } }, (b, [x, axes], a, at) => {
    const known = axesOf(x, axes, at);
    return [productOfCodes(b, x, known, a.keep_dims, at) ?? b.reduce("Prod", x, known, a.keep_dims)];
  }),
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
