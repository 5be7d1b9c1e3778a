/** TFLite models, one of floats and one of 8-bit codes: opened, read as text, checked, converted, compared with LiteRT layer by layer. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { random } from "../build/random.ts";
import { constant, custom, type OperatorSpec, operator, tfliteModel, value } from "../build/tflite.ts";
import { codeBias, codeWeights } from "../lower/tflite/values.ts";
import {
  acceptConversion,
  command,
  contextMenu,
  notification,
  openModel,
  parityVerdict,
  pick,
  problems,
  statusBar,
} from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

const by = (scale: number, zero: number) => ({ scale: [scale], zero: [zero] });
const convolution = (bias: string): OperatorSpec =>
  operator("CONV_2D", ["x", "w", bias], ["a"], "Conv2DOptions", {
    padding: "SAME",
    stride_w: 1,
    stride_h: 1,
    fused_activation_function: "RELU",
  });
const pool = operator("AVERAGE_POOL_2D", ["a"], ["y"], "Pool2DOptions", {
  padding: "VALID",
  stride_w: 2,
  stride_h: 2,
  filter_width: 2,
  filter_height: 2,
});

const float = tfliteModel({
  tensors: [
    value("x", "float32", [1, 9, 7, 3]),
    constant("w", "float32", [5, 3, 3, 3], random(135, 3)),
    constant("b", "float32", [5], random(5, 4)),
    value("a", "float32", [1, 9, 7, 5]),
    value("y", "float32", [1, 4, 3, 5]),
  ],
  inputs: ["x"],
  outputs: ["y"],
  operators: [convolution("b"), pool],
});

const weights = codeWeights("w", [5, 3, 3, 3], 0);
const quantized = tfliteModel({
  tensors: [
    value("x", "int8", [1, 9, 7, 3], by(0.02, -4)),
    weights,
    codeBias("b", 0.02, weights, 5),
    value("a", "int8", [1, 9, 7, 5], by(0.03, 7)),
    value("y", "int8", [1, 4, 3, 5], by(0.03, 7)),
  ],
  inputs: ["x"],
  outputs: ["y"],
  operators: [convolution("b"), pool],
});

const unknown = tfliteModel({
  tensors: [value("x", "float32", [2, 3]), value("y", "float32", [2, 3])],
  inputs: ["x"],
  outputs: ["y"],
  operators: [custom("AcmeNorm", ["x"], ["y"])],
});

async function checkParity(page: Page, model: string): Promise<void> {
  await contextMenu(page, model, "Check Parity");
  await page.getByPlaceholder("TF.js backend to run on").waitFor();
  await pick(page, "wasm");
  await parityVerdict(page, /^Equal.* on wasm: 1 output, \d+ layers?/).waitFor({ timeout: 80_000 });
}

for (const [name, bytes, shown] of [
  ["float.tflite", float, "5×3×3×3"],
  ["codes.tflite", quantized, "5×3×3×3"],
] as const)
  test(`${name}: graph, details, text, conversion, parity`, async (context) => {
    const { page, folder, strangers } = await openWorkbench(context, { files: { [name]: bytes } });
    const frame = await openModel(page, name);
    expect(await frame.getByTestId("graph").getAttribute("data-drawn")).toBe("4"); // 2 nodes, an input, an output
    await frame.getByTestId("verdict").filter({ hasText: "wasm" }).waitFor();
    expect(await frame.getByTestId("problems").textContent()).toBe("No problems");
    await frame.getByTestId("graph").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    for (const text of ["CONV_2D", "fused_activation_function", shown])
      await frame.getByTestId("details").filter({ hasText: text }).waitFor();

    await command(page, "Reveal in Text");
    await page.locator(".view-line", { hasText: "AVERAGE_POOL_2D" }).first().waitFor();

    await contextMenu(page, name, "Convert to TF.js…");
    await acceptConversion(page);
    await notification(page, /Converted: 2 → \d+ nodes/).waitFor();
    expect(existsSync(path.join(folder, `${name.replace(".tflite", "")}-tfjs`, "model.json"))).toBe(true);
    await checkParity(page, name);
    expect(strangers).toEqual([]);
  });

test("an operator that nobody knows is told in the graph and in the Problems panel", async (context) => {
  const { page } = await openWorkbench(context, { files: { "unknown.tflite": unknown } });
  const frame = await openModel(page, "unknown.tflite");
  await statusBar(page, "1 unsupported").waitFor();
  await frame.getByTestId("verdict").filter({ hasText: "1 node cannot run" }).waitFor();
  const rows = await problems(page);
  const problem = rows.filter({ hasText: "AcmeNorm" });
  await problem.first().waitFor();
  await problem.first().dblclick();
  await page.locator(".squiggly-error").waitFor();
});
