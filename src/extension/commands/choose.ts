/** Which models a command acts on: those selected in the Explorer, the one in front, one that is open, or one from disk. */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { activeModel, graphView, isModelFile, modelEndings } from "../active.ts";
import { folderModels } from "../folders.ts";
import type { Sessions } from "../session.ts";

/** Empty where the user chose nothing. */
export async function chooseModels(sessions: Sessions, given: readonly vscode.Uri[]): Promise<readonly vscode.Uri[]> {
  const models = (await Promise.all(given.map(modelIn))).filter((uri) => uri !== undefined);
  if (models.length > 0) return models;
  const front = activeModel();
  if (front) return [front];
  const open = sessions.all().map(({ uri }) => uri);
  const [only] = open;
  if (only && open.length === 1) return [only];
  if (open.length > 1) {
    const items = open.map((uri) => ({ label: basename(uri.path), description: vscode.workspace.asRelativePath(uri), uri }));
    const chosen = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("Model") });
    return chosen ? [chosen.uri] : [];
  }
  const options = {
    canSelectMany: true,
    filters: { [vscode.l10n.t("Models")]: [...modelEndings.map((ending) => ending.replace(/^.*\./, "")), "json"] },
    openLabel: vscode.l10n.t("Choose Model"),
  };
  return (await vscode.window.showOpenDialog(options)) ?? [];
}

/** The model itself, or the file by which a folder is one. */
async function modelIn(uri: vscode.Uri): Promise<vscode.Uri | undefined> {
  if (isModelFile(uri)) return uri;
  for (const name of folderModels) {
    const file = vscode.Uri.joinPath(uri, name);
    const isThere = await vscode.workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

/** Opens a copy of a sample: what is converted from it must not land among the extension's own files. */
export async function openSample(context: vscode.ExtensionContext, name?: string): Promise<void> {
  const from = context.asAbsolutePath("samples");
  const names = (await readdir(from)).filter((file) => file.endsWith(".onnx"));
  const chosen = name ?? (await vscode.window.showQuickPick(names, { placeHolder: vscode.l10n.t("Sample model") }));
  if (chosen === undefined || !names.includes(chosen)) return;
  const folder = join(context.globalStorageUri.fsPath, "samples");
  await mkdir(folder, { recursive: true });
  const path = join(folder, chosen);
  await copyFile(join(from, chosen), path);
  await vscode.commands.executeCommand("vscode.openWith", vscode.Uri.file(path), graphView);
}
