/** A model.json open as text: its session is held, so that its problems stand in the text, and a button leads to its graph. */
import * as vscode from "vscode";
import type { Sessions } from "./session.ts";

/** Files of other kinds have this name too. */
const isNamed = ({ path }: vscode.Uri): boolean => /\/(model|[^/]*_manifest)\.json$/.test(path);

/** Whether the model's own text is JSON, so that its problems have their places there. */
export const isJsonModel = (uri: vscode.Uri): boolean => /\.json$/.test(uri.path);

const isModel = (document: vscode.TextDocument): boolean =>
  isNamed(document.uri) && /"(modelTopology|weightsManifest|paths)"\s*:/.test(document.getText());

export class JsonModels implements vscode.Disposable {
  private readonly releases = new Map<string, () => void>();
  private readonly listeners: vscode.Disposable;

  constructor(private readonly sessions: Sessions) {
    const { workspace } = vscode;
    this.listeners = vscode.Disposable.from(
      workspace.onDidOpenTextDocument((document) => this.hold(document)),
      workspace.onDidSaveTextDocument((document) => this.hold(document)),
      workspace.onDidCloseTextDocument(({ uri }) => this.release(uri)),
    );
    for (const document of workspace.textDocuments) this.hold(document);
  }

  dispose(): void {
    this.listeners.dispose();
    for (const release of this.releases.values()) release();
    this.releases.clear();
  }

  private hold(document: vscode.TextDocument): void {
    const { uri } = document;
    const key = uri.toString();
    if (this.releases.has(key) || uri.scheme === "git" || !isModel(document)) return;
    const { session, release } = this.sessions.hold(uri);
    this.releases.set(key, release);
    this.tell();
    // What is wrong with it is told by its diagnostics.
    session.check().catch(() => {});
  }

  private release(uri: vscode.Uri): void {
    const release = this.releases.get(uri.toString());
    if (!release) return;
    this.releases.delete(uri.toString());
    release();
    this.tell();
  }

  /** For the button's `when`: by path, since addresses differ between a remote window and its extension host. */
  private tell(): void {
    const open = Object.fromEntries([...this.releases.keys()].map((key) => [vscode.Uri.parse(key).fsPath, true]));
    void vscode.commands.executeCommand("setContext", "modelwright.jsonModels", open);
  }
}
