import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Problem } from "../../../src/base/problem.ts";
import { examine as examineWith } from "../../build/examine.ts";
import fc from "../../build/properties.ts";
import { openTflite } from "../../build/tflite.ts";
import { zooFiles } from "../../build/zoo.ts";
import { specimen } from "./specimen.ts";

const examine = (file: Uint8Array) => examineWith(file, openTflite);

const file = specimen();

test("the specimen itself is sound", async () => {
  expect(await examine(file)).toEqual([]);
});

test("cut at every 64th byte: a located problem each", async () => {
  for (let size = 0; size < file.length; size += 64) {
    const problems = await examine(file.subarray(0, size));
    expect(problems.length, `cut at ${size}`).toBeGreaterThan(0);
    const [{ offset, reason }] = problems as [Problem];
    expect(offset, `cut at ${size}: ${reason}`).toBeLessThanOrEqual(size);
  }
});

test("every aligned word changed: a model or a ModelError, never anything else", { timeout: 60_000 }, async () => {
  for (let at = 0; at + 4 <= file.length; at += 4) {
    for (const change of [1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      const spoilt = file.slice();
      const view = new DataView(spoilt.buffer);
      view.setInt32(at, view.getInt32(at, true) + change, true);
      await examine(spoilt);
    }
  }
});

test("any bytes changed", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const spoilt = file.slice();
        for (const [at, byte] of changes) spoilt[at] = byte;
        await examine(spoilt);
      },
    ),
    { numRuns: 500 },
  );
});

const broken = zooFiles("broken", ".tflite");
if (broken.length) {
  test("zoo: broken files are told what is wrong, or open", { timeout: 60_000 }, async () => {
    for (const name of broken) {
      const problems = await examine(new Uint8Array(readFileSync(name)));
      if (/\.(empty|trunc\d+|ff64)\.tflite$|invalid_model|no_subgraphs|0_subgraphs/.test(name))
        expect(problems.length, path.basename(name)).toBeGreaterThan(0);
    }
  });
}
