/** `66 ops · 2 unsupported`, for the model in the active tab. */
import * as vscode from "vscode";
import { activeModel, onActiveModel } from "./active.ts";
import type { ModelSession, Sessions } from "./session.ts";
import { isModelFault, statusText, unsupportedNodes } from "./words.ts";

export class Status implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly listener: vscode.Disposable;

  constructor(private readonly sessions: Sessions) {
    this.item = vscode.window.createStatusBarItem("modelwright.status", vscode.StatusBarAlignment.Right, 100);
    this.item.name = vscode.l10n.t("Modelwright: model");
    this.item.command = "modelwright.showUnsupportedOps";
    this.listener = onActiveModel(() => this.draw());
  }

  follow(session: ModelSession): void {
    session.onDidChange(() => this.draw());
    this.draw();
  }

  dispose(): void {
    this.listener.dispose();
    this.item.dispose();
  }

  private draw(): void {
    const uri = activeModel();
    const session = uri && this.sessions.find(uri);
    if (isModelFault(session?.failure)) {
      this.show("error", vscode.l10n.t("cannot be read"), vscode.l10n.t("{0} cannot be read.", session.name));
      return;
    }
    if (!session?.model) {
      this.item.hide();
      return;
    }
    const { model, verdicts } = session;
    const text = statusText(model.nodes, verdicts, vscode.l10n);
    const bad = verdicts?.problems.some(({ severity }) => severity === "error");
    const tooltip = verdicts
      ? unsupportedNodes(verdicts) > 0
        ? vscode.l10n.t("Operators that TF.js cannot run on {0}. Click to list them.", verdicts.backend)
        : vscode.l10n.t("Checked for TF.js on {0}.", verdicts.backend)
      : session.unchecked
        ? vscode.l10n.t("The operators could not be checked.")
        : vscode.l10n.t("Checking operators.");
    const waiting = session.unchecked ? "circle-slash" : "sync~spin";
    this.show(verdicts ? (bad ? "error" : "pass") : waiting, text, tooltip);
  }

  private show(icon: string, text: string, tooltip: string): void {
    this.item.text = `$(${icon}) ${text}`;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: text };
    this.item.show();
  }
}
