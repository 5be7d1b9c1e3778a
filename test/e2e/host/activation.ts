import assert from "node:assert/strict";
import * as vscode from "vscode";

const id = "modelwright.modelwright";

describe("activation", () => {
  const extension = vscode.extensions.getExtension(id);

  it("every command of package.json is there", async () => {
    assert.ok(extension, `${id} is not installed`);
    await extension.activate();
    const known = new Set(await vscode.commands.getCommands(true));
    const contributed: { command: string }[] = extension.packageJSON.contributes.commands;
    assert.deepEqual(
      contributed.map(({ command }) => command).filter((command) => !known.has(command)),
      [],
    );
  });
});
