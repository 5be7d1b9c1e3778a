/** Verdicts in the Problems panel. They live on the text projection, since an entry on a binary file cannot lead to a node; a model.json is text itself. */
import * as vscode from "vscode";
import type { Problem, Severity } from "../base/problem.ts";
import { ModelError } from "../base/problem.ts";
import type { NodeAt, TextSpan } from "../protocol/engine.ts";
import type { ProblemView } from "../protocol/views.ts";
import type { Engine } from "./engine.ts";
import { isJsonModel } from "./json-models.ts";
import type { ModelSession, Sessions } from "./session.ts";
import { rangeOf } from "./text.ts";
import { textScheme, textUri } from "./text-uri.ts";
import { problemText } from "./words.ts";

/** VS Code shows 1000 a file; more only cost time. */
const maxShown = 1_000;

const severities: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

export class Diagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection("modelwright");
  private readonly listener: vscode.Disposable;

  constructor(
    sessions: Sessions,
    private readonly engine: Engine,
  ) {
    sessions.onDidClose((session) => this.collection.delete(placeOf(session)));
    // A check widens columns, and the editor shifts marks with the text that it replaces: they are set anew on the new text.
    this.listener = vscode.workspace.onDidChangeTextDocument(({ document: { uri } }) => {
      const known = uri.scheme === textScheme ? this.collection.get(uri) : undefined;
      if (known) this.collection.set(uri, known);
    });
  }

  follow(session: ModelSession): void {
    session.onDidChange((change) => {
      if (change === "verdicts") void this.show(session).catch(() => {});
      else if (change === "failed") void this.fail(session).catch(() => {});
      else if (change === "reading") this.collection.delete(placeOf(session));
    });
  }

  dispose(): void {
    this.listener.dispose();
    this.collection.dispose();
  }

  private async show(session: ModelSession): Promise<void> {
    const { verdicts } = session;
    if (!verdicts) return;
    const problems = verdicts.problems.slice(0, maxShown);
    const spans = await this.spans(session, problems);
    // Another dry run may have ended meanwhile; its own call shows it.
    if (session.verdicts !== verdicts) return;
    const list = problems.map((problem, i) => diagnosticOf(problem, spans[i] && rangeOf(spans[i])));
    this.collection.set(placeOf(session), list);
  }

  private async fail(session: ModelSession): Promise<void> {
    const { failure } = session;
    const problems = failure instanceof ModelError ? [failure.problem] : [];
    const spans = await this.spans(session, problems).catch(() => []);
    if (session.failure !== failure) return;
    const list = problems.map((problem, i) => diagnosticOf(problem, spans[i] && rangeOf(spans[i])));
    this.collection.set(placeOf(session), list);
  }

  /** In the model's own text where it has one, else in its projection. */
  private async spans(session: ModelSession, problems: readonly ProblemView[]): Promise<readonly (TextSpan | undefined)[]> {
    const path = await session.localPath();
    if (isJsonModel(session.uri)) return this.engine.call((api) => api.jsonSpans(path, problems));
    const nodes = problems.flatMap(({ at }): NodeAt[] => (at ? [at] : []));
    if (nodes.length === 0) return [];
    const spans = await this.engine.call((api) => api.textSpans(path, nodes));
    let next = 0;
    return problems.map(({ at }) => (at ? spans[next++] : undefined));
  }
}

function diagnosticOf(problem: Problem, range?: vscode.Range): vscode.Diagnostic {
  // A mark says where; bytes are for files that are no text.
  const { offset: _, ...marked } = problem;
  const text = problemText(range ? marked : problem);
  const diagnostic = new vscode.Diagnostic(range ?? new vscode.Range(0, 0, 0, 0), text, severities[problem.severity]);
  diagnostic.source = "modelwright";
  diagnostic.code = problem.code;
  return diagnostic;
}

/** Where the problems are listed. */
const placeOf = ({ uri }: ModelSession): vscode.Uri => (isJsonModel(uri) ? uri : textUri(uri));
