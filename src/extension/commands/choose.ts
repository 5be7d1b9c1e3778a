/** Which models a command acts on: those selected in the Explorer, the one in front, one that is open, or one from disk. */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { activeModel, graphView } from "../active.ts";
import type { Sessions } from "../session.ts";

/** Endings of model files; of .json files only those called model.json. */
const endings = ["onnx", "tflite", "pb", "pbtxt", "h5", "hdf5", "keras"];
const isModel = ({ path }: vscode.Uri): boolean =>
  endings.some((each) => path.endsWith(`.${each}`)) || /\/model\.json$/.test(path);

/** Empty where the user chose nothing. */
export async function chooseModels(sessions: Sessions, given: readonly vscode.Uri[]): Promise<readonly vscode.Uri[]> {
  const models = given.filter(isModel);
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
    filters: { [vscode.l10n.t("Models")]: [...endings, "json"] },
    openLabel: vscode.l10n.t("Choose Model"),
  };
  return (await vscode.window.showOpenDialog(options)) ?? [];
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
