/** Folders that are models, SavedModels and TF.js models, so that the Explorer's menus know them. */
import { dirname } from "node:path";
import * as vscode from "vscode";

/** A workspace of more is no place to look for models by hand. */
const maxFolders = 2_000;

/** Files that a model folder is read by, the first that is there. */
export const folderModels = ["saved_model.pb", "saved_model.pbtxt", "model.json"];
const pattern = `**/{${folderModels.join(",")}}`;

export class ModelFolders implements vscode.Disposable {
  private readonly paths = new Set<string>();
  private readonly watcher = vscode.workspace.createFileSystemWatcher(pattern, false, true, false);

  constructor() {
    this.watcher.onDidCreate((uri) => this.change(uri, true));
    this.watcher.onDidDelete((uri) => this.change(uri, false));
    void this.find();
  }

  dispose(): void {
    this.watcher.dispose();
  }

  private async find(): Promise<void> {
    for (const uri of await vscode.workspace.findFiles(pattern, "**/node_modules/**", maxFolders)) this.paths.add(folderOf(uri));
    this.tell();
  }

  private change(uri: vscode.Uri, there: boolean): void {
    if (there) this.paths.add(folderOf(uri));
    else this.paths.delete(folderOf(uri));
    this.tell();
  }

  private tell(): void {
    const folders = Object.fromEntries([...this.paths].map((path) => [path, true]));
    void vscode.commands.executeCommand("setContext", "modelwright.folders", folders);
  }
}

/** As `resourcePath` has it: addresses differ between a remote window and its extension host. */
const folderOf = (uri: vscode.Uri): string => dirname(uri.fsPath);
