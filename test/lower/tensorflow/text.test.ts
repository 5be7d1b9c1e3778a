/** String ops, against what TensorFlow's documentation and C's printf say. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../src/graph/tensor.ts";
import { fromRe2, fromRewrite } from "../../../src/lower/tensorflow/regex.ts";
import { type Attribute, constant } from "../../build/tensorflow.ts";
import { converted, Runner } from "./run.ts";

let runner: Runner;
beforeAll(async () => {
  runner = await Runner.start();
});
afterAll(() => runner.close());

const text = (data: readonly string[], shape: readonly number[] = [data.length]): Tensor => ({
  dtype: "string",
  shape,
  data: [...data],
});
const int = (shape: readonly number[], values: readonly number[], dtype: "int32" | "int64" = "int32") =>
  tensorOf(dtype, shape, values);

/** The first input is fed, the others are constants. */
const one = (
  op: string,
  inputs: readonly Tensor[],
  expected: readonly Tensor[],
  attrs: Readonly<Record<string, Attribute>> = {},
) =>
  runner.check({
    nodes: [
      ...inputs.slice(1).map((tensor, i) => constant(`c${i}`, tensor)),
      { name: "y", op, inputs: ["x", ...inputs.slice(1).map((_, i) => `c${i}`)], attrs },
    ],
    feeds: { x: inputs[0]! },
    expected: Object.fromEntries(expected.map((tensor, i) => [i === 0 ? "y" : `y:${i}`, tensor])),
  });

describe("texts", () => {
  const words = text(["Straße ÄÖ", "  blank\t", "MiXed 3"]);

  it("change case in ASCII, or in all letters where an encoding is said", async () => {
    await one("StringLower", [words], [text(["straße ÄÖ", "  blank\t", "mixed 3"])]);
    await one("StringUpper", [words], [text(["STRASSE ÄÖ", "  BLANK\t", "MIXED 3"])], { encoding: { s: "utf-8" } });
    await one("StringStrip", [words], [text(["Straße ÄÖ", "blank", "MiXed 3"])]);
  });

  it("are counted in bytes or in characters, and cut", async () => {
    await one("StringLength", [words], [int([3], [12, 8, 7])]);
    await one("StringLength", [words], [int([3], [9, 8, 7])], { unit: { s: "UTF8_CHAR" } });
    await one("Substr", [words, int([], [-3]), int([], [2])], [text([" Ä", "nk", "d "])], {
      unit: { s: "UTF8_CHAR" },
    });
    await one("Substr", [words, int([3], [0, 2, 9 - 4]), int([3], [4, 3, 9])], [text(["Stra", "bla", " 3"])]);
  });

  it("are joined, scalars with all", async () => {
    const side = text(["#"], []);
    await one("StringJoin", [words, side, words], [text((words.data as string[]).map((each) => `${each}-#-${each}`))], {
      separator: { s: "-" },
    });
  });

  it("are replaced by RE2's expressions", async () => {
    await one("StaticRegexReplace", [text(["Hello, (world)!", "it's [ok]"])], [text(["Hello world", "its ok"])], {
      pattern: { s: "[!\"#$%&()\\*\\+,-\\./:;<=>?@\\[\\\\\\]^_`{|}~\\']" },
      rewrite: { s: "" },
    });
    await one("RegexReplace", [text(["a1b22", "c3"]), text([`([a-z])(\\d)`], []), text(["<\\2\\0$>"], [])], [text(["<1a1$>b22", "<3c3$>"])], { replace_global: { b: false } }); // biome-ignore format: pairs
    await one("StaticRegexFullMatch", [text(["ab1", "9ab1", "AB1"])], [{ dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 0) }], { pattern: { s: "[[:lower:]]+\\d" } }); // biome-ignore format: pairs
  });

  it("of expressions without a form in JavaScript are refused", async () => {
    const node = { name: "y", op: "StaticRegexReplace", inputs: ["x"], attrs: { pattern: { s: "(?i)a" }, rewrite: { s: "" } } };
    const { refused } = await converted({ nodes: [node], feeds: { x: words }, expected: { y: words } });
    expect(refused).toEqual(["an expression that JavaScript has no form of: (?i)a"]);
  });

  it("have the buckets that TensorFlow's documentation gives", async () => {
    await one("StringToHashBucketFast", [text(["Hello", "TensorFlow", "2.x"])], [int([3], [0, 2, 2], "int64")], {
      num_buckets: { i: 3 },
    });
  });
});

