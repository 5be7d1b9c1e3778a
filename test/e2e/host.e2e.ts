/** What has no pixels, asked inside the extension host; each test there is one here. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, inject, test } from "vitest";
import { runHostTests } from "./harness/host.ts";
import { repository } from "./harness/paths.ts";

const folder = mkdtempSync(path.join(tmpdir(), "modelwright-models-"));
cpSync(path.join(repository, "samples"), folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 }));

const results = await runHostTests(inject("vscode"), inject("browser"), folder);

describe("in the extension host", () => {
  for (const { title, ms, error } of results) {
    test(`${title} (${ms} ms)`, () => {
      if (error) throw new Error(error);
    });
  }
});
