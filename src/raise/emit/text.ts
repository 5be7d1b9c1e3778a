/** Strings, tables and what else ONNX has for ops whose results depend on the content of what they read. */

import { float, int, type OnnxAttr, text } from "../../graph/onnx-graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { numbersOf } from "../../graph/tensor.ts";
import { constantOf } from "../../tf/op.ts";
import type { OnnxBuilder, Ref } from "../build.ts";
import { type EmitAt, type EmitRule, emitted, emittedOne } from "../rule.ts";

/** The tensor of a constant input that ONNX has as an attribute. */
function constantIn(x: Ref, at: EmitAt): Tensor {
  const tensor = x.constant && constantOf(x.constant);
  if (!tensor) throw at.unsupported(`${at.node.op} by a table that is computed, or large`);
  return tensor;
}

const wordsIn = (x: Ref, at: EmitAt): readonly string[] => constantIn(x, at).data as string[];

/** Kinds of lists in LabelEncoder: what they hold, and how a single one is called. */
function listOf(tensor: Tensor, side: "keys" | "values"): Readonly<Record<string, OnnxAttr>> {
  if (Array.isArray(tensor.data)) return { [`${side}_strings`]: { kind: "strings", value: tensor.data } };
  const kind = tensor.dtype.startsWith("float") ? "floats" : "ints";
  return { [`${side}_${kind === "floats" ? "floats" : "int64s"}`]: { kind, value: numbersOf(tensor) } };
}

function fallbackOf(tensor: Tensor): Readonly<Record<string, OnnxAttr>> {
  if (Array.isArray(tensor.data)) return { default_string: text(tensor.data[0]!) };
  return tensor.dtype.startsWith("float")
    ? { default_float: float(Number(tensor.data[0])) }
    : { default_int64: int(Number(tensor.data[0])) };
}

/** The type that LabelEncoder knows for another. */
const labelType = (x: Ref["dtype"]): Ref["dtype"] => (x === "string" ? x : x.startsWith("float") ? "float32" : "int64");

function lookUp(o: OnnxBuilder, [x, keys, values, fallback]: readonly Ref[], at: EmitAt): Ref {
  const [from, to] = [constantIn(keys!, at), constantIn(values!, at)];
  if (to.dtype === "float64" || from.dtype === "float64") throw at.unsupported("a table of float64");
  const attrs = { ...listOf(from, "keys"), ...listOf(to, "values"), ...fallbackOf(constantIn(fallback!, at)) };
  const given = o.cast(x!, labelType(from.dtype));
  return o.cast(o.raw("LabelEncoder", [given], attrs, [labelType(to.dtype)], [], "ai.onnx.ml")[0]!, to.dtype);
}

/** Distinct elements, first places, places in the result, counts. */
function uniqueElements(o: OnnxBuilder, x: Ref, at: EmitAt): readonly Ref[] {
  const attrs = { sorted: int(at.flag("sorted") ? 1 : 0), ...(!at.flag("flat") && { axis: int(at.number("axis", 0)) }) };
  const known = /^(float32|float64|int64|int8|string)$/.test(x.dtype);
  const own = known ? x : o.cast(x, x.dtype.startsWith("float") ? "float32" : "int64");
  const [y, ...places] = o.raw("Unique", [own], attrs, [own.dtype, "int64", "int64", "int64"]);
  return [o.cast(y!, x.dtype), ...places.map((each, i) => o.cast(each, at.type(i + 1).dtype))];
}

const changes = ["NONE", "LOWER", "UPPER"] as const;

function normalizeText(o: OnnxBuilder, x: Ref, stopwords: Ref, at: EmitAt): Ref {
  const words = wordsIn(stopwords, at);
  return o.op("StringNormalizer", [x], {
    case_change_action: text(changes[at.number("change", 0)]!),
    is_case_sensitive: int(at.flag("sensitive") ? 1 : 0),
    ...(words.length > 0 && { stopwords: { kind: "strings", value: words } as const }),
  });
}

/** Pieces, padded to the longest, and their numbers. An empty delimiter stands for runs of white space. */
function pieces(o: OnnxBuilder, x: Ref, delimiter: Ref, at: EmitAt): readonly Ref[] {
  at.since(20);
  const [most, between] = [at.number("maxsplit", -1), wordsIn(delimiter, at)[0]!];
  const attrs = { ...(between !== "" && { delimiter: text(between) }), ...(most >= 0 && { maxsplit: int(most) }) };
  const [y, counts] = o.raw("StringSplit", [x], attrs, ["string", "int64"]);
  return [y!, o.cast(counts!, at.type(1).dtype)];
}

const modes = ["TF", "IDF", "TFIDF"] as const;

function countNgrams(o: OnnxBuilder, [x, pool, starts, columns, weights]: readonly Ref[], at: EmitAt): Ref {
  const [words, weighed] = [constantIn(pool!, at), numbersOf(constantIn(weights!, at))];
  const list = (value: Ref): OnnxAttr => ({ kind: "ints", value: numbersOf(constantIn(value, at)) });
  const given = Array.isArray(words.data) ? x! : o.int64(x!);
  return o.op(
    "TfIdfVectorizer",
    [given],
    {
      max_gram_length: int(at.number("max", 1)),
      min_gram_length: int(at.number("min", 1)),
      max_skip_count: int(at.number("skip", 0)),
      mode: text(modes[at.number("mode", 0)]!),
      ngram_counts: list(starts!),
      ngram_indexes: list(columns!),
      ...(Array.isArray(words.data)
        ? { pool_strings: { kind: "strings", value: words.data } as const }
        : { pool_int64s: { kind: "ints", value: numbersOf(words) } as const }),
      ...(weighed.length > 0 && { weights: { kind: "floats", value: weighed } as const }),
    },
    "float32",
  );
}

export const texts: readonly EmitRule[] = [
  emittedOne("LookUp", lookUp),
  emitted("UniqueElements", (o, [x], at) => uniqueElements(o, x!, at)),
  emittedOne("NormalizeText", (o, [x, stopwords], at) => normalizeText(o, x!, stopwords!, at)),
  emitted("StringPieces", (o, [x, delimiter], at) => pieces(o, x!, delimiter!, at)),
  emittedOne("CountNgrams", countNgrams),
  emittedOne("StringConcat", (o, inputs, at) => {
    at.since(20);
    return o.op("StringConcat", inputs);
  }),
  emittedOne("RegexFullMatch", (o, [x, pattern], at) => {
    at.since(20);
    const [source, flags] = wordsIn(pattern!, at);
    return o.op("RegexFullMatch", [x!], { pattern: text(`${flags ? `(?${flags})` : ""}${source}`) }, "bool");
  }),
];
