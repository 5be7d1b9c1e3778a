/** JSON with places: the value for reading, and the byte at which any part of it stands, found when a problem needs it. */
import type { ByteSource } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";

/** V8 holds no longer string. */
const MAX_JSON = 2 ** 28;

export type JsonPath = readonly (string | number)[];

export interface JsonText {
  readonly value: unknown;
  /** Byte offset of the value at the path, or of the innermost part of the path that is there. */
  offsetOf(path: JsonPath): number;
  /** Byte offsets of the elements of the array at the path. */
  elements(path: JsonPath): readonly number[];
}

export async function readJson(source: ByteSource): Promise<JsonText> {
  if (source.size > MAX_JSON) throw modelError("too-large", `${source.size} bytes of JSON where ${MAX_JSON} are the most`);
  return parseJson(await source.read(0, source.size));
}

/** A `ModelError` with the offset where the text is no JSON. */
export function parseJson(bytes: Uint8Array): JsonText {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    const offset = brokenAt(bytes, error as SyntaxError);
    throw modelError("malformed", offset >= bytes.length ? "JSON that is cut" : "no JSON", { offset });
  }
  const seek = (path: JsonPath) => seekPath(new Scanner(bytes), path);
  return {
    value,
    offsetOf: (path) => seek(path).at,
    elements: (path) => {
      const scanner = seek(path);
      const found: number[] = [];
      if (scanner.enter("[")) for (; scanner.more("]"); scanner.skip()) found.push(scanner.at);
      return found;
    },
  };
}

/** The engine's message counts characters; bytes are what an editor of files wants, and where the text is cut there is no number at all. */
function brokenAt(bytes: Uint8Array, { message }: SyntaxError): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return /end of JSON/.test(message) ? bytes.length : 0;
  return new TextEncoder().encode(decodeUtf8(bytes).slice(0, Number(position))).length;
}

function seekPath(scanner: Scanner, path: JsonPath): Scanner {
  scanner.space();
  for (const key of path) {
    const at = scanner.at;
    if (!(typeof key === "number" ? scanner.element(key) : scanner.member(key))) {
      scanner.at = at;
      break;
    }
  }
  return scanner;
}

const code = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, COLON] = [code('"'), code("\\"), code(","), code(":")];
const OPEN = new Set([code("{"), code("[")]);
const CLOSE = new Set([code("}"), code("]")]);

/** Walks over text that is known to be JSON. Structure is ASCII, so bytes do. */
class Scanner {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  space(): void {
    while (this.at < this.bytes.length && this.bytes[this.at]! <= 0x20) this.at++;
  }

  enter(bracket: "{" | "["): boolean {
    if (this.bytes[this.at] !== code(bracket)) return false;
    this.at++;
    this.space();
    return true;
  }

  /** Whether another element begins here; steps over the comma before it. */
  more(end: "}" | "]"): boolean {
    if (this.bytes[this.at] === COMMA) {
      this.at++;
      this.space();
    }
    return this.at < this.bytes.length && this.bytes[this.at] !== code(end);
  }

  /** Over a value and the space behind it. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.bytes[this.at]!;
      if (byte === QUOTE) {
        this.string();
        continue;
      }
      if (OPEN.has(byte)) depth++;
      else if (CLOSE.has(byte)) depth--;
      this.at++;
      if (depth === 0 && !OPEN.has(byte) && !CLOSE.has(byte)) {
        // A number or a word.
        while (this.at < this.bytes.length && !this.ends(this.bytes[this.at]!)) this.at++;
      }
    } while (depth > 0 && this.at < this.bytes.length);
    this.space();
  }

  private ends(byte: number): boolean {
    return byte <= 0x20 || byte === COMMA || CLOSE.has(byte);
  }

  private string(): void {
    this.at++;
    while (this.at < this.bytes.length && this.bytes[this.at] !== QUOTE) this.at += this.bytes[this.at] === BACKSLASH ? 2 : 1;
    this.at++;
  }

  /** To element `index` of the array here. */
  element(index: number): boolean {
    if (!this.enter("[")) return false;
    for (let i = 0; this.more("]"); i++) {
      if (i === index) return true;
      this.skip();
    }
    return false;
  }

  /** To the value of a member of the object here. */
  member(name: string): boolean {
    if (!this.enter("{")) return false;
    while (this.more("}")) {
      const from = this.at;
      this.string();
      const key: unknown = JSON.parse(decodeUtf8(this.bytes.subarray(from, this.at)));
      this.space();
      if (this.bytes[this.at] === COLON) this.at++;
      this.space();
      if (key === name) return true;
      this.skip();
    }
    return false;
  }
}