describe("expressions", () => {
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ["a{2,}b{", "a{2,}b\\{"],
    ["[^]x]", "[^\\]x]"],
    ["\\'\\\"\\-", "'\"-"],
    ["[[:digit:]_\\s]", "[0-9_\\t\\n\\f\\r ]"],
    ["\\pL+(?P<n>x)", "\\p{L}+(?<n>x)"],
    ["\\x{1F600}\\x41", "\\u{1F600}\\u{41}"],
    ["(?s).", undefined],
    ["\\C", undefined],
    ["[a", undefined],
  ];
  for (const [re2, js] of pairs) it(re2, () => expect(fromRe2(re2)).toBe(js));

  it("rewrites", () => {
    expect(fromRewrite("\\1-\\\\ $ \\0")).toBe("$1-\\ $$ $&");
  });
});

describe("words", () => {
  const lines = text(["a b  c", "", " d"]);

  it("are split at blanks or at a text, up to a limit", async () => {
    const at = (pairs: readonly number[]) => int([pairs.length / 2, 2], pairs, "int64");
    await one("StringSplitV2", [lines, text([""], [])], [at([0, 0, 0, 1, 0, 2, 2, 0]), text(["a", "b", "c", "d"]), int([2], [3, 3], "int64")]); // biome-ignore format: pairs
    await one("StringSplitV2", [lines, text([" "], [])], [at([0, 0, 0, 1, 0, 2, 0, 3, 1, 0, 2, 0, 2, 1]), text(["a", "b", "", "c", "", "", "d"]), int([2], [3, 4], "int64")]); // biome-ignore format: pairs
    await one("StringSplitV2", [lines, text([""], [])], [at([0, 0, 0, 1, 2, 0, 2, 1]), text(["a", "b  c", "d", ""]), int([2], [3, 2], "int64")], { maxsplit: { i: 1 } }); // biome-ignore format: pairs
    await one("StringSplit", [text(["a,b;;c", ";"]), text([",;"], [])], [at([0, 0, 0, 1, 0, 2]), text(["a", "b", "c"]), int([2], [2, 3], "int64")]); // biome-ignore format: pairs
  });

  it("make n-grams, padded and kept where they are too short", async () => {
    const given = [text(["a", "b", "c", "d"]), int([4], [0, 3, 3, 4])] as const;
    await one("StringNGrams", given, [text(["<|a", "a|b", "b|c", "c|>", "<|>", "<|d", "d|>"]), int([4], [0, 4, 5, 7])], {
      separator: { s: "|" },
      ngram_widths: { ints: [2] },
      left_pad: { s: "<" },
      right_pad: { s: ">" },
      pad_width: { i: -1 },
    });
    await one("StringNGrams", given, [text(["a b c", "d"]), int([4], [0, 1, 1, 2])], {
      ngram_widths: { ints: [3] },
      preserve_short_sequences: { b: true },
    });
  });
});

describe("numbers as text", () => {
  const v = tensorOf("float32", [6], [0.0078125, -2.5, 1e-7, 123456789, 0, 0.1]);
  it("are what C prints", async () => {
    await one("AsString", [v], [text(["0.007812", "-2.500000", "0.000000", "123456792.000000", "0.000000", "0.100000"])]);
    await one("AsString", [v], [text(["0.01", "-2.50", "0.00", "123456792.00", "0.00", "0.10"])], { precision: { i: 2 } });
    await one("AsString", [v], [text(["7.812e-03", "-2.500e+00", "1.000e-07", "1.235e+08", "0.000e+00", "1.000e-01"])], { precision: { i: 3 }, scientific: { b: true } }); // biome-ignore format: pairs
    await one("AsString", [v], [text(["0.0078125", "-2.5", "1e-07", "1.23457e+08", "0", "0.1"])], { shortest: { b: true } });
    await one("AsString", [int([2], [-7, 42])], [text(["-0007", "00042"])], { width: { i: 5 }, fill: { s: "0" } });
  });
});

