/** Check Parity: the converted model against onnxruntime, on every backend of this machine. */
import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { appears, contextMenu, notification, parityVerdict, pick, pressNotificationButton } from "./harness/actions.ts";
import { launchBrowser } from "./harness/browser.ts";
import { openWorkbench } from "./harness/workbench.ts";

/** The first run on a software GPU compiles every shader. */
const patience = 80_000;

const results = (page: Page) => page.locator(".pane-body .monaco-list-row");

async function checkParity(page: Page, model: string, backend: string): Promise<void> {
  await contextMenu(page, model, "Check Parity");
  await page.getByPlaceholder("TF.js backend to run on").waitFor();
  await pick(page, backend);
}

for (const backend of ["wasm", "cpu", "webgl", "webgpu"]) {
  test(`digits is equal on ${backend}, layer by layer`, async (context) => {
    const { page } = await openWorkbench(context, { samples: ["digits.onnx"] });
    await checkParity(page, "digits.onnx", backend);
    await parityVerdict(page, new RegExp(`^Equal.* on ${backend}: 1 output, \\d+ layers`)).waitFor({ timeout: patience });
    await results(page).filter({ hasText: "scores" }).first().waitFor();
    expect(await notification(page, "Different").count()).toBe(0);
  });
}

test("free dimensions and whole numbers go in: encoder on wasm", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["encoder.onnx"] });
  await checkParity(page, "encoder.onnx", "wasm");
  await parityVerdict(page, /^Equal.* on wasm: 1 output/).waitFor({ timeout: patience });
});

test("a machine without a GPU is told, and wasm offered", async (context) => {
  const browser = await launchBrowser(inject("chromium"), "none");
  context.onTestFinished(() => browser.close());
  const { page } = await openWorkbench(context, { samples: ["regressor.onnx"], browser });
  await checkParity(page, "regressor.onnx", "webgpu");
  await notification(page, "webgpu").waitFor({ timeout: patience });
  await pressNotificationButton(page, "webgpu", "Run on wasm");
  expect(await appears(parityVerdict(page, /^Equal.* on wasm: 1 output/), patience)).toBe(true);
});
