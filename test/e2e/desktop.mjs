// @ts-check
/** `npm run e2e:desktop`: the in-host tests in a desktop VS Code that @vscode/test-electron downloads; for machines that may fetch one. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runTests } from "@vscode/test-electron";
import { bundleHostTests } from "./bundle-host.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const repository = path.resolve(here, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "modelwright-models-"));
cpSync(path.join(repository, "samples"), folder, { recursive: true });
try {
  const version = process.argv[2] ?? "stable";
  process.exitCode = await runTests({
    version,
    extensionDevelopmentPath: repository,
    extensionTestsPath: await bundleHostTests(),
    launchArgs: [folder, "--disable-extensions", "--disable-workspace-trust"],
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