describe("a vectoriser as Keras saves it", () => {
  it("lowers, strips, splits, looks up and fills up to a length", async () => {
    const i64 = (name: string, values: readonly number[], shape: readonly number[] = [values.length]) =>
      constant(name, int(shape, values, "int64"));
    const i32 = (name: string, values: readonly number[], shape: readonly number[] = [values.length]) =>
      constant(name, int(shape, values));
    const op = (name: string, kind: string, inputs: readonly string[], attrs: Readonly<Record<string, Attribute>> = {}) => ({
      name,
      op: kind,
      inputs,
      attrs,
    });
    const column = { begin_mask: { i: 1 }, end_mask: { i: 1 }, shrink_axis_mask: { i: 2 } };
    const first = { shrink_axis_mask: { i: 1 } };
    const nodes = [
      op("lower", "StringLower", ["x"]),
      op("plain", "StaticRegexReplace", ["lower"], { pattern: { s: "[!\"#$%&()\\*\\+,-\\./:;<=>?@\\[\\\\\\]^_`{|}~\\']" }, rewrite: { s: "" } }),
      constant("blank", text([""], [])),
      op("split", "StringSplitV2", ["plain", "blank"]),
      i32("c00", [0, 0]), i32("c01", [0, 1]), i32("c11", [1, 1]), i32("c0", [0]), i32("c1", [1]), i32("axis", [0], []),
      op("rows", "StridedSlice", ["split", "c00", "c01", "c11"], column),
      op("count", "StridedSlice", ["split:2", "c0", "c1", "c1"], first),
      op("rows32", "Cast", ["rows"], { DstT: { type: "int32" } }),
      op("count32", "Cast", ["count"], { DstT: { type: "int32" } }),
      op("shape", "Shape", ["rows32"]),
      op("number", "Prod", ["shape", "c0"]),
      i32("zero", [0], []),
      op("any", "Greater", ["number", "zero"]),
      op("any32", "Cast", ["any"], { DstT: { type: "int32" } }),
      op("most", "Max", ["rows32", "c0"]),
      i32("one", [1], []),
      op("next", "AddV2", ["most", "one"]),
      op("least", "Mul", ["any32", "next"]),
      op("bins0", "Maximum", ["count32", "least"]),
      op("bins", "Minimum", ["count32", "bins0"]),
      i64("weights", [], [0]),
      op("lengths", "Bincount", ["rows32", "bins", "weights"]),
      op("ends", "Cumsum", ["lengths", "axis"]),
      i64("start", [0]),
      op("splits", "ConcatV2", ["start", "ends", "axis"]),
      op("table", "HashTableV2", [], { key_dtype: { type: "string" }, value_dtype: { type: "int64" } }),
      constant("words", text(["hello", "world", "its"])),
      i64("ids", [2, 3, 4]),
      op("fill", "LookupTableImportV2", ["table", "words", "ids"]),
      i64("unknown", [1], []),
      op("found", "LookupTableFindV2", ["table", "split:1", "unknown"]),
      i64("size", [-1, 4]),
      i64("nothing", [0], []),
      op("y", "RaggedTensorToTensor", ["size", "found", "nothing", "splits"], { row_partition_types: { strings: ["ROW_SPLITS"] } }),
    ]; // biome-ignore format: a graph, a node a line
    await runner.check({
      nodes,
      feeds: { x: text(["Hello, WORLD!", "", "it's a new-ish hello world, hello"]) },
      shapes: { x: [-1] },
      expected: { y: int([3, 4], [2, 3, 0, 0, 0, 0, 0, 0, 4, 1, 1, 2], "int64") },
    });
  });
});
