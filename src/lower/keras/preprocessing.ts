/** Preprocessing of numbers and words: categories, bins, tables of a vocabulary. */
import type { Value } from "../../graph/graph.ts";
import { tensorOf } from "../../graph/tensor.ts";
import type { Builder } from "../../tf/build.ts";
import { type LayerCall, type LayerFn, type Layers, simple } from "./layer.ts";

/** Indices as they are, or encoded: `[N, depth]` for each sample, with a 1 for those that occur or their number. */
function encoded({ b, at }: LayerCall, indices: Value, mode: string, depth: number): Value {
  if (mode === "int") return indices;
  if (mode !== "one_hot" && mode !== "multi_hot" && mode !== "binary" && mode !== "count")
    throw at.unsupported(`output_mode is ${mode}`);
  const spread = mode === "one_hot" && indices.shape.at(-1) !== 1;
  const rows = spread ? b.op("ExpandDims", [indices, b.scalar("int32", -1)]) : indices;
  if (rows.rank > 2 && mode !== "one_hot") throw at.unsupported(`${mode} of rank ${rows.rank}`);
  const ones = b.op("OneHot", [b.cast(rows, "int32"), b.scalar("int32", depth), b.scalar("float32", 1), b.scalar("float32", 0)], {
    axis: -1,
  });
  return b.reduce(mode === "count" ? "Sum" : "Max", ones, [rows.rank - 1], false);
}

const categories: LayerFn = simple((call, x) => {
  const { config, at } = call;
  const mode = config.string("output_mode", "multi_hot");
  if (mode === "int") throw at.invalid("output_mode is int");
  return encoded(call, x, mode, config.number("num_tokens"));
});

/** The number of boundaries that are not above x. */
const discretization: LayerFn = simple((call, x) => {
  const { b, config, at } = call;
  const bounds = config.has("bin_boundaries") ? config.list("bin_boundaries") : undefined;
  if (!bounds) throw at.unsupported("bins that adapting has found and the configuration does not say");
  const edges = b.constant(tensorOf("float32", [bounds.length], bounds));
  const value = b.op("ExpandDims", [b.cast(x, "float32"), b.scalar("int32", -1)]);
  const bin = b.reduce("Sum", b.cast(b.op("GreaterEqual", [value, edges]), "int32"), [x.rank], false);
  return encoded(call, bin, config.string("output_mode", "int"), bounds.length + 1);
});

interface Vocabulary {
  readonly mask: string | number | undefined;
  readonly unknown: string | number | undefined;
  readonly tokens: readonly (string | number)[];
}

/** The tokens without the ones that stand for masks and unknown words, which a saved vocabulary may begin with. */
function vocabularyOf({ config, at }: LayerCall): Vocabulary {
  const given = config.json["vocabulary"];
  if (!Array.isArray(given) || !given.every((each) => typeof each === "string" || typeof each === "number"))
    throw at.unsupported("a vocabulary that is not in the file", "save the model as .keras, with its assets");
  const special = (key: string) => {
    const token = config.json[key];
    return typeof token === "string" || typeof token === "number" ? token : undefined;
  };
  const [mask, unknown] = [special("mask_token"), special("oov_token")];
  const unknowns = new Array<string | number | undefined>(config.number("num_oov_indices", 1)).fill(unknown);
  const front = [...(mask === undefined ? [] : [mask]), ...unknowns];
  const begins = front.length > 0 && front.every((token, i) => String(given[i]) === String(token));
  return { mask, unknown, tokens: begins ? given.slice(front.length) : given };
}

const column = (b: Builder, values: readonly (string | number)[]): Value =>
  typeof values[0] === "string"
    ? b.constant({ dtype: "string", shape: [values.length], data: values.map(String) })
    : b.constant(tensorOf("int32", [values.length], values.map(Number)));

