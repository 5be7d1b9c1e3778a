/**
 * The tests that run inside the extension host: the entry that `extensionTestsPath` names, in the VS Code server as in the desktop one.
 * Bundled to one file; Mocha comes from the repository. With E2E_HOST_RESULTS set, a line of JSON a test goes to that file.
 */
import { appendFileSync } from "node:fs";
import Mocha from "mocha";

export interface HostResult {
  readonly title: string;
  readonly ms: number;
  /** Of the failure; absent where the test passed. */
  readonly error?: string;
}

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000 });
  // The test files are in this bundle, not on disk: make `describe` and `it` global, as Mocha does before it loads a file.
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  await import("./activation.ts");

  const results = process.env.E2E_HOST_RESULTS;
  const report = (result: HostResult) => results && appendFileSync(results, `${JSON.stringify(result)}\n`);
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => (failures ? reject(new Error(`${failures} failed`)) : resolve()));
    runner.on("pass", (test) => report({ title: test.fullTitle(), ms: test.duration ?? 0 }));
    runner.on("fail", (test, error: Error) =>
      report({ title: test.fullTitle(), ms: test.duration ?? 0, error: error.stack ?? String(error) }),
    );
  });
}
