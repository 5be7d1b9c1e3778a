/** The packaged extension: installs from its .vsix, opens a model, converts it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, inject, test } from "vitest";
import { acceptConversion, contextMenu, notification, openModel, parityVerdict, pick } from "./harness/actions.ts";
import { record } from "./harness/figures.ts";
import { type Feeds, firstDifference, runOnnx, runTfjs } from "./harness/numbers.ts";
import { repository } from "./harness/paths.ts";
import { openWorkbench } from "./harness/workbench.ts";
import { startServer } from "./server.mjs";

test("the packaged extension installs, opens, converts and checks", async (context) => {
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-vsix-"));
  context.onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 }));
  const vsix = path.join(root, "modelwright.vsix");
  execFileSync(process.execPath, [path.join(repository, "scripts/package.mjs"), "--out", vsix], {
    cwd: repository,
    stdio: "pipe",
  });
  record("size of the .vsix", statSync(vsix).size / 1e6, "MB");

  const server = await startServer({ vscode: inject("vscode"), root: path.join(root, "server"), vsix });
  context.onTestFinished(() => server.stop());
  const [installed] = readdirSync(path.join(root, "server/extensions")).filter((name) => name.startsWith("modelwright."));
  expect(installed).toBeDefined();
  const bundle = path.join(root, "server/extensions", installed!, "dist/extension.cjs");
  record("bundle of the extension host", statSync(bundle).size / 1e3, "KB", 200);

  const { page, folder } = await openWorkbench(context, { samples: ["regressor.onnx"], server: server.url });
  await openModel(page, "regressor.onnx");
  await contextMenu(page, "regressor.onnx", "Convert to TF.js…");
  await acceptConversion(page);
  await notification(page, "Converted:").waitFor();
  const feeds: Feeds = { features: { dtype: "float32", shape: [1, 13], values: Array.from({ length: 13 }, (_, i) => i - 5.5) } };
  const expected = await runOnnx(path.join(folder, "regressor.onnx"), feeds);
  const actual = await runTfjs(path.join(folder, "regressor-tfjs"), feeds);
  expect(firstDifference(actual.price!, expected.price!)).toBeUndefined();

  // onnxruntime of this platform is in the package.
  await contextMenu(page, "regressor.onnx", "Check Parity");
  await page.getByPlaceholder("TF.js backend to run on").waitFor();
  await pick(page, "wasm");
  await parityVerdict(page, /^Equal.* on wasm: 1 output/).waitFor();
});
