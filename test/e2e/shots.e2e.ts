/** Pictures of every view in the four default themes; run by `npm run e2e -- --shots DIR` alone. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "vitest";
import { squeezenet } from "./fixtures.ts";
import {
  acceptConversion,
  command,
  contextMenu,
  notification,
  openModel,
  parityVerdict,
  pick,
  problems,
  row,
} from "./harness/actions.ts";
import { type Theme, themes } from "./harness/themes.ts";
import { openWorkbench } from "./harness/workbench.ts";

const dir = process.env.E2E_SHOTS ?? "";
mkdirSync(dir, { recursive: true });

/** Fades, hovers and the minimap's last frame. */
const settle = 700;

describe.each(Object.keys(themes) as Theme[])("%s", (theme) => {
  test(`${theme}: graph, details, text, problems, conversion, parity`, { timeout: 240_000 }, async (context) => {
    const { page } = await openWorkbench(context, {
      samples: ["digits.onnx", "encoder.onnx", "detector.onnx", "regressor.onnx"],
      files: { "squeezenet.onnx": squeezenet() },
      theme,
    });
    const shot = async (name: string) => {
      await page.mouse.move(1150, 52); // an empty stretch of the tabs, where nothing lights up
      await page.waitForTimeout(settle);
      await page.screenshot({ path: path.join(dir, `${name}-${theme}.png`) });
    };

    const whole = await openModel(page, "squeezenet.onnx");
    await shot("graph");
    await whole.getByTestId("graph").focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowDown");
    await shot("details");

    const marked = await openModel(page, "detector.onnx");
    await marked.getByTestId("graph").focus();
    await page.keyboard.press("F8");
    await shot("problem");
    await problems(page);
    await shot("problems-panel");
    await contextMenu(page, "detector.onnx", "Reveal in Text");
    await page.locator(".squiggly-error").first().waitFor();
    await page.keyboard.press("ArrowLeft"); // from the selection to its start
    await shot("text");
    await page.keyboard.press("ControlOrMeta+j");

    await openModel(page, "digits.onnx");
    await contextMenu(page, "digits.onnx", "Convert to TF.js…");
    await page.getByPlaceholder("Folder for the result").waitFor();
    await shot("convert-folder");
    await acceptConversion(page);
    await notification(page, "Converted:").waitFor();
    await shot("convert");
    await command(page, "Notifications: Clear All Notifications");
    await row(page, "digits.onnx").click();
    await contextMenu(page, "digits.onnx", "Check Parity");
    await page.getByPlaceholder("TF.js backend to run on").waitFor();
    await shot("parity-backend");
    await pick(page, "wasm");
    await parityVerdict(page, /on wasm:/).waitFor();
    await command(page, "Notifications: Clear All Notifications");
    await shot("parity");
  });
});
