/** Convert to TF.js… and Convert to ONNX…: folder, options, progress with cancel, and what to do with the result. */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as vscode from "vscode";
import { ModelError } from "../../base/problem.ts";
import type { ConvertRequest, ConvertView } from "../../protocol/engine.ts";
import { plural } from "../../protocol/format.ts";
import type { ModelView } from "../../protocol/views.ts";
import type { Engine } from "../engine.ts";
import { folderModels } from "../folders.ts";
import type { LocalFiles } from "../local.ts";
import { log } from "../log.ts";
import { ownOpsOf } from "../own-ops.ts";
import { progressTo } from "../progress.ts";
import { report, requireTrust } from "../report.ts";
import { settings } from "../settings.ts";
import { convertedText, problemText } from "../words.ts";
import { type Chosen, chooseOptions, type Target } from "./options.ts";
import type { Conversion } from "./parity.ts";

export interface ConvertContext {
  readonly engine: Engine;
  readonly local: LocalFiles;
  readonly checkParity: (model: vscode.Uri, conversion: Conversion) => Promise<void>;
}

interface Choice {
  /** Of the folder; the models' own where undefined. */
  readonly out: (model: vscode.Uri) => string;
  readonly options: Chosen;
}

const targetNames: Readonly<Record<Target, string>> = { tfjs: "TF.js", onnx: "ONNX" };

interface Done {
  readonly model: vscode.Uri;
  readonly view: ConvertView;
}

