/** Colour and count on model files in the Explorer and on their tabs: the Problems panel knows the text alone. */
import * as vscode from "vscode";
import type { ModelSession, Sessions } from "./session.ts";
import { isModelFault, unsupportedNodes } from "./words.ts";

export class ModelDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChangeFileDecorations = this.changed.event;
  private readonly registration = vscode.window.registerFileDecorationProvider(this);

  constructor(private readonly sessions: Sessions) {
    sessions.onDidClose(({ uri }) => this.changed.fire(uri));
  }

  follow(session: ModelSession): void {
    session.onDidChange((change) => {
      if (change !== "parity") this.changed.fire(session.uri);
    });
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const session = this.sessions.find(uri);
    const error = new vscode.ThemeColor("list.errorForeground");
    if (isModelFault(session?.failure)) return new vscode.FileDecoration("!", vscode.l10n.t("The model cannot be read"), error);
    const nodes = session?.verdicts ? unsupportedNodes(session.verdicts) : 0;
    if (nodes === 0) return undefined;
    // A badge holds two characters.
    return new vscode.FileDecoration(nodes > 9 ? "9+" : String(nodes), vscode.l10n.t("Unsupported nodes: {0}", nodes), error);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
