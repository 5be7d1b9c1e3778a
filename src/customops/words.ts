/** TensorFlow's string ops. Texts are bytes there and UTF-16 here: what counts bytes encodes them. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

type Text = Inputs[number];

function wordsOf(x: Text): string[] {
  return Array.from(x.dataSync<"string">() as unknown as ArrayLike<string>);
}

/** How: 0 lower case, 1 upper case, 2 without blanks at its ends. Without `unicode` letters and blanks are those of ASCII. */
function changeText(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const how = attrs["how"] as number;
  const change = (text: string): string => {
    if (how === 2) return text.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, "");
    if (attrs["unicode"] === true) return how === 1 ? text.toUpperCase() : text.toLowerCase();
    return text.replace(/[A-Za-z]/g, (letter) => (how === 1 ? letter.toUpperCase() : letter.toLowerCase()));
  };
  return tf.tensor(wordsOf(x!).map(change), x!.shape, "string");
}

/** `pattern` and `rewrite` are vectors of one. */
function regexReplace(tf: Tf, [x, pattern, rewrite]: Inputs, attrs: CustomAttrs): Outputs {
  const regex = new RegExp(wordsOf(pattern!)[0]!, attrs["all"] === true ? "gu" : "u");
  const by = wordsOf(rewrite!)[0]!;
  return tf.tensor(
    wordsOf(x!).map((text) => text.replace(regex, by)),
    x!.shape,
    "string",
  );
}

/** In characters, or in bytes of UTF-8. */
function textLength(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const size = (text: string) => (attrs["chars"] === true ? Array.from(text).length : new TextEncoder().encode(text).length);
  return tf.tensor(wordsOf(x!).map(size), x!.shape, "int32");
}

/** From `position`, negative: counted from the end; as many as there are up to `length`. One of each, or one a text. */
function textPart(tf: Tf, [x, position, length]: Inputs, attrs: CustomAttrs): Outputs {
  const [from, most] = [position!.dataSync(), length!.dataSync()];
  const decoder = new TextDecoder();
  const parts = wordsOf(x!).map((text, i) => {
    const units = attrs["chars"] === true ? Array.from(text) : Array.from(new TextEncoder().encode(text));
    const given = from[from.length === 1 ? 0 : i]!;
    const start = given < 0 ? given + units.length : given;
    if (start < 0 || start > units.length) throw new Error(`Substr: position ${given} of a text of ${units.length}`);
    const part = units.slice(start, start + most[most.length === 1 ? 0 : i]!);
    return attrs["chars"] === true ? part.join("") : decoder.decode(Uint8Array.from(part as number[]));
  });
  return tf.tensor(parts, x!.shape, "string");
}

/**
 * A vector of texts as rows of pieces: places [n, 2], pieces [n], and how many rows and columns there are. `each`: every character of the
 * delimiter parts (none: every character is a piece); else the whole of it does, and an empty one stands for blanks in a row.
 */
function splitText(tf: Tf, [x, delimiter]: Inputs, attrs: CustomAttrs): Outputs {
  const by = wordsOf(delimiter!)[0]!;
  const most = attrs["maxsplit"] as number;
  const blanks = /[\t\n\v\f\r ]/;
  const apart = (text: string): string[] => {
    const parts: string[] = [];
    if (attrs["each"] === true) {
      if (by === "") return Array.from(text);
      let part = "";
      for (const char of Array.from(text))
        if (by.includes(char)) {
          parts.push(part);
          part = "";
        } else part += char;
      parts.push(part);
      return parts;
    }
    if (most === 0) return [text];
    const trimmed = (from: string) => from.replace(/^[\t\n\v\f\r ]+/, "");
    let rest = by === "" ? trimmed(text) : text;
    while (by !== "" || rest !== "") {
      const at = by === "" ? rest.search(blanks) : rest.indexOf(by);
      // With blanks the last word counts too: what is left behind it is nothing, and yet a piece where that reaches the limit.
      if (at < 0 && by !== "") return [...parts, rest];
      const end = at < 0 ? rest.length : at;
      parts.push(rest.slice(0, end));
      rest = by === "" ? trimmed(rest.slice(end)) : rest.slice(end + by.length);
      if (parts.length === most) return [...parts, rest];
    }
    return parts;
  };
  const rows = wordsOf(x!).map((text) => {
    const parts = apart(text);
    return attrs["skipEmpty"] === true ? parts.filter((part) => part !== "") : parts;
  });
  const places = rows.flatMap((row, i) => row.flatMap((_, j) => [i, j]));
  const pieces = rows.flat();
  const widest = rows.reduce((size, row) => Math.max(size, row.length), 0);
  return [
    tf.tensor(places, [pieces.length, 2], "int32"),
    tf.tensor(pieces, [pieces.length], "string"),
    tf.tensor1d([rows.length, widest], "int32"),
  ];
}

