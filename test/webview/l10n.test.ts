/** What the pages show comes from the table of messages, and the table holds nothing else. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { categoryOf } from "../../src/protocol/categories.ts";
import { pageMessages } from "../../src/protocol/page-messages.ts";
import { counted, fill, parseTranslation, t } from "../../webview/l10n.ts";

const root = path.resolve(import.meta.dirname, "../../webview");
/** Only reasons of problems, which are English as those of the core, and names of WebGL. */
const reasonsOnly = ["gpu/device.ts", "gpu/files.ts"];
/** Fonts, colours, media queries and keys. */
const technical = /px |^rgba?\(|^\(prefers-|^system-ui|^(Arrow\w*|Page\w+|Home|End|Enter|Backspace|Escape|F8)$|^\.[a-z]/;

const code = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && file !== "l10n.ts" && !reasonsOnly.includes(file))
  .sort()
  .map((file) => ({ file, text: stripped(readFileSync(path.join(root, file), "utf8")) }));

/** Without comments, imports, types, faults and attributes that nobody reads. */
function stripped(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*/g, "$1")
    .replace(/^import [^;]*;$/gm, "")
    .replace(/\b(new Error|modelError)\([^;]*;/g, "")
    .replace(/\b(class|"data-testid"|role|type|font|querySelector\w*)\b["]?: ?("[^"]*"|`[^`]*`)/g, "");
}

const literal = /"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
/** What only quotes values, as `${a} ${b}`, has no words. */
const words = (text: string): string => text.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, "");
const isMessage = (text: string): boolean => (pageMessages as readonly string[]).includes(text);

describe("every text that is shown is in the table", () => {
  test.each(code)("$file: sentences, heads and labels", ({ text }) => {
    const shown = [...text.matchAll(literal)]
      .map(([, quoted, template]) => quoted ?? template ?? "")
      .filter((each) => /[A-Za-z]{2}/.test(words(each)) && (/^[A-Z]/.test(each) || words(each).trim().includes(" ")))
      .filter((each) => !technical.test(each));
    expect(shown.filter((each) => !isMessage(each))).toEqual([]);
  });

  test.each(code)("$file: children, tips and names for screen readers", ({ text }) => {
    const direct = [
      ...text.matchAll(/\bh\("[\w-]+", \{[^{}]*\}, "(\w[^"]*)"/g),
      ...text.matchAll(/(?:title|"aria-label"|label): "([^"]*)"/g),
      ...text.matchAll(/"aria-label", (?:"|`)([^"`]*)/g),
      ...text.matchAll(/\b(?:row|section|button|link|say|announce)\(\s*"(\w[^"]*)"/g),
      ...text.matchAll(/\b(?:tool|icon)\("[\w-]+", "([^"]*)", \(/g),
    ];
    expect(direct.map(([, found]) => found)).toEqual([]);
  });
});

test("the table holds what is used, each once", () => {
  const all = code.map(({ text }) => text).join("\n");
  const unused = pageMessages.filter((message) => !all.includes(`"${message}"`));
  // Categories of operators and severities are said as they are named.
  const named = ["info", ...["Conv", "Relu", "LRN", "MaxPool", "MatMul", "Reshape", "If", "Acme"].map(categoryOf)];
  expect(unused.filter((message) => !named.includes(message))).toEqual([]);
  expect(new Set(pageMessages).size).toBe(pageMessages.length);
});

test("placeholders are filled in any order, once, and one without a value stays", () => {
  expect(fill("{1} von {0}, {1}", [7, "{0}"])).toBe("{0} von 7, {0}");
  expect(fill("{0} {2}", ["a"])).toBe("a {2}");
  expect(fill("{0}", ["$&"])).toBe("$&");
});

test("without a translation the messages are English", () => {
  expect(t("{0} of {1}", "–", 13)).toBe("– of 13");
  expect([1, 0, 2900].map((value) => counted(value, "{0} node", "{0} nodes"))).toEqual(["1 node", "0 nodes", "2\u2009900 nodes"]);
});

test("of a translation only known messages with a text are taken", () => {
  const given = { Reload: "Neu laden", Cancel: "", Details: 3, Unknown: "x", __proto__: { Size: "y" } };
  expect(parseTranslation(JSON.stringify(given))).toEqual({ Reload: "Neu laden" });
  expect(parseTranslation(undefined)).toEqual({});
  expect(parseTranslation("null")).toEqual({});
});
