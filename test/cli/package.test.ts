/** What `npm pack` takes, and what npx starts. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

describe("the npm package", () => {
  it("starts by its name: the command line says what runs it", async () => {
    const text = await readFile(path.join(root, "dist/cli.js"), "utf8");
    expect(text.startsWith("#!/usr/bin/env node\n")).toBe(true);
  });

  it("holds what the command line and the library need, and nothing of the tests or the editor", async () => {
    const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], {
      cwd: root,
      shell: process.platform === "win32",
      maxBuffer: 2 ** 26,
    });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const paths = files.map((file) => file.path);
    const own = ["README.md", "LICENSE", "dist/cli.js", "dist/index.js", "dist/tfjs-worker.js", "dist/ort-child.js"];
    expect(paths).toEqual(expect.arrayContaining([...own, "package.json", "dist/tfjs-backend-wasm-simd.wasm"]));
    const expected = /^(README\.md|LICENSE|CHANGELOG\.md|package\.json|dist\/[\w-]+\.(js|wasm)|dist\/types\/src\/.*\.d\.ts)$/;
    expect(paths.filter((each) => !expected.test(each))).toEqual([]);
  }, 60_000);
});
