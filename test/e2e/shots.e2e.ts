/** Pictures of every view in the four default themes; run by `npm run e2e -- --shots DIR` alone. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "vitest";
import { graphModelDense, kerasDense } from "../build/dense.ts";
import { squeezenet } from "./fixtures.ts";
import {
  accept,
  acceptConversion,
  command,
  contextMenu,
  drawnModel,
  notification,
  openModel,
  openRefused,
  parityVerdict,
  pick,
  problems,
  row,
} from "./harness/actions.ts";
import { repository } from "./harness/paths.ts";
import { type Theme, themes } from "./harness/themes.ts";
import { openWorkbench } from "./harness/workbench.ts";

const dir = process.env.E2E_SHOTS ?? "";
mkdirSync(dir, { recursive: true });

/** An operator that TF.js lacks, and no weight file. */
const faulty = JSON.parse(new TextDecoder().decode(graphModelDense()["model.json"]).replace('"Relu"', '"FancyNorm"'));

/** Fades, hovers and the minimap's last frame. */
const settle = 700;

describe.each(Object.keys(themes) as Theme[])("%s", (theme) => {
  test(`${theme}: graph, details, text, problems, conversion, parity`, { timeout: 240_000 }, async (context) => {
    const { page } = await openWorkbench(context, {
      samples: ["digits.onnx", "encoder.onnx", "detector.onnx", "regressor.onnx"],
      files: {
        "squeezenet.onnx": squeezenet(),
        "broken.onnx": readFileSync(path.join(repository, "samples/digits.onnx")).subarray(0, 20_000),
        "dense.h5": kerasDense(),
        "model.json": JSON.stringify(faulty, undefined, 2),
      },
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
    await marked.getByTestId("verdict").filter({ hasText: "1 node cannot run" }).waitFor();
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
    await page.keyboard.press("ControlOrMeta+j");

    await openRefused(page, "broken.onnx");
    await shot("broken");
    await row(page, "model.json").click();
    await (await problems(page)).filter({ hasText: "FancyNorm" }).first().dblclick();
    await page.locator(".squiggly-error").first().waitFor();
    await shot("model-json");
    await page.keyboard.press("ControlOrMeta+j");
    await contextMenu(page, "dense.h5", "Open as Graph");
    await drawnModel(page, "dense.h5");
    await shot("keras");
    await contextMenu(page, "dense.h5", "Convert to TF.js…");
    await page.getByPlaceholder("Folder for the result").waitFor();
    await accept(page);
    await page.getByPlaceholder(/^Options/).waitFor();
    await shot("convert-options");
  });
});
