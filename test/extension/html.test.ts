import { expect, test } from "vitest";
import { nonce, pageHtml } from "../../src/extension/html.ts";

const options = {
  title: "a",
  language: "en",
  messages: {},
  cspSource: "https://csp",
  script: "https://x/main.js",
  styles: ["https://x/codicon.css"],
  nonce: "N0",
};

test("only the one script may run, and nothing may be fetched", () => {
  const html = pageHtml(options);
  const policy = html.match(/Content-Security-Policy" content="([^"]*)"/)![1]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'nonce-N0';");
  expect(policy).not.toMatch(/unsafe-eval|unsafe-inline|connect-src/);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain('<script nonce="N0" type="module" src="https://x/main.js">');
});

test("the page that runs models may compile WebAssembly, never plain eval", () => {
  expect(pageHtml({ ...options, wasm: true })).toContain("script-src 'nonce-N0' 'wasm-unsafe-eval';");
});

test("a file's name stays text", () => {
  const html = pageHtml({ ...options, title: '</title><script>alert("x")</script>' });
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain("&#60;/title&#62;");
});

test("translations are data in an attribute, whatever they hold", () => {
  const messages = { Reload: `"'><script>alert("x")</script>&` };
  const html = pageHtml({ ...options, language: "de", messages });
  expect(html).toContain('<html lang="de">');
  expect(html.match(/<script/g)).toHaveLength(1);
  const read = html.match(/<body data-messages="([^"]*)">/)![1]!.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
  expect(JSON.parse(read)).toEqual(messages);
});

test("nonces differ", () => {
  const some = new Set(Array.from({ length: 50 }, nonce));
  expect(some.size).toBe(50);
  for (const one of some) expect(one).toMatch(/^[\w+/]{22}$/);
});
