import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { sweepScratch, withScratch } from "../../src/engine/scratch.ts";

test("a scratch folder goes, also when its user fails", async () => {
  let seen = "";
  const failing = withScratch(async (folder) => {
    seen = folder;
    await writeFile(join(folder, "model.json"), "{}");
    throw new Error("failed");
  });
  await expect(failing).rejects.toThrow("failed");
  expect(basename(seen)).toMatch(new RegExp(`^modelwright-${process.pid}-`));
  expect(existsSync(seen)).toBe(false);
});

test("what dead engines have left goes; what living ones use, and what is not ours, stays", async () => {
  // Above every system's limit of process ids.
  const dead = join(tmpdir(), "modelwright-99999999-abcdef");
  const foreign = join(tmpdir(), "modelwright-notes");
  await mkdir(join(dead, "tfjs"), { recursive: true });
  await mkdir(foreign, { recursive: true });
  await withScratch(async (folder) => {
    await sweepScratch();
    expect([dead, folder, foreign].map(existsSync)).toEqual([false, true, true]);
  });
  await rm(foreign, { recursive: true });
});
