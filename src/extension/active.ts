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
  if (!(input instanceof vscode.TabInputText)) return undefined;
  return modelUri(input.uri) ?? (isModelFile(input.uri) ? input.uri : undefined);
}

/** Endings of model files; of .json files only those called model.json. */
export const modelEndings = ["onnx", "tflite", "pb", "pbtxt", "h5", "hdf5", "keras", "tgz", "tar.gz"];
export const isModelFile = ({ path }: vscode.Uri): boolean =>
  modelEndings.some((each) => path.endsWith(`.${each}`)) || /\/model\.json$/.test(path);

/** The editor's type for a model. */
export const viewOf = ({ path }: vscode.Uri): string => (/\.(onnx|tflite)$/.test(path) ? graphView : optionalGraphView);

/** Calls `listener` when another tab becomes active. */
export function onActiveModel(listener: () => void): vscode.Disposable {
  const { tabGroups } = vscode.window;
  return vscode.Disposable.from(tabGroups.onDidChangeTabs(listener), tabGroups.onDidChangeTabGroups(listener));
}
