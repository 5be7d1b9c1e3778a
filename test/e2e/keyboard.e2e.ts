/** The main job without a mouse: open, look, find the problem, read the text, convert, check. */
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { acceptConversion, command, drawnModel, notification, parityVerdict, until } from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

test("everything by keyboard", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["detector.onnx", "regressor.onnx"] });
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const open = async (name: string) => {
    await press("ControlOrMeta+p");
    await page.locator(".quick-input-widget input").first().fill(name);
    await page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().waitFor();
    await press("Enter");
    return drawnModel(page, name);
  };

  const graph = await open("detector.onnx");
  const focused = () => graph.evaluate(() => document.activeElement?.getAttribute("data-testid"));
  await until("the graph has the keys", async () => {
    if ((await focused()) === "graph") return true;
    await press("Tab");
    return false;
  });
  const said = graph.getByTestId("live");
  await press("Home", "ArrowDown");
  await said.filter({ hasText: "backbone.stem" }).waitFor();
  // The structure shows first; the problems come with the verdicts.
  await graph.getByText("1 node cannot run").first().waitFor();
  await press("F8");
  await said.filter({ hasText: "com.acme.DecodeBoxes" }).waitFor();
  await press("ControlOrMeta+Alt+g");
  await page.locator(".squiggly-error").waitFor();
  await press("ControlOrMeta+Alt+g");
  const again = await drawnModel(page, "detector.onnx"); // a page that was hidden is made anew
  await again.getByTestId("live").filter({ hasText: "com.acme.DecodeBoxes" }).waitFor();

  await open("regressor.onnx");
  await command(page, "Modelwright: Convert to TF.js");
  await acceptConversion(page);
  await notification(page, "Converted:").waitFor();
  expect(existsSync(path.join(folder, "regressor-tfjs/model.json"))).toBe(true);
  // A pick closes when a notification takes the focus just then: asked for again.
  const pick = page.getByPlaceholder("TF.js backend to run on");
  await until("a backend is asked for", async () => {
    await command(page, "Modelwright: Check Parity");
    return pick.waitFor({ timeout: 4_000 }).then(
      () => true,
      () => false,
    );
  });
  await press("Enter");
  await parityVerdict(page, /^Equal.* on wasm/).waitFor();
});
