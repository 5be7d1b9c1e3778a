/** Between graph, text and problems. */
import { basename } from "node:path";
import * as vscode from "vscode";
import type { NodeAt } from "../../protocol/engine.ts";
import { integer } from "../../protocol/format.ts";
import type { ProblemView } from "../../protocol/views.ts";
import { activeModel } from "../active.ts";
import type { ModelEditors } from "../editor.ts";
import { report } from "../report.ts";
import type { Sessions } from "../session.ts";
import type { ModelTexts } from "../text.ts";
import { modelUri, textScheme } from "../text-uri.ts";
import { operatorCounts, problemText, unsupportedNodes } from "../words.ts";
import { chooseModels } from "./choose.ts";

export interface NavigateContext {
  readonly sessions: Sessions;
  readonly texts: ModelTexts;
  readonly editors: ModelEditors;
}

/** `target` is the address of a model or of its text; the active one where absent. */
function modelOf(target: unknown): vscode.Uri | undefined {
  const uri = typeof target === "string" ? vscode.Uri.parse(target, true) : target instanceof vscode.Uri ? target : undefined;
  return uri ? (uri.scheme === textScheme ? modelUri(uri) : uri) : activeModel();
}

/** Without `at`: the node whose line holds the cursor of the text. */
export async function revealInGraph({ texts, editors }: NavigateContext, target?: unknown, at?: NodeAt): Promise<void> {
  const model = modelOf(target);
  if (!model) return;
  const editor = vscode.window.activeTextEditor;
  const inText = editor && modelUri(editor.document.uri)?.toString() === model.toString();
  const node = at ?? (inText ? (await texts.hit(editor.document.uri, editor.selection.active))?.on : undefined);
  await editors.reveal(model, node);
}

/** Without `at`: the node selected in the graph. */
export async function revealInText({ sessions, texts }: NavigateContext, target?: unknown, at?: NodeAt): Promise<void> {
  const model = modelOf(target);
  if (!model) return;
  const { session, release } = sessions.hold(model);
  try {
    await session.load();
    const node = at ?? session.selected;
    await texts.reveal(session, node);
  } catch (error) {
    await report(error, basename(model.path));
  } finally {
    release();
  }
}

export async function stepProblem({ editors }: NavigateContext, step: 1 | -1): Promise<void> {
  const model = activeModel();
  if (!model) return;
  const inText = vscode.window.activeTextEditor?.document.uri.scheme === textScheme;
  if (inText) await vscode.commands.executeCommand(step === 1 ? "editor.action.marker.next" : "editor.action.marker.prev");
  else await editors.nextProblem(model, step);
}

interface ProblemPick extends vscode.QuickPickItem {
  readonly at?: NodeAt | undefined;
}

/** A list of the operators that stop the model, by operator; choosing one selects its first node in the graph. */
export async function showUnsupportedOps(context: NavigateContext, target?: unknown): Promise<void> {
  const model = modelOf(target) ?? (await chooseModels(context.sessions, []))[0];
  if (!model) return;
  const { session, release } = context.sessions.hold(model);
  try {
    const verdicts = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: vscode.l10n.t("Checking {0}", session.name) },
      () => session.check(),
    );
    const errors = verdicts.problems.filter(({ severity }) => severity === "error");
    if (errors.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("Every operator of {0} runs in TF.js on {1}.", session.name, verdicts.backend),
      );
      return;
    }
    const picks = [...operatorCounts(errors)].map(([op, count]) =>
      pickOf(
        op,
        count,
        errors.filter((problem) => problem.op === op),
      ),
    );
    const others = errors
      .filter(({ op }) => op === undefined)
      .map((problem): ProblemPick => ({ label: problemText(problem), at: problem.at }));
    const title = vscode.l10n.t(
      "{0} of {1} nodes of {2} cannot run in TF.js on {3}",
      integer(unsupportedNodes(verdicts)),
      integer(session.model?.nodes ?? 0),
      session.name,
      verdicts.backend,
    );
    const options = { title, placeHolder: vscode.l10n.t("Choose an operator to see its first node"), matchOnDetail: true };
    const picked = await vscode.window.showQuickPick([...picks, ...others], options);
    if (picked?.at) await context.editors.reveal(model, picked.at);
  } catch (error) {
    await report(error, basename(model.path));
  } finally {
    release();
  }
}

function pickOf(op: string, count: number, problems: readonly ProblemView[]): ProblemPick {
  const [first] = problems;
  if (!first) return { label: op };
  const { op: _, ...unnamed } = first; // the label has it
  return { label: op, description: `×${integer(count)}`, detail: problemText(unnamed), at: first.at };
}
