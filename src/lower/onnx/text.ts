/** Strings, Unique, determinants and inverses: ops that become code of our own, for want of any in TF.js. */
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, oneOf, optionalInt, optionalString, required, string, strings } from "../schema.ts";

const words = (b: Builder, list: readonly string[]) => b.constant({ dtype: "string", shape: [list.length], data: [...list] });
const cases = ["NONE", "LOWER", "UPPER"] as const;

export const texts: readonly Rule[] = [
  rule("StringConcat", { since: 20, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("StringConcat", [x, y])]),
  rule("RegexFullMatch", { since: 20, arity: [1, 1], attrs: { pattern: required(string("")) } }, (b, [x], a, at) => {
    try {
      new RegExp(a.pattern, "u");
    } catch {
      throw at.unsupported(`a pattern that JavaScript does not read alike: ${a.pattern}`);
    }
    return [b.op("RegexFullMatch", [x, words(b, [a.pattern])])];
  }),
  rule(
    "StringSplit",
    { since: 20, arity: [1, 1], attrs: { delimiter: optionalString(), maxsplit: optionalInt() } },
    (b, [x], a) =>
      b.ops("StringPieces", [x, words(b, [a.delimiter ?? ""])], { maxsplit: a.maxsplit ?? -1, output_type: "int64" }),
  ),
  rule(
    "StringNormalizer",
    {
      since: 10,
      arity: [1, 1],
      attrs: { case_change_action: oneOf(...cases), is_case_sensitive: bool(false), locale: string(""), stopwords: strings() },
    },
    (b, [x], a) => [
      b.op("NormalizeText", [x, words(b, a.stopwords ?? [])], {
        sensitive: a.is_case_sensitive,
        change: cases.indexOf(a.case_change_action),
      }),
    ],
  ),
  rule("Unique", { since: 11, arity: [1, 1], attrs: { axis: optionalInt(), sorted: bool(true) } }, (b, [x], a) =>
    b.ops("UniqueElements", [x], {
      flat: a.axis === undefined,
      axis: a.axis === undefined ? 0 : normalAxis(a.axis, x.rank),
      sorted: a.sorted,
      output_type: "int64",
    }),
  ),
  rule("Inverse", { since: 1, domain: "com.microsoft", arity: [1, 1], attrs: {} }, (b, [x]) => [b.op("MatrixInverse", [x])]),
  rule("Det", { since: 11, arity: [1, 1], attrs: {} }, (b, [x]) => [b.op("MatrixDeterminant", [x])]),
];
