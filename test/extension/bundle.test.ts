/** What translators start from: all texts of the host and of the pages, in l10n/bundle.l10n.json. `UPDATE=1` writes it anew. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { pageMessages } from "../../src/protocol/page-messages.ts";

const root = path.resolve(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const bundle = path.join(root, manifest.l10n, "bundle.l10n.json");
const code = readdirSync(path.join(root, "src/extension"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && file !== "l10n.ts")
  .map((file) => readFileSync(path.join(root, "src/extension", file), "utf8"))
  .join("\n");

test("the bundle holds every text that can be translated", () => {
  const said = [...code.matchAll(/\bl10n\.t\(\s*("(?:[^"\\\n]|\\.)*")\s*[,)]/g)].map(
    ([, quoted]) => JSON.parse(quoted!) as string,
  );
  expect(said.length).toBe(code.match(/\bl10n\.t\(/g)!.length);
  const all = [...new Set([...said, ...pageMessages])].sort();
  const text = `${JSON.stringify(Object.fromEntries(all.map((each) => [each, each])), null, 2)}\n`;
  if (process.env["UPDATE"]) {
    mkdirSync(path.dirname(bundle), { recursive: true });
    writeFileSync(bundle, text);
  }
  expect(readFileSync(bundle, "utf8")).toBe(text);
});

test("the bundle is part of the package", () => {
  expect(readFileSync(path.join(root, "scripts/package.mjs"), "utf8")).toContain('"l10n"');
  expect(readFileSync(path.join(root, ".vscodeignore"), "utf8")).toContain("!l10n/**");
});
