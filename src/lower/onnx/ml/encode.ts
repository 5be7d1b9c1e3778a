/** LabelEncoder, CategoryMapper, OneHotEncoder: values looked up in short lists of keys. */
import { type DType, isFloat } from "../../../base/dtype.ts";
import type { Value } from "../../../graph/graph.ts";
import type { SourceTensor } from "../../../graph/source.ts";
import { numbersOf, type Tensor, tensorOf } from "../../../graph/tensor.ts";
import type { Builder } from "../../../tf/build.ts";
import { constantOf } from "../../../tf/op.ts";
import { type At, type Rule, rule } from "../../rule.ts";
import { bool, float, floats, int, ints, string, strings, tensor } from "../../schema.ts";
import { asScalar } from "../axis.ts";
import { domain } from "./scores.ts";

/** [..., keys]: which key each element is. Since opset 4 NaN is a key like any other. */
function matches(b: Builder, x: Value, keys: Value, at: At): Value {
  const each = b.op("ExpandDims", [x, b.scalar("int32", -1)]);
  const same = b.op("Equal", [each, keys]);
  const data = constantOf(keys)?.data;
  const hasNaN = at.opset >= 4 && isFloat(keys.dtype) && data && numbersOf(constantOf(keys) as Tensor).some(Number.isNaN);
  return hasNaN ? b.op("LogicalOr", [same, b.op("LogicalAnd", [b.op("IsNan", [each]), b.op("IsNan", [keys])])]) : same;
}

/** The value that stands beside an element's key, or the default. */
function lookUp(b: Builder, x: Value, keys: Value, values: Value, fallback: Value, at: At): Value {
  // TF.js has kernels for strings on cpu only.
  if (keys.dtype === "string" || values.dtype === "string")
    return b.op("LookUp", [b.cast(x, keys.dtype), keys, values, fallback]);
  const hits = matches(b, b.cast(x, keys.dtype), keys, at);
  const place = b.op("ArgMax", [b.cast(hits, "int32"), b.scalar("int32", x.rank)], { output_type: "int64" });
  return b.op("SelectV2", [b.reduce("Any", hits, [x.rank], false), b.gather(values, place, 0), fallback]);
}

const texts = (b: Builder, data: readonly string[]): Value =>
  b.constant({ dtype: "string", shape: [data.length], data: [...data] });
const numbers = (b: Builder, dtype: DType, data: readonly number[]): Value => b.constant(tensorOf(dtype, [data.length], data));
const text = (b: Builder, value: string): Value => b.constant({ dtype: "string", shape: [], data: [value] });

interface Lists {
  readonly strings: readonly string[] | undefined;
  readonly int64s: readonly number[] | undefined;
  readonly floats: readonly number[] | undefined;
  readonly tensor?: SourceTensor | undefined;
}

/** The one list that is given. */
function listed(b: Builder, lists: Lists, what: string, at: At): Value {
  if (lists.tensor) return b.reshape(at.constant(lists.tensor), [-1]);
  if (lists.strings?.length) return texts(b, lists.strings);
  if (lists.int64s?.length) return numbers(b, "int64", lists.int64s);
  if (lists.floats?.length) return numbers(b, "float32", lists.floats);
  throw at.invalid(`no ${what}`);
}

const encoderAttrs = {
  keys_strings: strings(),
  keys_int64s: ints(),
  keys_floats: floats(),
  keys_tensor: tensor(),
  values_strings: strings(),
  values_int64s: ints(),
  values_floats: floats(),
  values_tensor: tensor(),
  default_string: string("_Unused"),
  default_int64: int(-1),
  default_float: float(-0),
  default_tensor: tensor(),
};

export const encode: readonly Rule[] = [
  rule(
    "LabelEncoder",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: { classes_strings: strings(), default_int64: int(-1), default_string: string("_Unused") },
    },
    (b, [x], a, at) => mapCategories(b, x, a.classes_strings ?? [], undefined, a.default_int64, a.default_string, at),
  ),
  rule("LabelEncoder", { since: 2, domain, arity: [1, 1], attrs: encoderAttrs }, (b, [x], a, at) => {
    const keys = listed(
      b,
      { strings: a.keys_strings, int64s: a.keys_int64s, floats: a.keys_floats, tensor: a.keys_tensor },
      "keys",
      at,
    );
    const values = listed(
      b,
      { strings: a.values_strings, int64s: a.values_int64s, floats: a.values_floats, tensor: a.values_tensor },
      "values",
      at,
    );
    if (keys.shape[0] !== values.shape[0]) throw at.invalid(`${keys.shape[0]} keys and ${values.shape[0]} values`);
    const fallback = a.default_tensor
      ? asScalar(b, at.constant(a.default_tensor))
      : values.dtype === "string"
        ? text(b, a.default_string)
        : b.scalar(values.dtype, isFloat(values.dtype) ? a.default_float : a.default_int64);
    return [lookUp(b, x, keys, values, fallback, at)];
  }),
  rule(
    "CategoryMapper",
    {
      since: 1,
      domain,
      arity: [1, 1],
      attrs: { cats_int64s: ints(), cats_strings: strings(), default_int64: int(-1), default_string: string("_Unused") },
    },
    (b, [x], a, at) => mapCategories(b, x, a.cats_strings ?? [], a.cats_int64s, a.default_int64, a.default_string, at),
  ),
  rule(
    "OneHotEncoder",
    { since: 1, domain, arity: [1, 1], attrs: { cats_int64s: ints(), cats_strings: strings(), zeros: bool(true) } },
    (b, [x], a, at) => {
      const keys = listed(b, { strings: a.cats_strings, int64s: a.cats_int64s, floats: undefined }, "categories", at);
      return [b.cast(matches(b, b.cast(x, keys.dtype), keys, at), "float32")];
    },
  ),
];

/** Strings to numbers or numbers to strings, as the input is. */
function mapCategories(
  b: Builder,
  x: Value,
  names: readonly string[],
  numbered: readonly number[] | undefined,
  whole: number,
  word: string,
  at: At,
): Value[] {
  const keys = texts(b, names);
  const ids = numbers(b, "int64", numbered ?? [...names.keys()]);
  return [
    x.dtype === "string" ? lookUp(b, x, keys, ids, b.scalar("int64", whole), at) : lookUp(b, x, ids, keys, text(b, word), at),
  ];
}
