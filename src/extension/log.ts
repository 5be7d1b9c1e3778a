/** The output channel, made with the first line. */
import * as vscode from "vscode";

let channel: vscode.LogOutputChannel | undefined;

export function log(line: string): void {
  channel ??= vscode.window.createOutputChannel("Modelwright", { log: true });
  channel.info(line);
}

export function showLog(): void {
  channel ??= vscode.window.createOutputChannel("Modelwright", { log: true });
  channel.show();
}

export function disposeLog(): void {
  channel?.dispose();
  channel = undefined;
}
