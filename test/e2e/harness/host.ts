/** Runs host/ inside the extension host of a VS Code server. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { bundleHostTests } from "../bundle-host.mjs";
import type { HostResult } from "../host/results.ts";
import { startServer } from "../server.mjs";
import type { VSCode } from "../setup.mjs";
import { repository } from "./paths.ts";

/** What its activation takes is VS Code's own. */
const emptyExtension = path.join(repository, "test/e2e/stubs/empty-extension");

/** A suite that hangs must not hang the run. */
const limit = 240_000;

/**
 * Opens a window on `folder` whose extension host runs the tests.
 * @returns a result a test; at least one, an Error where the host gave none
 */
export async function runHostTests(vscode: VSCode, browserAddress: string, folder: string): Promise<HostResult[]> {
  const tests = await bundleHostTests();
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-host-"));
  const results = path.join(root, "results.jsonl");
  const server = await startServer({ vscode, root, folder: emptyExtension, driver: true, env: { E2E_HOST_RESULTS: results } });
  const browser = await chromium.connect(browserAddress);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const said: string[] = [];
    await page.exposeFunction("codeAutomationLog", (type: string, args: unknown[]) => void said.push([type, ...args].join(" ")));
    const exit = new Promise<unknown>((resolve) => {
      void page.exposeFunction("codeAutomationExit", (code: number) => resolve(code));
      setTimeout(() => resolve(`no end after ${limit / 1000} s`), limit).unref();
    });
    const remote = (file: string) => `vscode-remote://${server.authority}${file}`;
    const payload = [
      ["extensionDevelopmentPath", remote(repository)],
      ["extensionTestsPath", remote(tests)],
    ];
    const query = `folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    await page.goto(`${server.url}/?${query}`);
    const code = await exit;
    if (!existsSync(results)) throw new Error(`the in-host tests gave no result (${code})\n${said.slice(-20).join("\n")}`);
    return readFileSync(results, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as HostResult);
  } finally {
    await context.close();
    await server.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}