const lookup = (kind: "string" | "int32"): LayerFn =>
  simple((call, x) => {
    const { b, config, at } = call;
    const { mask, unknown, tokens } = vocabularyOf(call);
    const count = config.number("num_oov_indices", 1);
    if (count > 1 && config.flag("invert", false))
      throw at.unsupported("several places of unknown words, turned back into words");
    if (config.has("idf_weights") && config.string("output_mode", "int") === "tf_idf") throw at.unsupported("tf_idf");
    const typed = tokens.map((token) => (kind === "string" ? String(token) : Number(token)));
    const masked = mask === undefined ? [] : [kind === "string" ? String(mask) : Number(mask)];
    const first = masked.length + count;
    const places = [...masked.map((_, i) => i), ...typed.map((_, i) => first + i)];
    const invert = config.flag("invert", false);
    const mode = config.string("output_mode", "int");
    if (invert) {
      const missing = unknown ?? (kind === "string" ? "[UNK]" : -1);
      const fallback = kind === "string" ? [String(missing)] : [Number(missing)];
      return b.op("LookUp", [b.cast(x, "int32"), column(b, places), column(b, [...masked, ...typed]), one(b, fallback)]);
    }
    // What encodes has no place for masks.
    const keys = mode === "int" ? [...masked, ...typed] : typed;
    const offset = mode === "int" ? 0 : masked.length;
    const values = (mode === "int" ? places : places.slice(masked.length)).map((place) => place - offset);
    const fallback = count === 0 ? -1 : mode === "int" ? masked.length : 0;
    const given = kind === "string" ? x : b.cast(x, "int32");
    const found = b.op("LookUp", [given, column(b, keys), column(b, values), one(b, [count > 1 ? -1 : fallback])]);
    if (count <= 1) return encoded(call, found, mode, count + typed.length);
    // Which of several, words say by their hash and numbers by what is left of them.
    const which = kind === "string" ? bucketOf(b, x, count) : b.op("FloorMod", [given, b.scalar("int32", count)]);
    const unknowns = b.op("AddV2", [which, b.scalar("int32", fallback)]);
    const isUnknown = b.op("Equal", [found, b.scalar("int32", -1)]);
    return encoded(call, b.op("SelectV2", [isUnknown, unknowns, found]), mode, count + typed.length);
  });

const one = (b: Builder, values: readonly (string | number)[]): Value => b.reshape(column(b, values), []);

/** In decimal digits. */
const asWritten = { kind: 0, precision: -1, width: 0, zeroes: false };

/** TensorFlow's fast hash of words, and of numbers as they are written, in so many buckets. */
function bucketOf(b: Builder, x: Value, buckets: number): Value {
  const words = x.dtype === "string" ? x : b.op("FormatNumber", [b.cast(x, "int32")], asWritten);
  return b.cast(b.op("HashBucket", [words], { buckets }), "int32");
}

/** The bucket of each word; 0 for those that are masked. */
const hashing: LayerFn = simple((call, x) => {
  const { b, config, at } = call;
  if (config.has("salt")) throw at.unsupported("a hash with salt", "hash before the model, and cut here");
  const bins = config.number("num_bins");
  const mode = config.string("output_mode", "int");
  const { mask_value: mask } = config.json;
  if (typeof mask !== "string" && typeof mask !== "number") return encoded(call, bucketOf(b, x, bins), mode, bins);
  const masked = b.op("Equal", [x, x.dtype === "string" ? one(b, [String(mask)]) : b.cast(one(b, [Number(mask)]), x.dtype)]);
  const bucket = b.op("AddV2", [bucketOf(b, x, bins - 1), b.scalar("int32", 1)]);
  return encoded(call, b.op("SelectV2", [masked, b.scalar("int32", 0), bucket]), mode, bins);
});

const crossing: LayerFn = ({ at }) => {
  throw at.unsupported("crossed words that are told apart by a hash", "hash before the model, and cut here");
};

const vectorization: LayerFn = ({ at }) => {
  throw at.unsupported("text that is split into words within the model", "split and look up before the model, and cut here");
};

export const preprocessingLayers: Layers = {
  CategoryEncoding: categories,
  Discretization: discretization,
  IntegerLookup: lookup("int32"),
  StringLookup: lookup("string"),
  Hashing: hashing,
  HashedCrossing: crossing,
  TextVectorization: vectorization,
};
