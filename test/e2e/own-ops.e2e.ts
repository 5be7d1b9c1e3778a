/** A model with operators of the user's own: modelwright.ops.mjs beside it is found, followed, and goes into the conversion. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { float, node, onnxModel, value } from "../build/onnx.ts";
import { random } from "../build/random.ts";
import { acceptConversion, contextMenu, notification, openModel, problems, statusBar } from "./harness/actions.ts";
import { firstDifference, runTfjs } from "./harness/numbers.ts";
import { repository } from "./harness/paths.ts";
import { openWorkbench } from "./harness/workbench.ts";

/** The file that the documentation shows. */
const ops = /```js\n(.*?)```/s.exec(readFileSync(path.join(repository, "docs/custom-ops.md"), "utf8"))![1]!;

const scale = random(5, 3);
const bent = onnxModel({
  opsets: { "": 17, "com.example": 1 },
  graph: {
    nodes: [node("Bend", ["x", "scale"], ["y"], { threshold: float(0.25), below: "Divide" }, "bend", { domain: "com.example" })],
    initializers: [{ name: "scale", dtype: "float32", shape: [5], data: scale }],
    inputs: [value("x", "float32", ["rows", 5])],
    outputs: [value("y", "float32", ["rows", 5])],
  },
});

test("operators of a file beside the model are checked, converted and run", async (context) => {
  const { page, folder } = await openWorkbench(context, { files: { "bent.onnx": bent } });
  await openModel(page, "bent.onnx");
  await statusBar(page, "1 op · 1 unsupported").waitFor();
  const rows = await problems(page);
  await rows.filter({ hasText: "com.example.Bend" }).waitFor();

  const file = path.join(folder, "modelwright.ops.mjs");
  writeFileSync(file, "export const ops = 1;");
  await rows.filter({ hasText: "modelwright.ops.mjs" }).waitFor();
  writeFileSync(file, ops);
  await statusBar(page, "1 op · ready on wasm").waitFor();
  await rows.first().waitFor({ state: "detached" });

  await contextMenu(page, "bent.onnx", "Convert to TF.js…");
  await acceptConversion(page);
  await notification(page, "Converted:").waitFor();
  const x = random(15, 7);
  const { y } = await runTfjs(path.join(folder, "bent-tfjs"), { x: { dtype: "float32", shape: [3, 5], values: [...x] } });
  const values = [...x].map((each, i) => (each > 0.25 ? each * scale[i % 5]! : each / scale[i % 5]!));
  expect(y?.shape).toEqual([3, 5]);
  expect(firstDifference(y!, { shape: [3, 5], values })).toBeUndefined();
});
