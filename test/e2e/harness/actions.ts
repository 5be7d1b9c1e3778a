/** What a person does in a window: Explorer, menus, palette, notifications, panels. All of it waits for what it needs. */
import type { Frame, Locator, Page } from "playwright-core";

/** The Explorer's row of a file. */
export const row = (page: Page, file: string): Locator =>
  page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${file}"]`).first();

/** Opens a model by a click and gives its graph's frame, once it is drawn. */
export const openModel = (page: Page, file: string): Promise<Frame> => open(page, file, () => drawnModel(page, file));

/** Opens a file by a click and gives the frame that says why it has no graph. */
export const openRefused = (page: Page, file: string): Promise<Frame> =>
  open(page, file, () => webview(page, "[data-testid=state]:not([hidden])"));

/** In its first moments VS Code may not know the editors of extensions yet, though it has loaded those, and shows the bytes. */
const earlyOpenings = 4;

async function open(page: Page, file: string, shown: () => Promise<Frame>): Promise<Frame> {
  const plain = page.locator(".editor-instance .monaco-editor, .editor-instance .monaco-editor-pane-placeholder").first();
  for (let early = 0; early < earlyOpenings; early++) {
    await row(page, file).click();
    const frame = shown();
    frame.catch(() => undefined); // awaited below, where it is the one that counts
    const opened = frame.then(
      () => true,
      () => false,
    );
    if (await Promise.race([opened, appears(plain, 30_000).then((isPlain) => !isPlain)])) return frame;
    await command(page, "View: Close All Editors");
    await plain.waitFor({ state: "hidden" });
  }
  await row(page, file).click();
  return shown();
}

/** The frame of the graph of `file`, once it is drawn. */
export const drawnModel = (page: Page, file: string): Promise<Frame> =>
  webview(page, `body:has([data-drawn]):has(.file[title="${file}"])`);

/** Chooses an entry of the context menu in the Explorer, of one file or of several together. */
export async function contextMenu(page: Page, files: string | readonly string[], label: string): Promise<void> {
  const together = [files].flat();
  const item = page.getByRole("menuitem").filter({ hasText: label });
  await until(`the context menu of ${together.join(" and ")} has ${label}`, async () => {
    if (together.length > 1) await selectRows(page, together);
    await row(page, together.at(-1)!).click({ button: "right" });
    if (await appears(item, 2000)) return true;
    // Entries come from package.json, which the server hands over a moment after the Explorer shows.
    await page.keyboard.press("Escape");
    return false;
  });
  // VS Code ignores a click during the first tenth of a second after a menu opens.
  await until(`${label} is taken`, async () => {
    await item.click({ timeout: 1000 }).catch(() => undefined);
    return item.waitFor({ state: "hidden", timeout: 500 }).then(
      () => true,
      () => false,
    );
  });
}

/** Selects files without opening one: the Explorer selects alone what has opened, whenever that is. */
async function selectRows(page: Page, files: readonly string[]): Promise<void> {
  const selected = async (file: string) => (await row(page, file).getAttribute("aria-selected")) === "true";
  await until(`${files.join(" and ")} are selected`, async () => {
    for (const file of files) if (!(await selected(file))) await row(page, file).click({ modifiers: ["ControlOrMeta"] });
    for (const file of files) if (!(await selected(file))) return false;
    return true;
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

/** Takes the folder and the options that Convert to TF.js… proposes. */
export async function acceptConversion(page: Page): Promise<void> {
  await page.getByPlaceholder("Folder for the result").waitFor();
  await accept(page);
  await page.getByPlaceholder(/^Options/).waitFor();
  await accept(page);
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

/** The verdict over the parity results, which stays when its notification has gone. */
export const parityVerdict = (page: Page, text: string | RegExp): Locator =>
  page.locator(".tree-explorer-viewlet-tree-view .message", { hasText: text });

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
