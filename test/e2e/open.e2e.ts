/** Open a model by a click and see its graph. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { encoder } from "../../scripts/samples/models.ts";
import { largeLayers, squeezenet } from "./fixtures.ts";
import { openModel, row, webview } from "./harness/actions.ts";
import { record } from "./harness/figures.ts";
import { repository } from "./harness/paths.ts";
import { openWorkbench } from "./harness/workbench.ts";

test("a click shows the graph, its title, its details", async (context) => {
  const { page, strangers } = await openWorkbench(context, { samples: ["digits.onnx"] });
  const frame = await openModel(page, "digits.onnx");
  expect(await frame.getByTestId("graph").getAttribute("data-drawn")).toBe("21"); // 19 nodes, an input, an output
  await frame.getByTestId("verdict").filter({ hasText: "wasm" }).waitFor();
  const title = ((await frame.locator("body").textContent()) ?? "").replace(/\s+/g, " ");
  expect(title).toContain("digits.onnx · ONNX opset 17 · 19 nodes");
  expect(await frame.getByTestId("problems").textContent()).toBe("No problems");

  const canvas = frame.getByTestId("graph");
  await canvas.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  const details = frame.getByTestId("details");
  for (const text of ["Conv", "features.0.conv", "kernel_shape", "12×1×5×5", "batch×12×28×28"]) {
    await details.filter({ hasText: text }).waitFor();
  }
  expect(strangers).toEqual([]);
});

test("a graph that is opened has painted something", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["encoder.onnx"] });
  const frame = await openModel(page, "encoder.onnx");
  const colors = await frame.getByTestId("graph").evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  expect(colors).toBeGreaterThan(20);
});

test("a broken file says what is wrong and where", async (context) => {
  const whole = readFileSync(path.join(repository, "samples/digits.onnx"));
  const { page } = await openWorkbench(context, { files: { "broken.onnx": whole.subarray(0, 20_000) } });
  await row(page, "broken.onnx").click();
  const frame = await webview(page, "[data-testid=state]:not([hidden])");
  const state = ((await frame.getByTestId("state").textContent()) ?? "").replace(/\s/g, " ");
  expect(state).toMatch(/at byte \d/i);
});

test("figures: from the click to the visible graph", async (context) => {
  const files = { "a.onnx": squeezenet(), "b.onnx": squeezenet(), "large.onnx": encoder(largeLayers) };
  const { page } = await openWorkbench(context, { files });
  const time = async (file: string): Promise<number> => {
    const started = performance.now();
    await openModel(page, file);
    return performance.now() - started;
  };
  record("squeezenet (66 nodes), click to graph, first of the window", await time("a.onnx"), "ms", 1000);
  record("squeezenet (66 nodes), click to graph, second", await time("b.onnx"), "ms", 1000);
  record("encoder (2 911 nodes), click to graph", await time("large.onnx"), "ms", 3000);
});
