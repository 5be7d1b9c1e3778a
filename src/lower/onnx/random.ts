/** Random numbers: the distribution is the source's, the numbers are TF.js's own. Seeds are dropped: no two runtimes agree on them. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { type Rule, rule } from "../rule.ts";
import { float, int, ints, onnxType, required } from "../schema.ts";

const normal = { mean: float(0), scale: float(1), dtype: onnxType() };
const uniform = { low: float(0), high: float(1), dtype: onnxType() };

function drawn(
  b: Builder,
  op: "RandomStandardNormal" | "RandomUniform",
  shape: Value,
  scale: number,
  offset: number,
  dtype: DType,
): Value {
  const numbers = b.op(op, [shape], { dtype: "float32" });
  const scaled = b.op("AddV2", [b.op("Mul", [numbers, b.scalar("float32", scale)]), b.scalar("float32", offset)]);
  return b.cast(scaled, dtype);
}

export const randoms: readonly Rule[] = [
  rule("RandomNormal", { since: 1, arity: [0, 0], attrs: { ...normal, shape: required(ints()) } }, (b, _, a) => [
    drawn(b, "RandomStandardNormal", b.ints(a.shape), a.scale, a.mean, a.dtype ?? "float32"),
  ]),
  rule("RandomNormalLike", { since: 1, arity: [1, 1], attrs: normal }, (b, [x], a) => [
    drawn(b, "RandomStandardNormal", b.op("Shape", [x]), a.scale, a.mean, a.dtype ?? x.dtype),
  ]),
  rule("RandomUniform", { since: 1, arity: [0, 0], attrs: { ...uniform, shape: required(ints()) } }, (b, _, a) => [
    drawn(b, "RandomUniform", b.ints(a.shape), a.high - a.low, a.low, a.dtype ?? "float32"),
  ]),
  rule("RandomUniformLike", { since: 1, arity: [1, 1], attrs: uniform }, (b, [x], a) => [
    drawn(b, "RandomUniform", b.op("Shape", [x]), a.high - a.low, a.low, a.dtype ?? x.dtype),
  ]),
  rule("Bernoulli", { since: 15, arity: [1, 1], attrs: { dtype: onnxType() } }, (b, [x], a) => {
    const numbers = b.op("RandomUniform", [b.op("Shape", [x])], { dtype: "float32" });
    return [b.cast(b.op("Less", [numbers, b.cast(x, "float32")]), a.dtype ?? x.dtype)];
  }),
  rule("Multinomial", { since: 7, arity: [1, 1], attrs: { dtype: onnxType("int32"), sample_size: int(1) } }, (b, [x], a) => {
    const drawn = b.op("Multinomial", [b.cast(x, "float32"), b.scalar("int32", a.sample_size)], { output_dtype: "int32" });
    return [b.cast(drawn, a.dtype ?? "int32")];
  }),
];
