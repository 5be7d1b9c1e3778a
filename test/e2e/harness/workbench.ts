/** Opens a VS Code window on a temporary folder and drives it as a person does: Explorer, menus, keys, notifications, panels. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium, type Frame, type Locator, type Page } from "playwright-core";
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
  const folder = mkdtempSync(path.join(tmpdir(), "modelwright-models-"));
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(path.join(folder, name), content);
  for (const name of options.samples ?? []) cpSync(path.join(repository, "samples", name), path.join(folder, name));
  const settings = { ...themeSettings(options.theme ?? "dark"), ...options.settings };
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
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
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

/** The Explorer's row of a file. */
export const row = (page: Page, file: string): Locator =>
  page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${file}"]`).first();

/** Chooses an entry of a file's context menu in the Explorer. */
export async function contextMenu(page: Page, file: string, label: string): Promise<void> {
  const item = page.getByRole("menuitem", { name: label, exact: true });
  await until(`the context menu of ${file} has ${label}`, async () => {
    // Entries come from package.json, which the server hands over a moment after the Explorer shows.
    await page.keyboard.press("Escape");
    await row(page, file).click({ button: "right" });
    return appears(item, 2000);
  });
  await until(`${label} is taken`, async () => {
    // VS Code ignores a click during the first tenth of a second after a menu opens.
    await page.waitForTimeout(150);
    await item.click({ timeout: 1000 }).catch(() => undefined);
    return item.waitFor({ state: "hidden", timeout: 500 }).then(
      () => true,
      () => false,
    );
  });
}

/** Runs a command by its title, through the palette. */
export async function command(page: Page, title: string): Promise<void> {
  const input = page.locator(".quick-input-widget input").first();
  const entry = page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
  await until(`the palette has ${title}`, async () => {
    await page.keyboard.press("F1");
    await input.waitFor({ state: "visible" });
    await input.fill(`>${title}`);
    return appears(entry, 3000);
  });
  await page.keyboard.press("Enter");
}

/** Takes an entry of the quick pick that is open. */
export async function pick(page: Page, label: string | RegExp): Promise<void> {
  const entry = page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first();
  await entry.waitFor();
  await entry.click();
}

/** Accepts what the open quick pick or input box proposes. */
export async function accept(page: Page): Promise<void> {
  await page.locator(".quick-input-widget input").first().waitFor({ state: "visible" });
  await page.keyboard.press("Enter");
}

/** The notification that holds the text. */
export const notification = (page: Page, text: string | RegExp): Locator =>
  page.locator(".notifications-toasts .notification-list-item", { hasText: text }).first();

export async function pressNotificationButton(page: Page, text: string | RegExp, button: string): Promise<void> {
  const toast = notification(page, text);
  await toast.waitFor();
  await toast.hover();
  await toast.locator(".monaco-button", { hasText: button }).first().click();
}

/** The Problems panel's rows, opened when it is not. */
export async function problems(page: Page): Promise<Locator> {
  const panel = page.locator(".markers-panel");
  if (!(await panel.isVisible())) await command(page, "Problems: Focus on Problems View");
  await panel.waitFor();
  return panel.locator(".monaco-list-row");
}

export const statusBar = (page: Page, text: string | RegExp): Locator =>
  page.locator(".statusbar-item", { hasText: text }).first();

/** The webview that holds an element of this selector: VS Code nests it two frames deep. */
export async function webview(page: Page, selector: string, timeout = 30_000): Promise<Frame> {
  const seen = async (): Promise<Frame | undefined> => {
    for (const frame of page.frames()) {
      if (frame === page.mainFrame()) continue;
      // A frame may go away while it is asked.
      if (await frame.$(selector).catch(() => null)) return frame;
    }
    return undefined;
  };
  return until(`a webview with ${selector}`, seen, timeout);
}

export const appears = (locator: Locator, timeout: number): Promise<boolean> =>
  locator.waitFor({ timeout }).then(
    () => true,
    () => false,
  );

/** Asks until the answer is neither undefined nor false. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = 30_000,
): Promise<T> {
  for (const end = Date.now() + timeout; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as T;
    if (Date.now() > end) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
  }
}
