/** Strings. TF.js holds them in plain arrays on every backend, and has few kernels for them, most on cpu only. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

type Text = Inputs[number];

function textOf(x: Text): string[] {
  return Array.from(x.dataSync<"string">() as unknown as ArrayLike<string>);
}

function texts(tf: Tf, values: string[], shape: number[]): Outputs {
  return tf.tensor(values, shape, "string");
}

/** Element pairs of two string tensors, broadcast together. */
function pairs(tf: Tf, x: Text, y: Text): { shape: number[]; left: string[]; right: string[] } {
  const shape = tf.backend_util.assertAndGetBroadcastShape(x.shape, y.shape);
  const spread = (t: Text) => {
    const values = textOf(t);
    const places = tf.tidy(() => tf.broadcastTo(tf.reshape(tf.range(0, values.length, 1, "int32"), t.shape), shape).dataSync());
    return Array.from(places, (place) => values[place]!);
  };
  return { shape, left: spread(x), right: spread(y) };
}

function stringEqual(tf: Tf, [x, y]: Inputs): Outputs {
  const { shape, left, right } = pairs(tf, x!, y!);
  return tf.tensor(
    left.map((text, i) => text === right[i]),
    shape,
    "bool",
  );
}

function stringConcat(tf: Tf, [x, y]: Inputs): Outputs {
  const { shape, left, right } = pairs(tf, x!, y!);
  return texts(
    tf,
    left.map((text, i) => text + right[i]),
    shape,
  );
}

/** TF.js's own kernels take no strings but on cpu. */
function stringGather(tf: Tf, [x, indices]: Inputs, attrs: CustomAttrs): Outputs {
  const values = textOf(x!);
  const axis = attrs["axis"] as number;
  const dim = x!.shape[axis]!;
  const run = x!.shape.slice(axis + 1).reduce((size, each) => size * each, 1);
  const picked: string[] = [];
  for (let o = 0; o < values.length / (run * dim); o++)
    for (const i of indices!.dataSync()) picked.push(...values.slice((o * dim + i) * run, (o * dim + i + 1) * run));
  return texts(tf, picked, [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)]);
}

type Table = Map<string | number, string | number>;

/**
 * keys, values and the default stand in the inputs after x. The table is made once for the data that hold it, which of a model are the
 * same at each run, and forgotten with them.
 */
function lookUp(tf: Tf, [x, keys, values, fallback]: Inputs): Outputs {
  const listOf = (t: Text): (string | number)[] => (t.dtype === "string" ? textOf(t) : Array.from(t.dataSync()));
  const own = lookUp as { tables?: WeakMap<object, { readonly values: object; readonly table: Table }> };
  own.tables ??= new WeakMap();
  let made = own.tables.get(keys!.dataId);
  if (made?.values !== values!.dataId) {
    const found = listOf(values!);
    const table: Table = new Map();
    listOf(keys!).forEach((key, i) => {
      if (!table.has(key)) table.set(key, found[i]!);
    });
    made = { values: values!.dataId, table };
    own.tables.set(keys!.dataId, made);
  }
  const [missing] = listOf(fallback!);
  return tf.tensor(listOf(x!).map((value) => made.table.get(value) ?? missing!) as number[], x!.shape, values!.dtype);
}

/** `pattern` is a vector of the pattern and, where there are any, its flags; the whole of a text must match. */
function regexFullMatch(tf: Tf, [x, pattern]: Inputs): Outputs {
  const [source, flags] = textOf(pattern!) as [string, string | undefined];
  const regex = new RegExp(`^(?:${source})$`, `u${flags ?? ""}`);
  return tf.tensor(
    textOf(x!).map((text) => regex.test(text)),
    x!.shape,
    "bool",
  );
}

/** Pieces, padded with empty text to the longest; and how many each text has. Without a delimiter blanks part, and none is empty. */
function stringSplit(tf: Tf, [x, delimiter]: Inputs, attrs: CustomAttrs): Outputs {
  const [by] = textOf(delimiter!);
  const most = attrs["maxsplit"] as number;
  const pieces = textOf(x!).map((text): string[] => {
    const parts: string[] = [];
    let rest = by ? text : text.trim();
    if (!by && rest === "") return parts;
    while (most < 0 || parts.length < most) {
      const at = by ? rest.indexOf(by) : rest.search(/\s/);
      if (at < 0) break;
      parts.push(rest.slice(0, at));
      rest = by ? rest.slice(at + by.length) : rest.slice(at).trimStart();
    }
    return [...parts, rest];
  });
  const widest = pieces.reduce((size, parts) => Math.max(size, parts.length), 0);
  const padded = pieces.flatMap((parts) => [...parts, ...new Array<string>(widest - parts.length).fill("")]);
  return [
    tf.tensor(padded, [...x!.shape, widest], "string"),
    tf.tensor(
      pieces.map((parts) => parts.length),
      x!.shape,
      "int32",
    ),
  ];
}

/** Words to leave out come as the second input; what is left of nothing is one empty text. */
function normalizeText(tf: Tf, [x, stopwords]: Inputs, attrs: CustomAttrs): Outputs {
  const sensitive = attrs["sensitive"] === true;
  const fold = (text: string) => (sensitive ? text : text.toLowerCase());
  const stop = new Set(textOf(stopwords!).map(fold));
  const change = attrs["change"] as number;
  const kept = textOf(x!).filter((text) => !stop.has(fold(text)));
  const news = kept.map((text) => (change === 1 ? text.toLowerCase() : change === 2 ? text.toUpperCase() : text));
  const list = news.length > 0 ? news : [""];
  return texts(tf, list, x!.shape.length === 2 ? [1, list.length] : [list.length]);
}

