import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { samples } from "../../scripts/samples/models.ts";

const folder = path.resolve(import.meta.dirname, "../../samples");

test("samples/ holds these models and no other", () => {
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith(".onnx"))
      .sort(),
  ).toEqual(Object.keys(samples).sort());
});

test.each(Object.entries(samples))("%s is what the script makes", (name, make) => {
  const bytes = make();
  expect(bytes.length).toBeLessThan(300_000);
  expect(Buffer.compare(bytes, readFileSync(path.join(folder, name)))).toBe(0);
});
