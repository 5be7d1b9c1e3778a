/** Check Parity: backend, progress with cancel, results view, errors painted on the graph. */
import { basename } from "node:path";
import * as vscode from "vscode";
import { ModelError } from "../../base/problem.ts";
import type { ParityRequest, ParityResult } from "../../protocol/engine.ts";
import { isGpu } from "../../protocol/engine.ts";
import { type Backend, backends, type ParityBackend } from "../../protocol/views.ts";
import type { Engine } from "../engine.ts";
import { ownOpsOf } from "../own-ops.ts";
import { progressTo } from "../progress.ts";
import { report, requireTrust } from "../report.ts";
import { firstDifference, type ParityResults } from "../results.ts";
import type { Sessions } from "../session.ts";
import { settings } from "../settings.ts";
import { backendWords, parityText, problemText } from "../words.ts";

export interface ParityContext {
  readonly engine: Engine;
  readonly sessions: Sessions;
  readonly results: ParityResults;
}

/** `converted` is the folder that holds it; without one a temporary one is made. */
export interface Conversion extends Pick<ParityRequest, "converted" | "signature"> {
  /** It is an ONNX model, which runs in onnxruntime and nowhere else. */
  readonly isOnnx?: boolean;
}

/** Compares the model with its conversion. */
export async function checkParity(context: ParityContext, model: vscode.Uri, given: Conversion = {}): Promise<void> {
  if (!(await requireTrust(vscode.l10n.t("Running a model")))) return;
  const backend = given.isOnnx ? settings.backend : await pickBackend(basename(model.path));
  if (backend) await run(context, model, given, backend);
}

async function pickBackend(name: string): Promise<Backend | undefined> {
  const chosen = settings.backend;
  const order = [chosen, ...backends.filter((backend) => backend !== chosen)];
  const words = backendWords(vscode.l10n);
  const items = order.map((backend) => ({ label: backend, description: words[backend], backend }));
  const options = { title: vscode.l10n.t("Check parity of {0}", name), placeHolder: vscode.l10n.t("TF.js backend to run on") };
  return (await vscode.window.showQuickPick(items, options))?.backend;
}

async function run(context: ParityContext, model: vscode.Uri, given: Conversion, backend: Backend): Promise<void> {
  const { engine, sessions, results } = context;
  const { isOnnx, ...conversion } = given;
  const name = basename(model.path);
  const { session, release } = sessions.hold(model);
  try {
    const { seed, atol, rtol } = settings;
    const tolerance = { ...(atol === undefined ? {} : { atol }), ...(rtol === undefined ? {} : { rtol }) };
    const [path, ownOps] = await Promise.all([session.localPath(), ownOpsOf(model)]);
    const request: ParityRequest = {
      path,
      backend,
      seed,
      layers: true,
      ...tolerance,
      ...(ownOps && { ownOps }),
      ...conversion,
    };
    const result = await withProgress(engine, name, request, isOnnx ? "onnxruntime" : backend);
    if (!result) return;
    session.setParity(result);
    await results.show({ model, name, result, release: sessions.hold(model).release });
    await tell(model, result);
  } catch (error) {
    if (isGpu(backend) && error instanceof ModelError && error.problem.code === "backend-unavailable") {
      const wasm = vscode.l10n.t("Run on wasm");
      if ((await vscode.window.showWarningMessage(problemText(error.problem), wasm)) === wasm)
        await run(context, model, given, "wasm");
    } else await report(error);
  } finally {
    release();
  }
}

async function withProgress(
  engine: Engine,
  name: string,
  request: ParityRequest,
  on: ParityBackend,
): Promise<ParityResult | undefined> {
  const title = vscode.l10n.t("Checking parity of {0} on {1}", name, on);
  const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title };
  return vscode.window.withProgress(options, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    try {
      return await engine.call((api) => api.parity(request, progressTo(progress), abort.signal));
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      throw error;
    }
  });
}

async function tell(model: vscode.Uri, result: ParityResult): Promise<void> {
  const text = parityText(result, vscode.l10n);
  const at = firstDifference(result)?.at;
  if (result.verdict !== "different" && result.verdict !== "not-compared") {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const graph = vscode.l10n.t("Reveal in Graph");
  const projection = vscode.l10n.t("Reveal in Text");
  if (at) await vscode.commands.executeCommand("modelwright.revealInGraph", model.toString(), at);
  // Not awaited by the run: the message may stay as long as it likes.
  void vscode.window.showWarningMessage(text, ...(at ? [graph, projection] : [])).then(async (answer) => {
    if (answer === graph) await vscode.commands.executeCommand("modelwright.revealInGraph", model.toString(), at);
    if (answer === projection) await vscode.commands.executeCommand("modelwright.revealInText", model.toString(), at);
  });
}
