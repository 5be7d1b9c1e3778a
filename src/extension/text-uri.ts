/** The address of a model's text: `modelwright:/models/a.onnx (text)?file:///models/a.onnx`. */
import * as vscode from "vscode";

export const textScheme = "modelwright";
export const textSuffix = " (text)";

export function textUri(model: vscode.Uri): vscode.Uri {
  return vscode.Uri.from({ scheme: textScheme, path: model.path + textSuffix, query: model.toString() });
}

/** Undefined for an address that is not of a text. */
export function modelUri(text: vscode.Uri): vscode.Uri | undefined {
  return text.scheme === textScheme && text.query ? vscode.Uri.parse(text.query, true) : undefined;
}