/** Farmhash's 64-bit fingerprint, which is TensorFlow's "fast" hash, modulo the buckets. */
function hashBucket(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const buckets = attrs["buckets"] as number;
  const bucketOf = (text: string): number => {
    const hash = tf.util.fingerPrint64(new TextEncoder().encode(text));
    const unsigned = BigInt.asUintN(64, (BigInt(hash.getHighBits()) << 32n) | BigInt(hash.getLowBitsUnsigned()));
    return Number(unsigned % BigInt(buckets));
  };
  return tf.tensor(wordsOf(x!).map(bucketOf), x!.shape, "int32");
}

/**
 * N-grams of rows that `splits` parts `x` into, each row padded on either side. Inputs: x, splits, then separator, left and right pad as
 * vectors of one; attributes widths, pad (−1: one less than the width), and whether a row too short gives one n-gram all the same.
 */
function wordNgrams(tf: Tf, [x, splits, separator, left, right]: Inputs, attrs: CustomAttrs): Outputs {
  const words = wordsOf(x!);
  const borders = splits!.dataSync();
  const [joint, before, after] = [separator, left, right].map((each) => wordsOf(each!)[0]!);
  const widths = attrs["widths"] as readonly number[];
  const padOf = (width: number) => ((attrs["pad"] as number) < 0 ? width - 1 : Math.min(attrs["pad"] as number, width - 1));
  const grams: string[] = [];
  const ends = [0];
  for (let row = 0; row + 1 < borders.length; row++) {
    const own = words.slice(borders[row], borders[row + 1]);
    const first = grams.length;
    const add = (width: number, pad: number) => {
      const padded = [...new Array<string>(pad).fill(before!), ...own, ...new Array<string>(pad).fill(after!)];
      for (let at = 0; at + width <= padded.length; at++) grams.push(padded.slice(at, at + width).join(joint!));
    };
    for (const width of widths) add(width, padOf(width));
    if (attrs["keepShort"] === true && grams.length === first && own.length > 0) {
      const pad = (attrs["pad"] as number) < 0 ? 0 : (attrs["pad"] as number);
      add(own.length + 2 * pad, pad);
    }
    ends.push(grams.length);
  }
  return [tf.tensor(grams, [grams.length], "string"), tf.tensor1d(ends, "int32")];
}

/** As C prints them. Attributes: kind 0 whole numbers, 1 truths, 2 fixed, 3 scientific, 4 shortest; precision; width; and whether zeroes fill it. */
function formatNumber(tf: Tf, [x]: Inputs, attrs: CustomAttrs): Outputs {
  const [kind, given, width] = [attrs["kind"], attrs["precision"], attrs["width"]] as [number, number, number];
  const digits = given < 0 ? 6 : given;
  // C rounds a tie to the even digit, JavaScript upwards.
  const rounded = (text: string, exact: string, places: number): string => {
    const cut = exact.slice(0, exact.indexOf(".") + (places > 0 ? 1 + places : 0));
    const tail = exact.slice(exact.indexOf(".") + 1 + places);
    return /^50*$/.test(tail) && Number(cut[cut.length - 1]) % 2 === 0 ? cut : text;
  };
  const fixed = (value: number, places: number) => {
    if (Math.abs(value) < 1e21) return rounded(value.toFixed(places), value.toFixed(100), places);
    return places > 0 ? `${BigInt(value)}.${"0".repeat(places)}` : String(BigInt(value));
  };
  const scientific = (value: number, places: number) => {
    const [mantissa, exponent] = value.toExponential(places).split("e") as [string, string];
    const [long, own] = value.toExponential(100).split("e") as [string, string];
    const digits = own === exponent ? rounded(mantissa, long, places) : mantissa;
    return `${digits}e${exponent.replace(/^([+-])(\d)$/, "$10$2")}`;
  };
  const shortest = (value: number): string => {
    const most = Math.max(digits, 1);
    const exponent = value === 0 ? 0 : Number(value.toExponential(most - 1).split("e")[1]);
    const text = exponent < -4 || exponent >= most ? scientific(value, most - 1) : fixed(value, most - 1 - exponent);
    return text.includes(".") ? text.replace(/\.?0+(e|$)/, "$1") : text;
  };
  const word = (value: number): string => {
    if (kind === 1) return value ? "true" : "false";
    if (kind === 0) return String(value);
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    return kind === 2 ? fixed(value, digits) : kind === 3 ? scientific(value, digits) : shortest(value);
  };
  const filled = (text: string) => {
    if (attrs["zeroes"] !== true) return text.padStart(width, " ");
    return text.startsWith("-") ? `-${text.slice(1).padStart(width - 1, "0")}` : text.padStart(width, "0");
  };
  return tf.tensor(
    Array.from(x!.dataSync(), (value) => filled(word(value))),
    x!.shape,
    "string",
  );
}

export const wordOps: Readonly<Record<string, CustomOp>> = {
  ChangeText: { run: changeText, uses: [wordsOf] },
  RegexReplace: { run: regexReplace, uses: [wordsOf] },
  TextLength: { run: textLength, uses: [wordsOf] },
  TextPart: { run: textPart, uses: [wordsOf] },
  SplitText: { run: splitText, uses: [wordsOf] },
  HashBucket: { run: hashBucket, uses: [wordsOf] },
  WordNgrams: { run: wordNgrams, uses: [wordsOf] },
  FormatNumber: { run: formatNumber },
};
