import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readEvidence, renderSupportedOps } from "../../scripts/supported-ops/render.ts";
import { onnxRules } from "../../src/lower/onnx/rules.ts";

const written = readFileSync("docs/supported-ops.md", "utf8");

test("docs/supported-ops.md is what `npm run docs` writes", () => {
  expect(renderSupportedOps(readEvidence())).toBe(written);
});

test("every row of the table is in it", () => {
  for (const { op } of onnxRules.all()) expect(written).toContain(`| ${op} |`);
});
