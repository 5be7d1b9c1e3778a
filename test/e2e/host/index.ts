/**
 * The tests that run inside the extension host: the entry that `extensionTestsPath` names, in the VS Code server as in the desktop one.
 * Bundled to one file; Mocha comes from the repository.
 */
import Mocha from "mocha";
import { report } from "./results.ts";

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000 });
  // The test files are in this bundle, not on disk: make `describe` and `it` global, as Mocha does before it loads a file.
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  await import("./activation.ts"); // first: it sees the extension asleep
  await import("./text.ts");
  await import("./diagnostics.ts");
  await import("./responsiveness.ts");

  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => (failures ? reject(new Error(`${failures} failed`)) : resolve()));
    runner.on("pass", (test) => report({ kind: "test", title: test.fullTitle(), ms: test.duration ?? 0 }));
    runner.on("fail", (test, error: Error) => {
      report({ kind: "test", title: test.fullTitle(), ms: test.duration ?? 0, error: error.stack ?? String(error) });
    });
  });
}
