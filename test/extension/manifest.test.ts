/** What package.json promises to VS Code, and what the extension keeps. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const read = (name: string): string => readFileSync(join(root, name), "utf8");
const manifest = JSON.parse(read("package.json"));
const words: Record<string, string> = JSON.parse(read("package.nls.json"));
const { commands, menus, keybindings, languages, grammars, walkthroughs, customEditors } = manifest.contributes;
const names: string[] = commands.map(({ command }: { command: string }) => command);

test("every command is registered, and every registered one is told", () => {
  const registered = [...read("src/extension/activate.ts").matchAll(/\bcommand\("(\w+)"/g)].map(
    ([, name]) => `modelwright.${name}`,
  );
  expect([...registered].sort()).toEqual([...names].sort());
});

test("menus and keys lead to commands", () => {
  const used = [...Object.values(menus).flat(), ...keybindings].map((entry) => (entry as { command: string }).command);
  expect(used.filter((command) => !names.includes(command))).toEqual([]);
});

test("every placeholder has words, and all words are used", () => {
  const used = new Set([...JSON.stringify(manifest).matchAll(/%([\w.]+)%/g)].map(([, key]) => key!));
  expect([...used].sort()).toEqual(Object.keys(words).sort());
});

test("words are sentence case, without exclamation marks, oops and please", () => {
  for (const text of Object.values(words)) expect(text).not.toMatch(/!|\boops\b|\bplease\b/i);
});

test("files that are named exist", () => {
  const files = [
    manifest.icon,
    ...languages.flatMap(({ configuration, icon }: { configuration?: string; icon: Record<string, string> }) => [
      configuration,
      ...Object.values(icon),
    ]),
    ...grammars.map(({ path }: { path: string }) => path),
    ...walkthroughs.flatMap(({ steps }: { steps: { media: { markdown: string } }[] }) =>
      steps.map(({ media }) => media.markdown),
    ),
  ].filter((file) => file !== undefined);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test("a workspace that is not trusted sees models; nothing starts but for models", () => {
  expect(manifest.capabilities.untrustedWorkspaces.supported).toBe("limited");
  expect(manifest.capabilities.virtualWorkspaces.supported).toBe("limited");
  expect(manifest.activationEvents).toEqual([
    "onFileSystem:modelwright",
    "workspaceContains:**/model.json",
    "workspaceContains:**/saved_model.pb",
  ]);
  expect(customEditors.map(({ priority }: { priority: string }) => priority)).toEqual(["default", "option"]);
  expect(customEditors[0].selector).toEqual([{ filenamePattern: "*.onnx" }, { filenamePattern: "*.tflite" }]);
});

describe("the grammar", () => {
  const grammar = JSON.parse(read("media/model-text.tmLanguage.json"));
  const patterns: string[] = [];
  JSON.stringify(grammar, (key, value) => {
    if (["match", "begin", "end"].includes(key)) patterns.push(value);
    return value;
  });
  test("holds patterns that JavaScript takes too", () => {
    for (const pattern of patterns) expect(() => new RegExp(pattern)).not.toThrow();
  });
  test("knows a node's line", () => {
    const node = new RegExp(grammar.repository.node.begin);
    expect(node.exec("  a : f32[2,3] = ai.acme.Norm(x, w[3])  groups=8")?.[2]).toBe("ai.acme.Norm");
    expect(node.exec('y : ? = "odd op"(x)')?.[2]).toBe('"odd op"');
  });
});
