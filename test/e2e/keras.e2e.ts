/** The archive of Keras 3 in the editor: `.h5` is in formats.e2e.ts. */
import { expect, test } from "vitest";
import { kerasArchive } from "../build/keras.ts";
import { contextMenu, drawnModel } from "./harness/actions.ts";
import { openWorkbench } from "./harness/workbench.ts";

test("a .keras archive opens as a graph, and its output has the type and shape that its layers give it", async (context) => {
  const layer = { op: "Dense", config: { units: 5, activation: "relu" }, weights: { kernel: [3, 5], bias: [5] } };
  const { page } = await openWorkbench(context, { files: { "dense.keras": kerasArchive([3], [layer]) } });
  await contextMenu(page, "dense.keras", "Open as Graph");
  const frame = await drawnModel(page, "dense.keras");
  await frame.getByTestId("verdict").filter({ hasText: "wasm" }).waitFor();
  expect(await frame.getByTestId("problems").textContent()).toBe("No problems");
  expect(((await frame.locator("body").textContent()) ?? "").replace(/\s+/g, " ")).toContain("dense.keras · Keras");
  const output = frame.locator(".port").filter({ hasText: /^dense_1float32/ });
  await output.waitFor();
  expect(await output.textContent()).toMatch(/^dense_1float32.*5$/);
});
