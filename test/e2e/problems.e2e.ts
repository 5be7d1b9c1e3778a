/** What cannot run is seen everywhere: mark, squiggle, Problems panel, status bar; and each leads to the others. */
import { expect, test } from "vitest";
import { contextMenu, drawnModel, openModel, problems, statusBar } from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

test("an unsupported operator is marked in the graph, with node and reason", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["detector.onnx"] });
  const frame = await openModel(page, "detector.onnx");
  await statusBar(page, "21 ops · 1 unsupported").waitFor();
  await frame.getByTestId("verdict").filter({ hasText: "1 node cannot run" }).waitFor();
  expect(await frame.getByTestId("problem-place").textContent()).toBe("– of 1");
  await frame.getByRole("button", { name: "Next problem" }).focus();
  await page.keyboard.press("Enter");
  expect(await frame.getByTestId("problem-place").textContent()).toBe("1 of 1");
  // The button keeps the keys, for the next problem.
  expect(await frame.evaluate(() => document.activeElement?.getAttribute("label"))).toMatch(/^Next problem/);
  const details = frame.getByTestId("details");
  await details.filter({ hasText: "com.acme.DecodeBoxes" }).filter({ hasText: "head.decode" }).waitFor();
  await details.getByTestId("problem").waitFor();
  // The mark itself: the canvas says aloud what it draws.
  expect(await frame.getByTestId("live").textContent()).toMatch(/com\.acme\.DecodeBoxes.*error/);
});

test("the Problems panel leads to the squiggle, the text to the graph", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["detector.onnx"] });
  await openModel(page, "detector.onnx");
  const rows = await problems(page);
  const problem = rows.filter({ hasText: "com.acme.DecodeBoxes" });
  await problem.waitFor();
  expect(await rows.count()).toBe(2); // the file and its one problem
  await problem.dblclick();
  const squiggle = page.locator(".squiggly-error");
  await squiggle.waitFor();
  // The squiggle lies under the operator's name, also once types have widened the columns before it.
  const place = await squiggle.boundingBox();
  const name = await page
    .locator(".view-line span", { hasText: /^com\.acme\.DecodeBoxes$/ })
    .last()
    .boundingBox();
  expect(place && name && Math.abs(place.x - name.x)).toBeLessThan(3);
  expect(place && name && Math.abs(place.width - name.width)).toBeLessThan(3);
  await page.keyboard.press("ControlOrMeta+Alt+g");
  const frame = await drawnModel(page, "detector.onnx");
  await frame.getByTestId("details").filter({ hasText: "head.decode" }).waitFor();
});

test("another backend is another verdict, and a model that runs has no problems", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["encoder.onnx"], settings: { "modelwright.backend": "webgpu" } });
  await openModel(page, "encoder.onnx");
  await statusBar(page, "ready on webgpu").waitFor();
  expect(await (await problems(page)).count()).toBe(0);
});

test("Show Unsupported Ops lists them and goes to the node", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["detector.onnx"] });
  await contextMenu(page, "detector.onnx", "Show Unsupported Ops");
  const list = page.locator(".quick-input-list .monaco-list-row");
  await list.filter({ hasText: "com.acme.DecodeBoxes" }).waitFor();
  expect(await list.count()).toBe(1);
  await page.keyboard.press("Enter");
  const frame = await drawnModel(page, "detector.onnx");
  await frame.getByTestId("details").filter({ hasText: "head.decode" }).waitFor();
});
