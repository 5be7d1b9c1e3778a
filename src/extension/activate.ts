/** The extension's entry. Registers what VS Code calls; the engine starts with the first model. */
import { join } from "node:path";
import * as vscode from "vscode";
import { chooseModels, openSample } from "./commands/choose.ts";
import { convertModels, copySnippet } from "./commands/convert.ts";
import { revealInGraph, revealInText, showUnsupportedOps, stepProblem } from "./commands/navigate.ts";
import type { Target } from "./commands/options.ts";
import { type Conversion, checkParity } from "./commands/parity.ts";
import { ModelDecorations } from "./decorations.ts";
import { Diagnostics } from "./diagnostics.ts";
import { ModelEditors } from "./editor.ts";
import { Engine } from "./engine.ts";
import { ModelFolders } from "./folders.ts";
import { GpuRunner } from "./gpu.ts";
import { JsonModels } from "./json-models.ts";
import { ModelLenses } from "./lenses.ts";
import { LocalFiles } from "./local.ts";
import { disposeLog, log, showLog } from "./log.ts";
import { onOwnOps } from "./own-ops.ts";
import { report } from "./report.ts";
import { ParityResults } from "./results.ts";
import { ModelSession, Sessions } from "./session.ts";
import { onSetting, settings } from "./settings.ts";
import { Status } from "./status.ts";
import { ModelTexts } from "./text.ts";
import { sentence } from "./words.ts";

/** What the extension's own tests look at. */
export interface Exports {
  /** Of the engine's process; undefined while none runs. */
  enginePid(): number | undefined;
  /** What `activate` took, the host's part left out. */
  readonly activateMs: number;
}

export function activate(context: vscode.ExtensionContext): Exports {
  const started = performance.now();
  const gpu = new GpuRunner(context.extensionUri);
  const engine = new Engine({
    script: context.asAbsolutePath(join("dist", "engine.js")),
    nodePath: () => settings.nodePath,
    gpu: gpu.api,
    log,
    onCrash: tellCrash,
  });
  const local = new LocalFiles(join(context.globalStorageUri.fsPath, "fetched", String(process.pid)));
  const sessions = new Sessions((uri) => new ModelSession(uri, engine, local));
  const texts = new ModelTexts(sessions, engine);
  const lenses = new ModelLenses(sessions, engine);
  const diagnostics = new Diagnostics(sessions, engine);
  const decorations = new ModelDecorations(sessions);
  const status = new Status(sessions);
  const results = new ParityResults();
  const editors = new ModelEditors(context.extensionUri, sessions, {
    revealInText: (session, at) => revealInText(navigate, session.uri, at),
    run: async (action, { uri }) => {
      if (action === "convert") await convert([uri]);
      else if (action === "check-parity") await parity(uri);
      else if (action === "show-unsupported") await showUnsupportedOps(navigate, uri);
      else await vscode.commands.executeCommand("vscode.openWith", uri, "default");
    },
  });
  const navigate = { sessions, texts, editors };
  const parity = (uri: vscode.Uri, given?: Conversion) => checkParity({ engine, sessions, results }, uri, given);
  const convert = (uris: readonly vscode.Uri[], target?: Target) =>
    convertModels({ engine, local, checkParity: parity }, uris, target);
  const convertChosen = async (target: Target, uri?: vscode.Uri, uris?: readonly vscode.Uri[]) => {
    const models = await chooseModels(sessions, uris && uris.length > 0 ? uris : uri ? [uri] : []);
    if (models.length > 0) await convert(models, target);
  };

  sessions.onDidOpen((session) => {
    texts.follow(session);
    diagnostics.follow(session);
    decorations.follow(session);
    status.follow(session);
  });
  // These open sessions of what is there already, so they come once all who follow sessions are there.
  context.subscriptions.push(new JsonModels(sessions), new ModelFolders());
  const command = (name: string, run: (...args: never[]) => unknown) =>
    vscode.commands.registerCommand(`modelwright.${name}`, async (...args: unknown[]) => {
      try {
        return await run(...(args as never[]));
      } catch (error) {
        await report(error);
        return undefined;
      }
    });
  const recheckAll = () => {
    for (const session of sessions.all()) void session.recheck().catch(() => {});
  };
  context.subscriptions.push(
    engine,
    gpu,
    sessions,
    texts,
    lenses,
    diagnostics,
    decorations,
    status,
    results,
    editors,
    { dispose: () => void local.clear() },
    { dispose: disposeLog },
    onSetting("backend", recheckAll),
    onOwnOps(recheckAll),
    command("convertToTfjs", (uri?: vscode.Uri, uris?: vscode.Uri[]) => convertChosen("tfjs", uri, uris)),
    command("convertToOnnx", (uri?: vscode.Uri, uris?: vscode.Uri[]) => convertChosen("onnx", uri, uris)),
    command("checkParity", async (uri?: vscode.Uri) => {
      const [model] = await chooseModels(sessions, uri ? [uri] : []);
      if (model) await parity(model);
    }),
    command("showUnsupportedOps", (target?: unknown) => showUnsupportedOps(navigate, target)),
    command("revealInGraph", (target?: unknown, at?: { graph: number; node: number }) =>
      revealInGraph(navigate, target, asNode(at)),
    ),
    command("openAsGraph", async (uri?: vscode.Uri) => {
      const [model] = await chooseModels(sessions, uri ? [uri] : []);
      if (model) await revealInGraph(navigate, model);
    }),
    command("revealInText", (target?: unknown, at?: { graph: number; node: number }) =>
      revealInText(navigate, target, asNode(at)),
    ),
    command("nextProblem", () => stepProblem(navigate, 1)),
    command("previousProblem", () => stepProblem(navigate, -1)),
    command("copyLoadSnippet", (uri: vscode.Uri) => copySnippet(engine, vscode.Uri.joinPath(uri, "..").fsPath)),
    command("openSample", (name?: unknown) => openSample(context, typeof name === "string" ? name : undefined)),
    command("showLog", showLog),
  );
  return { enginePid: () => engine.pid, activateMs: performance.now() - started };
}

/** VS Code passes its own second argument to commands of menus. */
const asNode = (at: { graph?: unknown; node?: unknown } | undefined) =>
  typeof at?.graph === "number" && typeof at.node === "number" ? { graph: at.graph, node: at.node } : undefined;

function tellCrash(reason: string): void {
  const show = vscode.l10n.t("Show Log");
  const message = vscode.l10n.t("The engine stopped: {0} The next command starts it again.", sentence(reason));
  void vscode.window.showWarningMessage(message, show).then((answer) => answer === show && showLog());
}