/**
 * How often each n-gram of the pool occurs in each row, words up to `skip` apart counted too. Inputs: x, the pool, where its n-grams of
 * each length begin, the column of each, weights (none: 1). Modes: 0 counts, 1 weights of what occurs, 2 both multiplied.
 */
function countNgrams(tf: Tf, [x, pool, starts, columns, weights]: Inputs, attrs: CustomAttrs): Outputs {
  const listOf = (t: Text): (string | number)[] => (t.dtype === "string" ? textOf(t) : Array.from(t.dataSync()));
  const [words, grams] = [listOf(x!), listOf(pool!)];
  const [begins, column] = [starts!.dataSync(), columns!.dataSync()];
  const weight = weights!.dataSync();
  const table = new Map<string, number>();
  let id = 0;
  for (let n = 1; n <= begins.length; n++)
    for (let at = begins[n - 1]!; at + n <= (begins[n] ?? grams.length); at += n)
      table.set(JSON.stringify(grams.slice(at, at + n)), column[id++]!);
  const width = attrs["width"] as number;
  const length = x!.shape[x!.shape.length - 1]!;
  const rows = x!.shape.length === 2 ? x!.shape[0]! : 1;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const own = words.slice(row * length, (row + 1) * length);
    for (let n = attrs["min"] as number; n <= (attrs["max"] as number); n++)
      for (let skip = 0; skip <= (n === 1 ? 0 : (attrs["skip"] as number)); skip++)
        for (let at = 0; at + (n - 1) * (skip + 1) < length; at++) {
          const gram = Array.from({ length: n }, (_, i) => own[at + i * (skip + 1)]!);
          const place = table.get(JSON.stringify(gram));
          if (place !== undefined) out[row * width + place]!++;
        }
  }
  const mode = attrs["mode"] as number;
  if (mode > 0)
    out.forEach((count, i) => {
      const factor = weight[i % width] ?? 1;
      out[i] = mode === 1 ? (count > 0 ? factor : 0) : count * factor;
    });
  return tf.tensor(out, x!.shape.length === 2 ? [rows, width] : [width], "float32");
}

/** Words of each text, padded to the most. Inputs: x, separators, the padding, an expression for words (none: empty text). */
function tokenize(tf: Tf, [x, separators, padding, expression]: Inputs, attrs: CustomAttrs): Outputs {
  const list = textOf(separators!);
  const [word] = textOf(expression!);
  const [pad] = textOf(padding!);
  const split = (text: string): string[] => {
    if (word) return text.match(new RegExp(word, "gu")) ?? [];
    if (list.length === 1 && list[0] === "") return Array.from(text);
    return text.split(new RegExp(list.join("|"), "u"));
  };
  const rows = textOf(x!).map((text) =>
    split(text).filter((token) => Array.from(token).length >= (attrs["least"] as number) && token !== ""),
  );
  const marked = rows.map((tokens) => (attrs["mark"] === true ? ["\u0002", ...tokens, "\u0003"] : tokens));
  const widest = marked.reduce((size, tokens) => Math.max(size, tokens.length), 0);
  const padded = marked.flatMap((tokens) => [...tokens, ...new Array<string>(widest - tokens.length).fill(pad!)]);
  return texts(tf, padded, [...x!.shape, widest]);
}

/** The shortest text that reads back as the same float32; integers as they are. */
function numberToText(tf: Tf, [x]: Inputs): Outputs {
  const word = (value: number): string => {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "INF" : "-INF";
    if (x!.dtype !== "float32") return String(value);
    let digits = 1;
    while (digits < 9 && Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
    return String(Number(value.toPrecision(digits)));
  };
  return texts(tf, Array.from(x!.dataSync(), word), x!.shape);
}

/** What is no number at all is NaN; as an integer, 0. */
function textToNumber(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const read = (text: string): number => {
    const word = text.trim().toLowerCase();
    const infinite = /^([+-]?)inf(inity)?$/.exec(word);
    if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    return word === "" ? Number.NaN : Number(word);
  };
  const dtype = attrs["whole"] === true ? "int32" : "float32";
  return tf.tensor(textOf(x!).map(read), x!.shape, dtype);
}

export const stringOps: Readonly<Record<string, CustomOp>> = {
  StringEqual: { run: stringEqual, uses: [textOf, pairs] },
  StringConcat: { run: stringConcat, uses: [textOf, texts, pairs] },
  StringGather: { run: stringGather, uses: [textOf, texts] },
  LookUp: { run: lookUp, uses: [textOf] },
  RegexFullMatch: { run: regexFullMatch, uses: [textOf] },
  StringPieces: { run: stringSplit, uses: [textOf] },
  NumberToText: { run: numberToText, uses: [texts] },
  TextToNumber: { run: textToNumber, uses: [textOf] },
  CountNgrams: { run: countNgrams, uses: [textOf] },
  Tokenize: { run: tokenize, uses: [textOf, texts] },
  NormalizeText: { run: normalizeText, uses: [textOf, texts] },
};
