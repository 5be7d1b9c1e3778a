/** Opens a VS Code window on a temporary folder; actions.ts drives it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { inject, type TestContext } from "vitest";
import { outDir, repository } from "./paths.ts";
import { type Theme, themeSettings } from "./themes.ts";

export interface Workbench {
  readonly page: Page;
  /** The folder that is open: a temporary one. */
  readonly folder: string;
  /** Requests that left for anywhere but the VS Code server. */
  readonly strangers: readonly string[];
}

export interface WorkbenchOptions {
  /** Files put into the folder: name → bytes or text. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  /** Samples of the repository put into the folder, by file name. */
  readonly samples?: readonly string[];
  /** Puts more there, before the window opens: the Explorer may be slow to notice what comes later. */
  readonly prepare?: (folder: string) => void;
  readonly theme?: Theme;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Instead of the shared ones. */
  readonly browser?: Browser;
  readonly server?: string;
  /** Added to the address. */
  readonly query?: string;
}

let shared: Promise<Browser> | undefined;
const sharedBrowser = (): Promise<Browser> => {
  shared ??= chromium.connect(inject("browser"));
  return shared;
};

/** Opens a window that closes with the test; a failed test leaves a picture of it in `out/`. */
export async function openWorkbench(test: TestContext, options: WorkbenchOptions = {}): Promise<Workbench> {
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-workspace-"));
  const folder = path.join(root, "models");
  mkdirSync(folder);
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(path.join(folder, name), content);
  for (const name of options.samples ?? []) cpSync(path.join(repository, "samples", name), path.join(folder, name));
  options.prepare?.(folder);
  const settings = { ...themeSettings(options.theme ?? "dark"), "files.exclude": { ".vscode": true }, ...options.settings };
  mkdirSync(path.join(folder, ".vscode"));
  writeFileSync(path.join(folder, ".vscode/settings.json"), JSON.stringify(settings));

  const server = options.server ?? inject("server");
  const browser = options.browser ?? (await sharedBrowser());
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  const page = await context.newPage();
  const strangers: string[] = [];
  page.on("request", (request) => {
    const url = request.url();
    // The webview's service worker answers for this host; nothing is asked of the network.
    const local = url.startsWith(server) || new URL(url).hostname.endsWith(".vscode-resource.vscode-cdn.net");
    if (/^https?:/.test(url) && !local) strangers.push(url);
  });

  test.onTestFinished(async () => {
    if (test.task.result?.state === "fail") await page.screenshot({ path: picture(test.task.name) }).catch(() => undefined);
    // Leaving tells the server that the window is closed for good; else it keeps the extension host for hours.
    await page.goto("about:blank").catch(() => undefined);
    await context.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });

  await page.goto(`${server}/?folder=${encodeURIComponent(folder)}${options.query ?? ""}`, { waitUntil: "domcontentloaded" });
  await page.locator(".monaco-workbench .explorer-folders-view .monaco-list-row").first().waitFor({ timeout: 60_000 });
  // Before this mark of VS Code's own a model opens as text, since no editor for it is known yet.
  await page.waitForFunction(() => performance.getEntriesByName("code/didLoadExtensions").length > 0, undefined, {
    timeout: 60_000,
  });
  return { page, folder, strangers };
}

const picture = (name: string): string => path.join(outDir(), `${inject("leg")} ${name.replace(/[^\w.-]+/g, " ")}.png`);
