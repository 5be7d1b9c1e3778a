/** Problems of a TF.js model as ranges of its JSON text, in an editor's lines and columns. */
import { readFile, stat } from "node:fs/promises";
import type { Problem } from "../base/problem.ts";
import { decodeUtf8 } from "../base/utf8.ts";
import { type JsonText, parseJson } from "../formats/tfjs/json.ts";
import { nodePlaces } from "../formats/tfjs/places.ts";
import type { TextSpan } from "../protocol/engine.ts";

/** Larger texts VS Code does not show to extensions. */
const MAX_TEXT = 50 * 1024 * 1024;
/** A mark over more than this says no more. */
const MAX_MARK = 120;

/** Undefined for a problem that has no place in the text; all of them where the text is no JSON, but for its own fault. */
export async function jsonSpans(path: string, problems: readonly Problem[]): Promise<readonly (TextSpan | undefined)[]> {
  if ((await stat(path)).size > MAX_TEXT) return problems.map(() => undefined);
  const bytes = await readFile(path);
  const places = placesIn(bytes);
  const offsets = problems.map(({ graph, node, offset }) => {
    if (offset !== undefined || node === undefined) return offset;
    const place = places.get(`${graph}/${node}`) ?? places.get(node.replace(/#\d+$/, ""));
    return place === undefined ? undefined : (operatorIn(bytes, place) ?? place);
  });
  return spansAt(bytes, offsets);
}

function placesIn(bytes: Uint8Array): ReadonlyMap<string, number> {
  let json: JsonText;
  try {
    json = parseJson(bytes);
  } catch {
    return new Map();
  }
  return nodePlaces(json);
}

/** Of a node's text: its operator stands near its beginning. */
const MAX_NODE = 16 * 1024;

/** Where the operator of the node, or the class of the layer, that begins at `at` is named. */
function operatorIn(bytes: Uint8Array, at: number): number | undefined {
  // A character a byte, so that offsets hold.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(MAX_NODE, bytes.length - at)).toString("latin1");
  let depth = 0;
  for (const { 0: found, index } of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:\s*)?|[{}[\]]/g)) {
    if (found === "{" || found === "[") depth++;
    else if (found === "}" || found === "]") depth--;
    else if (depth === 1 && /^"(op|class_name)"\s*:/.test(found)) return at + index + found.length;
    if (depth === 0) return undefined;
  }
  return undefined;
}

const NEWLINE = 10;
const byteOrderMark = "\ufeff";

/** Of what begins at each offset: a string, a number, an object as far as its line and MAX_MARK go. */
export function spansAt(bytes: Uint8Array, offsets: readonly (number | undefined)[]): readonly (TextSpan | undefined)[] {
  const spans: (TextSpan | undefined)[] = offsets.map(() => undefined);
  const inOrder = offsets
    .flatMap((offset, i) => (offset === undefined ? [] : [{ offset, i }]))
    .sort((a, b) => a.offset - b.offset);
  // An editor's text is without the mark.
  let at = decodeUtf8(bytes.subarray(0, 3)) === byteOrderMark ? 3 : 0;
  let [line, start] = [0, 0];
  for (const { offset, i } of inOrder) {
    for (; at < offset && at < bytes.length; at++) {
      if (bytes[at] === NEWLINE) [line, start] = [line + 1, 0];
      else start += units(bytes[at]!);
    }
    spans[i] = { line, start, end: start + markLength(bytes, at) };
  }
  return spans;
}

/** UTF-16 units that a byte of UTF-8 adds: a character counts at its first byte. */
const units = (byte: number): number => ((byte & 0xc0) === 0x80 ? 0 : byte >= 0xf0 ? 2 : 1);

function markLength(bytes: Uint8Array, from: number): number {
  const text = new TextDecoder().decode(bytes.subarray(from, from + 4 * MAX_MARK)).split("\n")[0]!;
  const token = /^(?:"(?:[^"\\]|\\.)*"|[^\s,:{}[\]"]+)/.exec(text)?.[0];
  const whole = token ?? closed(text);
  return Math.min(Math.max(whole.trimEnd().length, 1), MAX_MARK);
}

/** An object or a list up to its bracket, as far as the text goes. */
function closed(text: string): string {
  let depth = 0;
  for (const { 0: found, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (found === "{" || found === "[") depth++;
    else if (found === "}" || found === "]") depth--;
    if (depth === 0) return text.slice(0, index + 1);
  }
  return text;
}
