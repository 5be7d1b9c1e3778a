/** What has no pixels, asked inside the extension host; each test there is one here. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, inject, test } from "vitest";
import { encoder } from "../../scripts/samples/models.ts";
import { largeLayers } from "./fixtures.ts";
import { record } from "./harness/figures.ts";
import { runHostTests } from "./harness/host.ts";
import { repository } from "./harness/paths.ts";

const folder = mkdtempSync(path.join(tmpdir(), "modelwright-models-"));
cpSync(path.join(repository, "samples"), folder, { recursive: true });
writeFileSync(path.join(folder, "encoder-large.onnx"), encoder(largeLayers));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 }));

const results = await runHostTests(inject("vscode"), inject("browser"), folder);

describe("in the extension host", () => {
  for (const result of results) {
    if (result.kind === "figure") {
      record(result.name, result.ms, "ms", result.aim);
      continue;
    }
    test(result.title, () => {
      if (result.error) throw new Error(result.error);
    });
  }
});
