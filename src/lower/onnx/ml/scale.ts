/** Scaler, Normalizer, Imputer, Binarizer, FeatureVectorizer, ArrayFeatureExtractor, ZipMap: columns prepared and picked. */
import { isFloat } from "../../../base/dtype.ts";
import type { Value } from "../../../graph/graph.ts";
import { tensorOf } from "../../../graph/tensor.ts";
import type { Builder } from "../../../tf/build.ts";
import { type Rule, rule } from "../../rule.ts";
import { float, floats, int, ints, oneOf, raw } from "../../schema.ts";
import { domain, floatVector } from "./scores.ts";

/** Divides by the norm of the last axis; a norm of 0 leaves the row as it is. */
function normalize(b: Builder, x: Value, norm: "MAX" | "L1" | "L2"): Value {
  const last = [x.rank - 1];
  const size =
    norm === "MAX"
      ? b.reduce("Max", x, last, true)
      : norm === "L1"
        ? b.reduce("Sum", b.op("Abs", [x]), last, true)
        : b.op("Sqrt", [b.reduce("Sum", b.op("Square", [x]), last, true)]);
  const safe = b.op("SelectV2", [b.op("Equal", [size, b.scalar("float32", 0)]), b.scalar("float32", 1), size]);
  return b.op("RealDiv", [x, safe]);
}

export const scale: readonly Rule[] = [
  rule("Scaler", { since: 1, domain, arity: [1, 1], attrs: { offset: floats(), scale: floats() } }, (b, [x], a) => {
    const data = b.cast(x, "float32");
    const shifted = a.offset?.length ? b.op("Sub", [data, floatVector(b, a.offset)]) : data;
    return [a.scale?.length ? b.op("Mul", [shifted, floatVector(b, a.scale)]) : shifted];
  }),
  rule("Normalizer", { since: 1, domain, arity: [1, 1], attrs: { norm: oneOf("MAX", "L1", "L2") } }, (b, [x], a) => [
    normalize(b, b.cast(x, "float32"), a.norm),
  ]),
  rule(
    "Imputer",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: {
        imputed_value_floats: floats(),
        imputed_value_int64s: ints(),
        replaced_value_float: float(0),
        replaced_value_int64: int(0),
      },
    },
    (b, [x], a) => {
      const whole = !isFloat(x.dtype);
      const values = (whole ? a.imputed_value_int64s : a.imputed_value_floats) ?? [];
      const news = b.constant(tensorOf(x.dtype, [values.length], values));
      const old = whole ? a.replaced_value_int64 : a.replaced_value_float;
      const missing = Number.isNaN(old) ? b.op("IsNan", [x]) : b.op("Equal", [x, b.scalar(x.dtype, old)]);
      return [b.op("SelectV2", [missing, news, x])];
    },
  ),
  rule("Binarizer", { since: 1, domain, arity: [1, 1], attrs: { threshold: float(0) } }, (b, [x], a) => [
    b.cast(b.op("Greater", [x, b.scalar(x.dtype, a.threshold)]), x.dtype),
  ]),
  rule(
    "FeatureVectorizer",
    { since: 1, domain, arity: [1, Number.POSITIVE_INFINITY], attrs: { inputdimensions: ints() } },
    (b, inputs, a) => {
      const columns = (inputs as readonly Value[]).map((x, i) => {
        const width = a.inputdimensions?.[i] ?? x.shape.slice(1).reduce<number>((n, dim) => n * Number(dim), 1);
        return b.reshape(b.cast(x, "float32"), [-1, width]);
      });
      return [b.concat(columns, 1)];
    },
  ),
  rule("ArrayFeatureExtractor", { since: 1, domain, arity: [2, 2], attrs: {} }, (b, [x, places]) => {
    const data = x.rank === 1 ? b.op("ExpandDims", [x, b.scalar("int32", 0)]) : x;
    return [b.gather(data, b.reshape(places, [-1]), data.rank - 1)];
  }),
  // TF.js has no maps: what comes out is the tensor of scores, whose columns are the classes in their order.
  rule(
    "ZipMap",
    { since: 1, domain, arity: [1, 1], attrs: { classlabels_int64s: raw(), classlabels_strings: raw() } },
    (_, [x]) => [x],
  ),
];
