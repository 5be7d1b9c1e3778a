/** Protobuf's text form of graphs (.pbtxt) → its binary form, which the reader takes. */
import { modelError } from "../../base/problem.ts";
import { graph, type Message, type Scalar, savedModel } from "./text-schema.ts";
import { WireWriter } from "./wire.ts";

/** Larger texts are no graphs that anyone has written. */
export const MAX_TEXT = 256 * 2 ** 20;
/** Deepest nesting; a tensor in an attribute of a function in a SavedModel takes nine. */
const MAX_DEPTH = 64;

/** DataType by name; references are 100 further on. */
const types =
  "INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64".split(
    " ",
  );

/** The text of a graph, by how it begins. */
export const isGraphText = (head: string): boolean =>
  /^\s*(#[^\n]*\s*)*(node|library|versions?|saved_model_schema_version|meta_graphs)\s*[:{]/.test(head);

/** A `ModelError` with the place in the text where it is no such message. Fields that the reader has no use for are left out. */
export function binaryGraph(text: string): Uint8Array {
  const isSaved = /^\s*(#[^\n]*\s*)*(saved_model_schema_version|meta_graphs)\b/.test(text);
  return new Parser(text).message(isSaved ? savedModel : graph, 0, undefined);
}

const token =
  /\s+|#[^\n]*|([{}<>:;,[\]])|("(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')|([A-Za-z_][\w.]*)|([-+]?(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?f?|inf\w*|nanf?))/y;

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };
const utf8 = new TextEncoder();
const closing: Readonly<Record<string, string>> = { "{": "}", "<": ">" };

class Parser {
  private at = 0;
  /** Of the token looked at. */
  private start = 0;
  private current: string | undefined;

  constructor(private readonly text: string) {
    this.advance();
  }

  /** Fields up to `end` (undefined: the end of the text), as bytes. */
  message(fields: Message | undefined, depth: number, end: string | undefined): Uint8Array {
    if (depth > MAX_DEPTH) throw this.fault(`messages nest deeper than ${MAX_DEPTH}`);
    const out = new WireWriter();
    while (this.current !== end) {
      const name = this.take();
      if (!/^[A-Za-z_]/.test(name)) throw this.fault(`a field was expected where there is ${name}`);
      const found = fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
      this.skipped(":");
      if (this.skipped("[")) {
        while (!this.skipped("]")) {
          this.field(out, found, depth);
          this.skipped(",");
        }
      } else this.field(out, found, depth);
      if (!this.skipped(";")) this.skipped(",");
    }
    return out.done();
  }

  private field(out: WireWriter, found: Message[string] | undefined, depth: number): void {
    const close = this.current === undefined ? undefined : closing[this.current];
    if (close) {
      this.advance();
      const kind = found?.[1];
      const inner = this.message(typeof kind === "function" ? kind() : undefined, depth + 1, close);
      this.advance();
      if (found && typeof kind === "function") out.bytes(found[0], inner);
      return;
    }
    const start = this.start;
    const word = this.take();
    const bytes = /^["']/.test(word) ? this.strings(word) : undefined;
    if (!found) return;
    const [field, kind] = found;
    if (typeof kind === "function" || (kind === "bytes") !== (bytes !== undefined))
      throw modelError("malformed", `a value of another kind: ${word.slice(0, 40)}`, { offset: start });
    if (bytes) out.bytes(field, bytes);
    else this.scalar(out, field, kind, word);
  }

  private scalar(out: WireWriter, field: number, kind: Scalar, word: string): void {
    if (kind === "float" || kind === "double") {
      const value = floatOf(word);
      if (value === undefined) throw this.fault(`no number: ${word}`);
      out.float(field, value, kind === "float" ? 4 : 8);
    } else out.varint(field, this.whole(kind, word));
  }

  private whole(kind: Scalar, word: string): bigint {
    if (kind === "bool" && /^(true|false|t|f)$/i.test(word)) return /^t/i.test(word) ? 1n : 0n;
    const type = /^DT_(\w+?)(_REF)?$/.exec(word);
    if (kind === "type" && type) {
      const code = types.indexOf(type[1]!);
      if (code >= 0) return BigInt(code + (type[2] ? 100 : 0));
    }
    const [, sign, digits] = /^([-+]?)(0x[\da-f]+|\d+)$/i.exec(word) ?? [];
    if (digits === undefined || digits.length > 24) throw this.fault(`no whole number: ${word}`);
    return BigInt.asUintN(64, sign === "-" ? -BigInt(digits) : BigInt(digits));
  }

  /** Strings that follow each other are one. */
  private strings(first: string): Uint8Array {
    const out = new WireWriter();
    out.add(unescaped(first));
    while (this.current !== undefined && /^["']/.test(this.current)) out.add(unescaped(this.take()));
    return out.done();
  }

  private skipped(word: string): boolean {
    if (this.current !== word) return false;
    this.advance();
    return true;
  }

  private take(): string {
    const { current } = this;
    if (current === undefined) throw modelError("truncated", "the text ends within a message", { offset: this.text.length });
    this.advance();
    return current;
  }

  private advance(): void {
    for (;;) {
      if (this.at >= this.text.length) {
        this.current = undefined;
        return;
      }
      token.lastIndex = this.at;
      const found = token.exec(this.text);
      if (!found) throw modelError("malformed", "text that is no graph", { offset: this.at });
      this.start = this.at;
      this.at = token.lastIndex;
      const word = found[1] ?? found[2] ?? found[3] ?? found[4];
      if (word === undefined) continue;
      this.current = word;
      return;
    }
  }

  private fault(reason: string) {
    return modelError("malformed", reason, { offset: this.start });
  }
}

function floatOf(word: string): number | undefined {
  if (/^[-+]?inf(inity)?f?$/i.test(word)) return word.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[-+]?nanf?$/i.test(word)) return Number.NaN;
  const value = Number(word.replace(/f$/i, ""));
  return Number.isNaN(value) ? undefined : value;
}

/** What a quoted string holds: C's escapes are bytes, everything else is UTF-8. */
function unescaped(quoted: string): Uint8Array {
  const out = new WireWriter();
  const body = quoted.slice(1, -1);
  for (const [part] of body.matchAll(/[^\\]+|\\([0-7]{1,3}|[xX][\da-fA-F]{1,2}|[\s\S])/g)) {
    if (!part.startsWith("\\")) out.add(utf8.encode(part));
    else if (/^\\[0-7]/.test(part)) out.add(Uint8Array.of(Number.parseInt(part.slice(1), 8)));
    else if (/^\\[xX]./.test(part)) out.add(Uint8Array.of(Number.parseInt(part.slice(2), 16)));
    else out.add(Uint8Array.of(escapes[part[1]!] ?? part.charCodeAt(1)));
  }
  return out.done();
}
