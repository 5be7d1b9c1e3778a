/** RE2's expressions and rewrites, which TensorFlow's string ops take, as JavaScript's (with the flag u). */

/** RE2's names of ASCII classes, as they stand between brackets. */
const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** What both write alike behind a backslash. */
const shared = /^[dDwWtnrfv]$/;
/** What JavaScript lets a backslash stand before. */
const escapable = /^[$^\\.*+?()[\]{}|/]$/;

/** JavaScript's expression of the same texts; undefined where it has none. */
export function fromRe2(pattern: string): string | undefined {
  let out = "";
  let inClass = false;
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const part: Part | undefined = inClass ? classPart(rest) : plainPart(rest);
    if (!part) return undefined;
    out += part.text;
    at += part.length;
    if (part.bracket) inClass = part.bracket === "open";
  }
  return inClass || !compiles(out) ? undefined : out;
}

interface Part {
  /** Of the pattern. */
  readonly length: number;
  readonly text: string;
  readonly bracket?: "open" | "close";
}

function plainPart(rest: string): Part | undefined {
  if (rest.startsWith("\\")) return escaped(rest, false);
  // A bracket that closes at once stands for itself.
  const open = /^\[\^?(\])?/.exec(rest);
  if (open) return { length: open[0].length, text: open[0].replace("]", "\\]"), bracket: "open" };
  if (rest.startsWith("(?:")) return { length: 3, text: "(?:" };
  if (rest.startsWith("(?P<")) return { length: 4, text: "(?<" };
  // Flags for a part of the expression.
  if (rest.startsWith("(?")) return undefined;
  // A brace that counts nothing stands for itself, and so does a bracket that closes nothing.
  const count = /^\{\d+(,\d*)?\}/.exec(rest);
  if (count) return { length: count[0].length, text: count[0] };
  if (/^[{}\]]/.test(rest)) return { length: 1, text: `\\${rest[0]}` };
  return one(rest);
}

function classPart(rest: string): Part | undefined {
  if (rest.startsWith("]")) return { length: 1, text: "]", bracket: "close" };
  if (rest.startsWith("\\")) return escaped(rest, true);
  const named = /^\[:(\^?)([a-z]+):\]/.exec(rest);
  if (named) {
    const set = classes[named[2]!];
    return set === undefined || named[1] ? undefined : { length: named[0].length, text: set };
  }
  if (rest.startsWith("[")) return { length: 1, text: "\\[" };
  return one(rest);
}

const one = (rest: string): Part => {
  const char = String.fromCodePoint(rest.codePointAt(0)!);
  return { length: char.length, text: char };
};

/** RE2 knows blanks of ASCII only. */
const blanks = "\\t\\n\\f\\r ";

function escaped(rest: string, inClass: boolean): Part | undefined {
  const char = rest[1];
  if (char === undefined) return undefined;
  const is = (text: string, length = 2): Part => ({ length, text });
  if (shared.test(char) || escapable.test(char)) return is(`\\${char}`);
  if (char === "s") return is(inClass ? blanks : `[${blanks}]`);
  if (char === "S") return inClass ? undefined : is(`[^${blanks}]`);
  if (char === "-") return is(inClass ? "\\-" : "-");
  if (char === "a") return is("\\x07");
  const unicode = /^\\([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(rest);
  if (unicode) return unicode[2] ? undefined : is(`\\${unicode[1]}{${unicode[3] ?? unicode[4]}}`, unicode[0].length);
  const code = /^\\x(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(rest);
  if (code) return is(`\\u{${code[1] ?? code[2]}}`, code[0].length);
  if (!inClass && (char === "b" || char === "B")) return is(`\\${char}`);
  if (!inClass && char === "A") return is("^");
  if (!inClass && char === "z") return is("$");
  // Any other sign stands for itself; letters and digits have meanings that JavaScript lacks.
  return /[0-9A-Za-z]/.test(char) ? undefined : { ...one(rest.slice(1)), length: 1 + one(rest.slice(1)).length };
}

function compiles(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") !== undefined;
  } catch {
    return false;
  }
}

/** `\1` and `\0` as JavaScript's `$1` and `$&`. */
export const fromRewrite = (rewrite: string): string =>
  rewrite.replace(/\\(.)|\$/g, (whole, char: string | undefined) => {
    if (whole === "$") return "$$";
    if (char === "0") return "$&";
    return /\d/.test(char!) ? `$${char}` : char!;
  });
