import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderSupportedTflite } from "../../scripts/supported-ops/tflite.ts";

test("docs/supported-tflite.md is what `npm run docs` writes", () => {
  expect(renderSupportedTflite()).toBe(readFileSync("docs/supported-tflite.md", "utf8"));
});
