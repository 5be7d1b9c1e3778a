/** Which model the user is looking at: by its graph or by its text. Commands without an argument act on it. */
import * as vscode from "vscode";
import { modelUri } from "./text-uri.ts";

/** The custom editor's type in package.json. */
export const graphView = "modelwright.graph";
/** The same editor for files that open in another by default: VS Code gives each type one priority. */
export const optionalGraphView = "modelwright.graph.optional";

const isGraphView = (type: string): boolean => type === graphView || type === optionalGraphView;

/** The model of the active tab. */
export function activeModel(): vscode.Uri | undefined {
  const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputCustom && isGraphView(input.viewType)) return input.uri;
  return input instanceof vscode.TabInputText ? modelUri(input.uri) : undefined;
}

/** Calls `listener` when another tab becomes active. */
export function onActiveModel(listener: () => void): vscode.Disposable {
  const { tabGroups } = vscode.window;
  return vscode.Disposable.from(tabGroups.onDidChangeTabs(listener), tabGroups.onDidChangeTabGroups(listener));
}
