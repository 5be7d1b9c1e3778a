/** Ops that make tensors: Constant, ConstantOfShape, Range, EyeLike; and Trilu, which masks by place. */
import type { DType } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { SourceAttr } from "../../graph/source.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type At, type Rule, rule } from "../rule.ts";
import { bool, int, onnxType, raw, tensor } from "../schema.ts";
import { dense } from "../sparse.ts";
import { asScalar } from "./axis.ts";

const forms = {
  value: raw(),
  sparse_value: raw(),
  value_float: raw(),
  value_floats: raw(),
  value_int: raw(),
  value_ints: raw(),
  value_string: raw(),
  value_strings: raw(),
};

/** The one form that is set, as a Const. */
function constant(b: Builder, attr: SourceAttr, at: At): Value {
  switch (attr.kind) {
    case "tensor":
      return at.constant(attr.value);
    case "sparse":
      return dense(b, at.constant(attr.values), at.constant(attr.indices), attr.shape);
    case "float":
      return b.scalar("float32", attr.value);
    case "floats":
      return b.constant(tensorOf("float32", [attr.value.length], attr.value));
    case "int":
      return b.constant({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(attr.value)) });
    case "ints":
      return b.constant({ dtype: "int64", shape: [attr.value.length], data: BigInt64Array.from(attr.value, BigInt) });
    case "string":
      return b.constant({ dtype: "string", shape: [], data: [attr.value] });
    case "strings":
      return b.constant({ dtype: "string", shape: [attr.value.length], data: [...attr.value] });
    default:
      throw at.invalid(`a constant of kind ${attr.kind}`);
  }
}

/** column − row for every place of the last two dims of `x`, as int32. */
function diagonals(b: Builder, x: Value): Value {
  const count = (axis: number) => b.op("Range", [b.scalar("int32", 0), b.reshape(b.dim(x, axis), []), b.scalar("int32", 1)]);
  return b.op("Sub", [count(x.rank - 1), b.op("ExpandDims", [count(x.rank - 2), b.scalar("int32", 1)])]);
}

function trilu(b: Builder, x: Value, k: Value | undefined, upper: boolean): Value {
  const offset = k ? b.cast(asScalar(b, k), "int32") : b.scalar("int32", 0);
  const kept = b.op(upper ? "GreaterEqual" : "LessEqual", [diagonals(b, x), offset]);
  return b.op("SelectV2", [kept, x, x.dtype === "bool" ? b.cast(b.scalar("int32", 0), "bool") : b.scalar(x.dtype, 0)]);
}

export const constants: readonly Rule[] = [
  rule("Constant", { since: 1, arity: [0, 0], attrs: forms }, (b, _, a, at) => {
    const set = Object.values(a).filter((attr) => attr !== undefined);
    if (set.length !== 1) throw at.invalid(`a constant with ${set.length} values`);
    return [constant(b, set[0]!, at)];
  }),
  rule("ConstantOfShape", { since: 9, arity: [1, 1], attrs: { value: tensor() } }, (b, [shape], a, at) => {
    const value = a.value ? asScalar(b, at.constant(a.value)) : b.scalar("float32", 0);
    return [b.op("Fill", [shape, value])];
  }),
  rule("Range", { since: 11, arity: [3, 3], attrs: {} }, (b, inputs) => [
    b.op(
      "Range",
      inputs.map((input) => asScalar(b, input)),
    ),
  ]),
  rule("EyeLike", { since: 9, arity: [1, 1], attrs: { dtype: onnxType(), k: int(0) } }, (b, [x], a) => {
    const dtype: DType = a.dtype ?? x.dtype;
    return [b.cast(b.op("Equal", [diagonals(b, x), b.scalar("int32", a.k)]), dtype)];
  }),
  rule("Trilu", { since: 14, arity: [1, 2], attrs: { upper: bool(true) } }, (b, [x, k], a) => [trilu(b, x, k, a.upper)]),
];
