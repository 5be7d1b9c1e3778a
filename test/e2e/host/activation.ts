import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { Exports } from "../../../src/extension/activate.ts";
import { extensionOf } from "./model.ts";
import { figure } from "./results.ts";

function emptyExtension(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension("modelwright-tests.empty");
  assert.ok(extension, "the empty extension is not installed");
  return extension;
}

async function timed(act: () => PromiseLike<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

describe("activation", () => {
  it("is quick and starts no engine", async () => {
    const extension = extensionOf();
    assert.equal(extension.isActive, false, "it is active before a model is touched");
    // The host's own share is most of it, and depends on how busy window and machine are: an extension without content goes first.
    figure("activation of an empty extension, beside", await timed(() => emptyExtension().activate()));
    let exports: Exports | undefined;
    figure(
      "activation",
      await timed(async () => {
        exports = await extension.activate();
      }),
      50,
    );
    assert.ok(exports);
    figure("activation, what the extension itself does of that", exports.activateMs, 50);
    assert.equal(exports.enginePid(), undefined);
  });

  it("every command of package.json is there", async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const contributed: { command: string }[] = extensionOf().packageJSON.contributes.commands;
    const missing = contributed.map(({ command }) => command).filter((command) => !known.has(command));
    assert.deepEqual(missing, []);
  });

  it("every string of package.json is there", () => {
    const left = JSON.stringify(extensionOf().packageJSON.contributes).match(/"%[\w.]+%"/g);
    assert.equal(left, null);
  });
});
