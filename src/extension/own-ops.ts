/** Where a user's file of operators lies: beside the model, else at the root of its workspace folder. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as vscode from "vscode";
import type { OwnOpsFile } from "../protocol/engine.ts";

const fileName = "modelwright.ops.mjs";

/** Undefined where there is none; models on other file systems have none. */
export async function ownOpsOf(model: vscode.Uri): Promise<OwnOpsFile | undefined> {
  if (model.scheme !== "file") return undefined;
  const root = vscode.workspace.getWorkspaceFolder(model)?.uri.fsPath;
  const folders = [dirname(model.fsPath), ...(root === undefined ? [] : [root])];
  for (const path of folders.map((folder) => join(folder, fileName))) {
    const info = await stat(path).catch(() => undefined);
    // A file outside the workspace was never part of what was trusted.
    if (info?.isFile()) return { path, trusted: vscode.workspace.isTrusted && root !== undefined };
  }
  return undefined;
}

/** Calls `listener` when such a file of the workspace changes, and when the workspace becomes trusted. */
export function onOwnOps(listener: () => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher(`**/${fileName}`);
  const events = [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete].map((event) => event(listener));
  return vscode.Disposable.from(watcher, ...events, vscode.workspace.onDidGrantWorkspaceTrust(listener));
}
