/** Strings, Unique, determinants and inverses: ops that become code of our own, for want of any in TF.js. */
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { normalAxis } from "../../tf/op.ts";
import { type Rule, rule } from "../rule.ts";
import { bool, floats, int, ints, oneOf, optionalInt, optionalString, required, string, strings } from "../schema.ts";

const words = (b: Builder, list: readonly string[]) => b.constant({ dtype: "string", shape: [list.length], data: [...list] });
const modes = ["TF", "IDF", "TFIDF"] as const;

/** Patterns are RE2's; what JavaScript takes of them means the same. */
function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

const cases = ["NONE", "LOWER", "UPPER"] as const;

export const texts: readonly Rule[] = [
  rule("StringConcat", { since: 20, arity: [2, 2], attrs: {} }, (b, [x, y]) => [b.op("StringConcat", [x, y])]),
  rule("RegexFullMatch", { since: 20, arity: [1, 1], attrs: { pattern: required(string("")) } }, (b, [x], a, at) => {
    // RE2 takes flags in front; JavaScript apart.
    const [, flags = "", rest = ""] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(a.pattern)!;
    if (!isPattern(rest)) throw at.unsupported(`a pattern that JavaScript does not read alike: ${a.pattern}`);
    return [b.op("RegexFullMatch", [x, words(b, [rest, flags])])];
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
  rule(
    "TfIdfVectorizer",
    {
      since: 9,
      arity: [1, 1],
      attrs: {
        max_gram_length: required(int(1)),
        max_skip_count: required(int(0)),
        min_gram_length: required(int(1)),
        mode: required(oneOf(...modes)),
        ngram_counts: required(ints()),
        ngram_indexes: required(ints()),
        pool_int64s: ints(),
        pool_strings: strings(),
        weights: floats(),
      },
    },
    (b, [x], a, at) => {
      const pool = a.pool_strings?.length ? words(b, a.pool_strings) : b.ints(a.pool_int64s ?? []);
      if ((pool.dtype === "string") !== (x.dtype === "string"))
        throw at.invalid(`a pool of ${pool.dtype} for data of ${x.dtype}`);
      const weights = b.constant(tensorOf("float32", [a.weights?.length ?? 0], a.weights ?? []));
      const attrs = { min: a.min_gram_length, max: a.max_gram_length, skip: a.max_skip_count, mode: modes.indexOf(a.mode) };
      const width = Math.max(-1, ...a.ngram_indexes) + 1;
      return [b.op("CountNgrams", [x, pool, b.ints(a.ngram_counts), b.ints(a.ngram_indexes), weights], { ...attrs, width })];
    },
  ),
  rule(
    "Tokenizer",
    {
      since: 1,
      domain: "com.microsoft",
      arity: [1, 1],
      attrs: {
        mark: required(bool(false)),
        mincharnum: required(int(1)),
        pad_value: required(string("")),
        separators: strings(),
        tokenexp: string(""),
      },
    },
    (b, [x], a, at) => {
      for (const pattern of [...(a.separators ?? []), a.tokenexp])
        if (!isPattern(pattern)) throw at.unsupported(`a pattern that JavaScript does not read alike: ${pattern}`);
      const inputs = [x, words(b, a.separators ?? []), words(b, [a.pad_value]), words(b, [a.tokenexp])];
      return [b.op("Tokenize", inputs, { mark: a.mark, least: a.mincharnum })];
    },
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
