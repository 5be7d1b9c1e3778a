/** Strings: TensorFlow's, with RE2's expressions; and what depends on their words. */
import { isFloat, isInteger } from "../../base/dtype.ts";
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { int, required, string } from "../schema.ts";
import { dtype, flag, list, tfRule } from "./attrs.ts";
import { fromRe2, fromRewrite } from "./regex.ts";

/** Text for a custom op: TF.js changes attributes to lower case, so that it comes as an input. */
const word = (b: Builder, text: string): Value => b.constant({ dtype: "string", shape: [1], data: [text] });

function pattern(b: Builder, written: string, at: At): Value {
  const known = fromRe2(written);
  if (known === undefined) throw at.unsupported(`an expression that JavaScript has no form of: ${written}`);
  return word(b, known);
}

const textIn = (value: Value, what: string, at: At): string => String(at.known(value, what).data[0] ?? "");

/** Of bytes, or of characters where the encoding is said. */
const units = { unit: string("BYTE") };

const changed = (op: string, how: number): Rule =>
  tfRule(op, [1, 1], { encoding: string("") }, (b, [x], a) => [b.op("ChangeText", [x], { how, unicode: a.encoding !== "" })]);

/** Texts side by side, with another between them; scalars go with all. */
function joined(b: Builder, values: readonly Value[], separator: string): Value {
  const between = b.constant({ dtype: "string", shape: [], data: [separator] });
  const concat = (x: Value, y: Value) => b.op("StringConcat", [x, y]);
  return values.reduce((left, right) => concat(separator === "" ? left : concat(left, between), right));
}

function replaced(b: Builder, x: Value, written: string, rewrite: string, all: boolean, at: At): Value {
  return b.op("RegexReplace", [x, pattern(b, written, at), word(b, fromRewrite(rewrite))], { all });
}

function split(b: Builder, x: Value, delimiter: Value, attrs: { each: boolean; maxsplit: number; skipEmpty: boolean }, at: At) {
  const by = word(b, textIn(delimiter, "the delimiter", at));
  const [places, pieces, shape] = b.ops("SplitText", [x, by], attrs);
  return [b.cast(places!, "int64"), pieces!, b.cast(shape!, "int64")];
}

const format = {
  precision: int(-1),
  scientific: flag(false),
  shortest: flag(false),
  width: int(-1),
  fill: string(""),
};

/** C's conversions by type: whole numbers, truths, and floats in three ways. */
function kindOf(x: Value, a: { scientific: boolean; shortest: boolean }, at: At): number {
  if (x.dtype === "bool") return 1;
  if (isInteger(x.dtype)) return 0;
  if (!isFloat(x.dtype)) throw at.unsupported(`${x.dtype} as text`);
  return a.scientific ? 3 : a.shortest ? 4 : 2;
}

export const texts: readonly Rule[] = [
  changed("StringLower", 0),
  changed("StringUpper", 1),
  tfRule("StringStrip", [1, 1], {}, (b, [x]) => [b.op("ChangeText", [x], { how: 2, unicode: false })]),
  tfRule("StringJoin", [1, Number.POSITIVE_INFINITY], { separator: string("") }, (b, values, a) => [
    joined(b, values, a.separator),
  ]),
  tfRule("StringLength", [1, 1], units, (b, [x], a) => [b.op("TextLength", [x], { chars: a.unit !== "BYTE" })]),
  tfRule("Substr", [3, 3], units, (b, [x, position, length], a, at) => {
    const places = [position, length].map((each) => {
      if (each.rank !== 0 && each.rank !== x.rank) throw at.unsupported("positions that broadcast with the texts");
      return b.cast(each, "int32");
    });
    return [b.op("TextPart", [x, ...places], { chars: a.unit !== "BYTE" })];
  }),
  tfRule(
    "StaticRegexReplace",
    [1, 1],
    { pattern: required(string("")), rewrite: required(string("")), replace_global: flag(true) },
    (b, [x], a, at) => [replaced(b, x, a.pattern, a.rewrite, a.replace_global, at)],
  ),
  tfRule(
    "RegexReplace",
    [3, 3],
    { replace_global: flag(true) },
    (b, [x, written, rewrite], a, at) => [
      replaced(b, x, textIn(written, "the expression", at), textIn(rewrite, "the rewrite", at), a.replace_global, at),
    ],
    { parameters: [1, 2] },
  ),
  tfRule("StaticRegexFullMatch", [1, 1], { pattern: required(string("")) }, (b, [x], a, at) => [
    b.op("RegexFullMatch", [x, pattern(b, a.pattern, at)]),
  ]),
  tfRule(
    "RegexFullMatch",
    [2, 2],
    {},
    (b, [x, written], _, at) => [b.op("RegexFullMatch", [x, pattern(b, textIn(written, "the expression", at), at)])],
    { parameters: [1] },
  ),
  tfRule(
    "StringSplit",
    [2, 2],
    { skip_empty: flag(true) },
    (b, [x, delimiter], a, at) => split(b, x, delimiter, { each: true, maxsplit: -1, skipEmpty: a.skip_empty }, at),
    { parameters: [1] },
  ),
  tfRule(
    "StringSplitV2",
    [2, 2],
    { maxsplit: int(-1) },
    (b, [x, delimiter], a, at) => split(b, x, delimiter, { each: false, maxsplit: a.maxsplit, skipEmpty: false }, at),
    { parameters: [1] },
  ),
  tfRule(
    "StringNGrams",
    [2, 2],
    {
      separator: string(" "),
      ngram_widths: list(),
      left_pad: string(""),
      right_pad: string(""),
      pad_width: int(0),
      preserve_short_sequences: flag(false),
    },
    (b, [x, splits], a) => {
      const texts = [a.separator, a.left_pad, a.right_pad].map((text) => word(b, text));
      const attrs = { widths: a.ngram_widths, pad: a.pad_width, keepShort: a.preserve_short_sequences };
      const [grams, ends] = b.ops("WordNgrams", [x, b.cast(splits, "int32"), ...texts], attrs);
      return [grams, b.cast(ends!, splits.dtype)];
    },
  ),
  tfRule("StringToHashBucketFast", [1, 1], { num_buckets: required(int(1)) }, (b, [x], a) => [
    b.cast(b.op("HashBucket", [x], { buckets: a.num_buckets }), "int64"),
  ]),
  tfRule("StringToNumber", [1, 1], { out_type: dtype("float32") }, (b, [x], a) => [b.cast(x, a.out_type)]),
  tfRule("AsString", [1, 1], format, (b, [x], a, at) => {
    const attrs = { kind: kindOf(x, a, at), precision: a.precision, width: Math.max(a.width, 0), zeroes: a.fill === "0" };
    if (a.fill !== "" && a.fill !== "0" && a.fill !== " ") throw at.unsupported(`numbers filled with ${a.fill}`);
    return [b.op("FormatNumber", [x], attrs)];
  }),
];
