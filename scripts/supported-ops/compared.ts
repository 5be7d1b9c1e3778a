/** Which operators the tests of single models have compared with onnxruntime, elementwise: each test file keeps a list of its runs. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const folder = "test/conformance/out/compared";

/** Written when a test file ends; `operators` are keys of the rule table. What an earlier run compared stays: a run may be of a few tests. */
export async function recordCompared(operators: ReadonlySet<string>): Promise<void> {
  const { expect } = await import("vitest");
  const file = expect.getState().testPath;
  if (!file || operators.size === 0) return;
  mkdirSync(folder, { recursive: true });
  const list = path.join(folder, `${path.basename(file)}.txt`);
  const all = new Set([...(existsSync(list) ? linesOf(list) : []), ...operators]);
  writeFileSync(list, `${[...all].sort().join("\n")}\n`);
}

/** Undefined where no test has been run here. */
export function readCompared(): ReadonlySet<string> | undefined {
  if (!existsSync(folder)) return undefined;
  return new Set(readdirSync(folder).flatMap((name) => linesOf(path.join(folder, name))));
}

const linesOf = (file: string): string[] => readFileSync(file, "utf8").trimEnd().split("\n");
