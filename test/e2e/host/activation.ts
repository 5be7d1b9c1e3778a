import assert from "node:assert/strict";
import * as vscode from "vscode";
import { extensionOf } from "./model.ts";
import { figure } from "./results.ts";

describe("activation", () => {
  it("is quick and starts no engine", async () => {
    const extension = extensionOf();
    assert.equal(extension.isActive, false, "it is active before a model is touched");
    const started = performance.now();
    const { enginePid } = await extension.activate();
    figure("activation", performance.now() - started, 50);
    assert.equal(enginePid(), undefined);
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
