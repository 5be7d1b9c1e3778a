/** Models of other formats than ONNX: opened as graphs, told what is wrong where they say it, converted with what they need. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readModel } from "../../src/engine/models.ts";
import { frozenDense, graphModelDense, kerasDense, savedDense } from "../build/dense.ts";
import { tar } from "../build/tar.ts";
import { accept, contextMenu, drawnModel, notification, pick, problems, row, until } from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

function put(folder: string, below: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, below, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

test("a frozen graph, a Keras model, a SavedModel's folder and its archive open as graphs", async (context) => {
  const archive = tar(Object.entries(savedDense()).map(([name, content]) => ({ name, content })));
  const { page } = await openWorkbench(context, {
    files: { "frozen.pb": frozenDense(), "dense.h5": kerasDense(), "packed.tar.gz": gzipSync(archive) },
    prepare: (folder) => put(folder, "saved", savedDense()),
  });
  const nodes = async (file: string, entry = file): Promise<string> => {
    await contextMenu(page, entry, "Open as Graph");
    const frame = await drawnModel(page, file);
    await frame.getByTestId("verdict").filter({ hasText: "wasm" }).waitFor();
    expect(await frame.getByTestId("problems").textContent()).toBe("No problems");
    return ((await frame.locator("body").textContent()) ?? "").replace(/\s+/g, " ");
  };
  expect(await nodes("frozen.pb")).toContain("frozen.pb · TensorFlow · 6 nodes");
  expect(await nodes("dense.h5")).toContain("dense.h5 · Keras");
  expect(await nodes("saved_model.pb", "saved")).toContain("saved_model.pb · TensorFlow · 8 nodes");
  expect(await nodes("packed.tar.gz")).toContain("packed.tar.gz · TensorFlow · 8 nodes");
});

test("the signature of a SavedModel is chosen, and its graph converted beside the folder", async (context) => {
  const { page, folder } = await openWorkbench(context, {
    files: { "notes.txt": "so that the Explorer has a row" },
    prepare: (folder) => put(folder, "saved", savedDense()),
  });
  await contextMenu(page, "saved", "Convert to TF.js…");
  await page.getByPlaceholder("Folder for the result").waitFor();
  await accept(page);
  await page.getByPlaceholder("Signature to convert").waitFor();
  await pick(page, "linear");
  await page.getByPlaceholder(/^Options/).waitFor();
  await accept(page);
  await notification(page, "Converted:").waitFor();
  const { signature } = JSON.parse(readFileSync(path.join(folder, "saved-tfjs/model.json"), "utf8"));
  expect(Object.keys(signature.outputs)).toEqual(["sum"]);
});

test("what a conversion may be told is asked for", async (context) => {
  const { page, folder } = await openWorkbench(context, { files: { "dense.h5": kerasDense() } });
  await contextMenu(page, "dense.h5", "Convert to TF.js…");
  await page.getByPlaceholder("Folder for the result").waitFor();
  await accept(page);
  await page.getByPlaceholder(/^Options/).waitFor();
  for (const option of ["Store weights smaller…", "As a layers model"]) await pick(page, option);
  await accept(page);
  await page.getByPlaceholder("How weights are stored").waitFor();
  await pick(page, "float16");
  await notification(page, "Converted:").waitFor();
  const { format, weightsManifest } = JSON.parse(readFileSync(path.join(folder, "dense-tfjs/model.json"), "utf8"));
  expect(format).toBe("layers-model");
  for (const { quantization } of weightsManifest[0].weights) expect(quantization.dtype).toBe("float16");
});

test("what a conversion to ONNX may be told is asked for", async (context) => {
  const { page, folder } = await openWorkbench(context, { files: { "dense.h5": kerasDense() } });
  await contextMenu(page, "dense.h5", "Convert to ONNX…");
  await page.getByPlaceholder("Folder for the result").waitFor();
  await accept(page);
  await page.getByPlaceholder(/^Options/).waitFor();
  for (const option of ["Set the inputs' shapes…", "Choose the opset…", "For ML.NET"]) await pick(page, option);
  await accept(page);
  const input = page.locator(".quick-input-widget input").first();
  await page.getByText("Shape of dense_1_input").first().waitFor();
  await input.fill("7x3");
  await page.keyboard.press("Enter");
  await page.getByPlaceholder("ONNX opset").waitFor();
  // ML.NET takes no newer one.
  const opsets = await page.locator(".quick-input-list .monaco-list-row").allTextContents();
  expect(opsets.map(Number).sort()).toEqual([13, 14, 15, 16, 17]);
  await pick(page, "13");
  await notification(page, "Converted:").waitFor();
  const { model } = await readModel(path.join(folder, "dense-onnx/model.onnx"));
  expect(model.opsets).toEqual({ "": 13 });
  const [graph] = model.graphs;
  expect(graph?.inputs.map((id) => graph.values[id]?.type)).toMatchObject([{ dtype: "float32", shape: [7, 3] }]);
  expect(existsSync(path.join(folder, "dense-onnx/model.cs"))).toBe(true);
});

test("problems of a model.json stand in its text, and a button leads to its graph", async (context) => {
  const { "model.json": json, "group1-shard1of1.bin": weights } = graphModelDense();
  const text = JSON.stringify(JSON.parse(new TextDecoder().decode(json)), undefined, 1).replace('"Relu"', '"FancyNorm"');
  const { page, folder } = await openWorkbench(context, {
    files: { "model.json": text, "group1-shard1of1.bin": weights!.subarray(0, 40) },
  });
  await row(page, "model.json").click();
  await page.locator(".squiggly-error").first().waitFor();
  const rows = await problems(page);
  await rows.filter({ hasText: "FancyNorm" }).first().waitFor();
  await rows.filter({ hasText: "40 bytes in the weight files where the manifest takes 80" }).first().waitFor();
  // From the list to the place in the text.
  await rows.filter({ hasText: "FancyNorm" }).first().dblclick();
  const line = text.split("\n").findIndex((each) => each.includes('"FancyNorm"'));
  await until("the cursor stands at the operator", async () => {
    const told = (await page.locator("#status\\.editor\\.selection").textContent()) ?? "";
    return Number(/Ln (\d+)/.exec(told)?.[1]) === line + 1;
  });
  // What is wrong goes when the files are whole again.
  writeFileSync(path.join(folder, "model.json"), text.replace('"FancyNorm"', '"Relu"'));
  await rows.filter({ hasText: "FancyNorm" }).first().waitFor({ state: "detached" });
  writeFileSync(path.join(folder, "group1-shard1of1.bin"), weights!);
  await page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  await page.locator(".editor-actions").getByRole("button", { name: "Open as Graph" }).first().click();
  const frame = await drawnModel(page, "model.json");
  expect(await frame.getByTestId("graph").getAttribute("data-drawn")).toBe("8"); // 6 nodes, an input, an output
});
