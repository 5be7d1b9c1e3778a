/** How a failed command speaks: a fault of the model as a sentence, one of ours with the way to the log. */
import * as vscode from "vscode";
import { Cancelled } from "../base/cancel.ts";
import { ModelError } from "../base/problem.ts";
import { EngineStopped } from "./engine.ts";
import { showLog } from "./log.ts";
import { isModelFault, problemText, sentence } from "./words.ts";

/** The sentence for an error; undefined where the user cancelled, or has been told by the engine's own message. */
export function errorText(error: unknown): string | undefined {
  if (error instanceof Cancelled || error instanceof EngineStopped) return undefined;
  if (error instanceof ModelError) return problemText(error.problem);
  return sentence(error instanceof Error ? error.message : String(error));
}

/** Tells the user. Never rejects. */
export async function report(error: unknown, prefix = ""): Promise<void> {
  const text = errorText(error);
  if (text === undefined) return;
  const message = prefix ? `${prefix}: ${text}` : text;
  if (isModelFault(error)) {
    await vscode.window.showErrorMessage(message);
    return;
  }
  const open = vscode.l10n.t("Show Log");
  if ((await vscode.window.showErrorMessage(message, open)) === open) showLog();
}

/** What runs or writes needs a trusted workspace; says so, with the way there. */
export async function requireTrust(what: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = vscode.l10n.t("Manage Workspace Trust");
  const message = vscode.l10n.t("{0} needs a trusted workspace.", what);
  if ((await vscode.window.showWarningMessage(message, manage)) === manage)
    await vscode.commands.executeCommand("workbench.trust.manage");
  return false;
}
