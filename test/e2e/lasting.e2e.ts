/** What becomes of a graph on the screen when its file changes or goes, when it is hidden, and when the window is loaded anew. */
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { command, drawnModel, openModel, until, webview } from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

test("a model that changes is drawn anew, one that has gone is told, and shown when it is back", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["digits.onnx", "encoder.onnx"] });
  const file = path.join(folder, "digits.onnx");
  const frame = await openModel(page, "digits.onnx");
  await frame.getByTestId("graph").focus();
  await page.keyboard.press("End");
  await frame.getByTestId("live").filter({ hasText: "scores" }).waitFor();

  cpSync(path.join(folder, "encoder.onnx"), file);
  await frame.locator(".about").filter({ hasText: "118 nodes" }).waitFor();
  // Another graph: the places of the old one mean nothing in it, and its beginning shows.
  await frame.getByTestId("details").filter({ hasText: "encoder" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await frame.getByTestId("live").filter({ hasText: "tokens" }).waitFor();

  rmSync(file);
  const refused = await webview(page, "[data-testid=state]:not([hidden])");
  await refused.getByText("digits.onnx cannot be read").waitFor();
  await refused.getByText("No such file").waitFor();
  expect(await refused.getByRole("button", { name: "Open as bytes" }).count()).toBe(0);

  cpSync(path.join(folder, "encoder.onnx"), file);
  await refused.locator(".page.shown").waitFor();
  await frame.locator(".about").filter({ hasText: "118 nodes" }).waitFor();
});

test("hidden and shown again, and in a window that is loaded anew, a graph is where it was", {
  timeout: 180_000,
}, async (context) => {
  const { page } = await openWorkbench(context, { samples: ["detector.onnx", "regressor.onnx"] });
  const detector = await openModel(page, "detector.onnx");
  await command(page, "View: Keep Editor");
  await detector.getByTestId("graph").focus();
  await page.keyboard.press("F");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await detector.getByTestId("details").filter({ hasText: "backbone.stem" }).waitFor();
  const zoom = await detector.locator(".percent").textContent();

  await openModel(page, "regressor.onnx");
  const again = async () => {
    await page.getByRole("tab", { name: /detector\.onnx/ }).click();
    const frame = await drawnModel(page, "detector.onnx");
    await frame.getByTestId("details").filter({ hasText: "backbone.stem" }).waitFor();
    expect(await frame.locator(".percent").textContent()).toBe(zoom);
  };
  await again();

  // By VS Code's own command, which keeps what is open before it goes.
  await page.evaluate(() => document.body.setAttribute("data-old", ""));
  await command(page, "Developer: Reload Window");
  await page.locator("body:not([data-old]) .monaco-workbench").waitFor();
  await again();
});

test("closed editors leave no page behind", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["digits.onnx", "regressor.onnx"] });
  for (const name of ["digits.onnx", "regressor.onnx", "digits.onnx"]) {
    await openModel(page, name);
    await command(page, "View: Close All Editors");
    await until("no webview is left", () =>
      page
        .locator("iframe.webview")
        .count()
        .then((count) => count === 0),
    );
  }
});