export async function convertModels(
  context: ConvertContext,
  models: readonly vscode.Uri[],
  target: Target = "tfjs",
): Promise<void> {
  if (!(await requireTrust(vscode.l10n.t("Converting")))) return;
  const choice = await choose(context, models, target);
  if (!choice) return;
  const done: Done[] = [];
  const failed: [vscode.Uri, unknown][] = [];
  for (const model of models) {
    try {
      const view = await convertOne(context, model, choice);
      if (!view) break;
      done.push({ model, view });
    } catch (error) {
      failed.push([model, error]);
      log(`${basename(model.path)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const [model, error] of failed) void report(error, models.length > 1 ? basename(model.path) : "");
  if (done.length > 0) await tell(context, done, choice);
}

/** Undefined: cancelled. */
async function convertOne(
  { engine, local }: ConvertContext,
  model: vscode.Uri,
  choice: Choice,
): Promise<ConvertView | undefined> {
  const [path, ownOps] = await Promise.all([local.pathOf(model), ownOpsOf(model)]);
  const out = choice.out(model);
  const { parity: _, ...options } = choice.options;
  const request: ConvertRequest = { path, out, force: false, ...options, ...(ownOps && { ownOps }) };
  const { shardBytes } = settings;
  const isSharded = shardBytes !== undefined && options.to !== "onnx";
  const run = (force: boolean) =>
    withProgress(engine, basename(model.path), { ...request, force, ...(isSharded ? { shardBytes } : {}) });
  try {
    return await run(false);
  } catch (error) {
    if (!(error instanceof ModelError) || error.problem.code !== "folder-not-empty") throw error;
    const write = vscode.l10n.t("Write There Anyway");
    const question = vscode.l10n.t("{0} holds other files. They stay; files of the same names are replaced.", out);
    if ((await vscode.window.showWarningMessage(question, { modal: true }, write)) !== write) return undefined;
    return run(true);
  }
}

async function withProgress(engine: Engine, name: string, request: ConvertRequest): Promise<ConvertView | undefined> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    cancellable: true,
    title: vscode.l10n.t("Converting {0}", name),
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    try {
      return await engine.call((api) => api.convert(request, progressTo(progress), abort.signal));
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      throw error;
    }
  });
}

/** The folder and the options, by quick picks; undefined where the user left. */
async function choose(context: ConvertContext, models: readonly vscode.Uri[], target: Target): Promise<Choice | undefined> {
  const suffix = target === "onnx" ? "-onnx" : settings.folderSuffix;
  const proposed = (model: vscode.Uri): string => join(homeOf(model), stem(model) + suffix);
  const subject = models.length === 1 ? nameOf(models[0]!) : plural(models.length, "model");
  const title = vscode.l10n.t("Convert {0} to {1}", subject, targetNames[target]);
  const beside: vscode.QuickPickItem = {
    label: models.length === 1 ? basename(proposed(models[0]!)) : vscode.l10n.t("A folder beside each model"),
    description: homeOf(models[0]!),
    iconPath: new vscode.ThemeIcon("folder"),
  };
  const other: vscode.QuickPickItem = {
    label: vscode.l10n.t("Another folder…"),
    iconPath: new vscode.ThemeIcon("folder-opened"),
  };
  const where = await vscode.window.showQuickPick([beside, other], {
    title,
    placeHolder: vscode.l10n.t("Folder for the result"),
  });
  if (!where) return undefined;
  let out = proposed;
  if (where === other) {
    const [folder] = (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      defaultUri: vscode.Uri.file(homeOf(models[0]!)),
      openLabel: vscode.l10n.t("Convert Here"),
    })) ?? [undefined];
    if (!folder) return undefined;
    out = (model) => join(folder.fsPath, stem(model) + suffix);
  }
  const model = models.length === 1 ? await read(context, models[0]!) : undefined;
  const options = await chooseOptions(title, target, model);
  return options && { out, options };
}

/** For what the options depend on; what is wrong with the model is told when it is converted. */
const read = async ({ engine, local }: ConvertContext, model: vscode.Uri): Promise<ModelView | undefined> => {
  const path = await local.pathOf(model);
  return engine.call((api) => api.open(path, new AbortController().signal)).catch(() => undefined);
};

/** A folder that is a model goes by its own name, and its conversion beside it. */
const isFolderModel = ({ path }: vscode.Uri): boolean => folderModels.includes(basename(path));
const nameOf = (model: vscode.Uri): string => basename(isFolderModel(model) ? dirname(model.path) : model.path);

const stem = (model: vscode.Uri): string =>
  isFolderModel(model) ? nameOf(model) : basename(model.path).replace(/(\.tar\.gz|\.[^.]+)$/, "");

/** Beside the model; for a model elsewhere, the workspace's first local folder. */
function homeOf(model: vscode.Uri): string {
  if (model.scheme === "file") {
    const [own, above] = [dirname(model.fsPath), dirname(dirname(model.fsPath))];
    return isFolderModel(model) && vscode.workspace.getWorkspaceFolder(vscode.Uri.file(above)) ? above : own;
  }
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file");
  return folder?.uri.fsPath ?? process.cwd();
}

async function tell(context: ConvertContext, done: readonly Done[], choice: Choice): Promise<void> {
  const [first] = done;
  const folder = vscode.l10n.t("Open Folder");
  const parity = vscode.l10n.t("Check Parity");
  const { signature, to } = choice.options;
  const isOnnx = to === "onnx";
  const snippet = isOnnx ? vscode.l10n.t("Copy C# Snippet") : vscode.l10n.t("Copy Load Snippet");
  for (const { view } of done) for (const problem of view.problems) log(problemText(problem));
  const text =
    done.length === 1 ? convertedText(first!.view, vscode.l10n) : vscode.l10n.t("Converted {0}.", plural(done.length, "model"));
  const check = ({ model, view }: Done) =>
    context.checkParity(model, { converted: view.out, isOnnx, ...(signature === undefined ? {} : { signature }) });
  // Of a layers model no run is compared.
  const isGraph = to !== "tfjs-layers";
  if (choice.options.parity && isGraph) for (const each of done) await check(each);
  const buttons = done.length === 1 && isGraph ? [folder, parity, snippet] : [folder];
  const answer = await vscode.window.showInformationMessage(text, ...buttons);
  if (answer === folder) await openFolder(first!.view);
  if (answer === parity) await check(first!);
  if (answer === snippet) await copyText(context.engine, first!.view.out, isOnnx);
}

/** In the Explorer where the folder is part of the workspace, else in the system's. */
async function openFolder({ out, files }: ConvertView): Promise<void> {
  const uri = vscode.Uri.file(join(out, files[0]!));
  const inside = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  await vscode.commands.executeCommand(inside ? "revealInExplorer" : "revealFileInOS", uri);
}

/** Puts TypeScript that loads and runs the conversion on the clipboard. */
export async function copySnippet(engine: Engine, folder: string): Promise<void> {
  await stat(join(folder, "model.json"));
  await copyText(engine, folder, false);
}

async function copyText(engine: Engine, folder: string, isCsharp: boolean): Promise<void> {
  await vscode.env.clipboard.writeText(await engine.call((api) => api.snippet(folder)));
  const text = isCsharp ? vscode.l10n.t("C# snippet copied.") : vscode.l10n.t("Load snippet copied.");
  vscode.window.setStatusBarMessage(text, 5_000);
}
