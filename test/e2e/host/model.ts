/** What the in-host tests share: the extension, the models of the open folder, their texts and problems. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { Exports } from "../../../src/extension/activate.ts";

export function extensionOf(): vscode.Extension<Exports> {
  const extension = vscode.extensions.getExtension<Exports>("modelwright.modelwright");
  assert.ok(extension, "the extension is not installed");
  return extension;
}

/** The address of a model in the open folder. */
export function model(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, "no folder is open");
  return vscode.Uri.joinPath(folder.uri, name);
}

/** Opens the text projection of a model. Types and problems may still come. */
export async function openText(uri: vscode.Uri): Promise<vscode.TextDocument> {
  // Not awaited: where the file is broken the command stays with its message until that is closed.
  void vscode.commands.executeCommand("modelwright.revealInText", uri);
  return until(`the text of ${uri.path}`, () => {
    const active = vscode.window.activeTextEditor?.document;
    return active?.uri.scheme === "modelwright" && active.uri.path.startsWith(uri.path) ? active : undefined;
  });
}

/** The address of a model's text. */
export const textOf = (uri: vscode.Uri): vscode.Uri =>
  vscode.Uri.from({ scheme: "modelwright", path: `${uri.path} (text)`, query: uri.toString() });

/** Waits for the second text, which has the types that the check inferred. */
export const typed = (document: vscode.TextDocument, type: string): Promise<true> =>
  until(`the text has ${type}`, () => document.getText().includes(type) || undefined);

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
}

/** The problems of a text once there are any. */
export const problemsOf = (uri: vscode.Uri): Promise<readonly vscode.Diagnostic[]> =>
  until(`problems of ${uri.path}`, () => {
    const list = vscode.languages.getDiagnostics(uri);
    return list.length > 0 ? list : undefined;
  });

export async function until<T>(what: string, ask: () => T | undefined, timeout = 20_000): Promise<T> {
  for (const end = Date.now() + timeout; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
  }
}
