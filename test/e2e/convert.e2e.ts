/** The main job: right-click, Convert to TF.js…, and the files compute what the model computes. */
import { existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { random, randomInts } from "../build/random.ts";
import { hugeModel } from "./fixtures.ts";
import { acceptConversion, contextMenu, notification, parityVerdict, pressNotificationButton, until } from "./harness/actions.ts";
import { type Feeds, firstDifference, runOnnx, runTfjs } from "./harness/numbers.ts";
import { engines } from "./harness/processes.ts";
import { openWorkbench } from "./harness/workbench.ts";

const menu = "Convert to TF.js…";

async function expectSameNumbers(model: string, folder: string, feeds: Feeds): Promise<void> {
  const [expected, actual] = [await runOnnx(model, feeds), await runTfjs(folder, feeds)];
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, numbers] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(numbers.shape);
    expect(firstDifference(actual[name]!, numbers)).toBeUndefined();
  }
}

/** What is on the clipboard, once it holds the word: all tests share one. */
const copied = (page: Page, word: string): Promise<string> =>
  until(`the snippet with ${word}`, async () => {
    const text = await page.evaluate(() => navigator.clipboard.readText());
    return text.includes(word) ? text : undefined;
  });

test("right-click converts; stock TF.js computes the model's numbers", async (context) => {
  const { page, folder, strangers } = await openWorkbench(context, { samples: ["digits.onnx"] });
  await contextMenu(page, "digits.onnx", menu);
  await acceptConversion(page);
  await notification(page, /Converted: 19 → \d+ nodes/).waitFor();
  const feeds: Feeds = { image: { dtype: "float32", shape: [3, 1, 28, 28], values: [...random(3 * 784, 7)] } };
  await expectSameNumbers(path.join(folder, "digits.onnx"), path.join(folder, "digits-tfjs"), feeds);
  expect(strangers).toEqual([]);
});

test("right-click converts to ONNX; onnxruntime computes the same, and C# loads it", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["digits.onnx"] });
  await contextMenu(page, "digits.onnx", "Convert to ONNX…");
  await acceptConversion(page);
  await pressNotificationButton(page, /Converted: 19 → \d+ nodes/, "Copy C# Snippet");
  const snippet = await copied(page, "ApplyOnnxModel");
  expect(snippet).toContain('[ColumnName("image"), VectorType(1, 1, 28, 28)]');
  const feeds: Feeds = { image: { dtype: "float32", shape: [3, 1, 28, 28], values: [...random(3 * 784, 7)] } };
  const [expected, actual] = [
    await runOnnx(path.join(folder, "digits.onnx"), feeds),
    await runOnnx(path.join(folder, "digits-onnx", "model.onnx"), feeds),
  ];
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, numbers] of Object.entries(expected)) expect(firstDifference(actual[name]!, numbers)).toBeUndefined();
});

test("an ONNX result is compared in onnxruntime", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["regressor.onnx"] });
  await contextMenu(page, "regressor.onnx", "Convert to ONNX…");
  await acceptConversion(page);
  await pressNotificationButton(page, "Converted:", "Check Parity");
  await parityVerdict(page, /Equal( within tolerance)? on onnxruntime: 1 output/).waitFor();
});

test("several selected files are converted at once", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["encoder.onnx", "regressor.onnx"] });
  await contextMenu(page, ["encoder.onnx", "regressor.onnx"], menu);
  await acceptConversion(page);
  await notification(page, "Converted 2 models.").waitFor();
  const tokens: Feeds = { tokens: { dtype: "int32", shape: [2, 7], values: randomInts(14, 0, 95, 3) } };
  await expectSameNumbers(path.join(folder, "encoder.onnx"), path.join(folder, "encoder-tfjs"), tokens);
  const features: Feeds = { features: { dtype: "float32", shape: [5, 13], values: [...random(65, 5)] } };
  await expectSameNumbers(path.join(folder, "regressor.onnx"), path.join(folder, "regressor-tfjs"), features);
});

test("the load snippet names the real inputs", async (context) => {
  const { page } = await openWorkbench(context, { samples: ["encoder.onnx"] });
  await contextMenu(page, "encoder.onnx", menu);
  await acceptConversion(page);
  await pressNotificationButton(page, "Converted:", "Copy Load Snippet");
  const snippet = await copied(page, "loadGraphModel");
  for (const word of ["tokens", "int32", "logits"]) expect(snippet).toContain(word);
});

test("a model that cannot be converted writes nothing and says why", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["detector.onnx"] });
  await contextMenu(page, "detector.onnx", menu);
  await acceptConversion(page);
  await notification(page, "com.acme.DecodeBoxes").waitFor();
  expect(readdirSync(folder).sort()).toEqual([".vscode", "detector.onnx"]);
});

/** Writes a model whose conversion takes seconds, since its weights are a gigabyte of zeros that the disk need not hold. */
function writeHugeModel(folder: string): void {
  const { model, data, bytes } = hugeModel();
  writeFileSync(path.join(folder, data), "");
  truncateSync(path.join(folder, data), bytes);
  writeFileSync(path.join(folder, "huge.onnx"), model);
}

test("cancel leaves nothing behind", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["regressor.onnx"], prepare: writeHugeModel });
  const before = readdirSync(folder).sort();
  await contextMenu(page, "huge.onnx", menu);
  await acceptConversion(page);
  await pressNotificationButton(page, "Converting huge.onnx", "Cancel");
  await notification(page, "Converting huge.onnx").waitFor({ state: "hidden" });
  await until("the folder is as before", () => readdirSync(folder).sort().join() === before.join());
  // Nothing comes later either: not while another model is converted.
  await contextMenu(page, "regressor.onnx", menu);
  await acceptConversion(page);
  await notification(page, "Converted:").waitFor();
  expect(readdirSync(folder).sort()).toEqual([...before, "regressor-tfjs"].sort());
  expect(await notification(page, "huge").count()).toBe(0);
});

test("an engine killed in the middle is told, and the next command works", async (context) => {
  const { page, folder } = await openWorkbench(context, { samples: ["digits.onnx"], prepare: writeHugeModel });
  const others = engines(inject("serverPid"));
  await contextMenu(page, "huge.onnx", menu);
  await acceptConversion(page);
  await notification(page, "Converting huge.onnx").waitFor();
  const engine = await until("the engine runs", () => engines(inject("serverPid")).find((pid) => !others.includes(pid)));
  process.kill(engine, "SIGKILL");
  await notification(page, /The engine stopped: .*SIGKILL/).waitFor();
  expect(existsSync(path.join(folder, "huge-tfjs"))).toBe(false);

  await contextMenu(page, "digits.onnx", menu);
  await acceptConversion(page);
  await notification(page, "Converted: 19").waitFor();
  const feeds: Feeds = { image: { dtype: "float32", shape: [2, 1, 28, 28], values: [...random(2 * 784, 11)] } };
  await expectSameNumbers(path.join(folder, "digits.onnx"), path.join(folder, "digits-tfjs"), feeds);
});
