/** Restricted Mode: a model is seen and checked; nothing is written or run. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, inject, test } from "vitest";
import { contextMenu, notification, openModel, problems, row } from "./harness/actions.ts";
import { repository } from "./harness/paths.ts";
import { openWorkbench } from "./harness/workbench.ts";
import { startServer } from "./server.mjs";

test("a folder that is not trusted", async (context) => {
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-trust-"));
  const settings = { "security.workspace.trust.startupPrompt": "never" };
  const server = await startServer({ vscode: inject("vscode"), root, folder: repository, trusted: false, settings });
  context.onTestFinished(async () => {
    await server.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });
  const { page, folder } = await openWorkbench(context, {
    samples: ["detector.onnx", "digits.onnx"],
    prepare: (folder) => {
      mkdirSync(path.join(folder, "own"));
      cpSync(path.join(folder, "detector.onnx"), path.join(folder, "own", "theirs.onnx"));
      writeFileSync(path.join(folder, "own", "modelwright.ops.mjs"), "throw new Error('code of a stranger');");
    },
    server: server.url,
  });
  await openModel(page, "detector.onnx");
  await (await problems(page)).filter({ hasText: "com.acme.DecodeBoxes" }).waitFor();
  await row(page, "own").click();
  await openModel(page, "theirs.onnx");
  await (await problems(page)).filter({ hasText: "run only in a trusted workspace" }).waitFor();
  await contextMenu(page, "digits.onnx", "Convert to TF.js…");
  await notification(page, "Converting needs a trusted workspace.").waitFor();
  await contextMenu(page, "digits.onnx", "Check Parity");
  await notification(page, "Running a model needs a trusted workspace.").waitFor();
  expect(readdirSync(folder).sort()).toEqual([".vscode", "detector.onnx", "digits.onnx", "own"]);
});
