import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readGraphs, renderSupportedTensorflow } from "../../scripts/supported-ops/tensorflow.ts";

test("docs/supported-tensorflow.md is what `npm run docs` writes", () => {
  expect(renderSupportedTensorflow(readGraphs())).toBe(readFileSync("docs/supported-tensorflow.md", "utf8"));
});
