/** Which operators the tests of single models have compared with onnxruntime, elementwise: each test file keeps a list of its last run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const folder = "test/conformance/out/compared";

/** Written when a test file ends; `operators` are keys of the rule table. Nothing was compared: the list stays. */
export async function recordCompared(operators: ReadonlySet<string>): Promise<void> {
  const { expect } = await import("vitest");
  const file = expect.getState().testPath;
  if (!file || operators.size === 0) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${path.basename(file)}.txt`), `${[...operators].sort().join("\n")}\n`);
}

/** Undefined where no test has been run here. */
export function readCompared(): ReadonlySet<string> | undefined {
  if (!existsSync(folder)) return undefined;
  return new Set(readdirSync(folder).flatMap((name) => readFileSync(path.join(folder, name), "utf8").trimEnd().split("\n")));
}
