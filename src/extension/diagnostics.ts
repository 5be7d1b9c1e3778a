/** Verdicts in the Problems panel. They live on the text projection, since an entry on a binary file cannot lead to a node. */
import * as vscode from "vscode";
import type { Problem, Severity } from "../base/problem.ts";
import { ModelError } from "../base/problem.ts";
import type { NodeAt } from "../protocol/engine.ts";
import type { Engine } from "./engine.ts";
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
    sessions.onDidClose((session) => this.collection.delete(textUri(session.uri)));
    // A check widens columns, and the editor shifts marks with the text that it replaces: they are set anew on the new text.
    this.listener = vscode.workspace.onDidChangeTextDocument(({ document: { uri } }) => {
      const known = uri.scheme === textScheme ? this.collection.get(uri) : undefined;
      if (known) this.collection.set(uri, known);
    });
  }

  follow(session: ModelSession): void {
    session.onDidChange((change) => {
      if (change === "verdicts") void this.show(session).catch(() => {});
      else if (change === "failed") this.collection.set(textUri(session.uri), failureOf(session.failure));
      else if (change === "reading") this.collection.delete(textUri(session.uri));
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
    const nodes = problems.flatMap(({ at }): NodeAt[] => (at ? [at] : []));
    const path = await session.localPath();
    const spans = await this.engine.call((api) => api.textSpans(path, nodes));
    // Another dry run may have ended meanwhile; its own call shows it.
    if (session.verdicts !== verdicts) return;
    let next = 0;
    const list = problems.map((problem) => {
      const span = problem.at ? spans[next++] : undefined;
      return diagnosticOf(problem, span && rangeOf(span));
    });
    this.collection.set(textUri(session.uri), list);
  }
}

function diagnosticOf(problem: Problem, range = new vscode.Range(0, 0, 0, 0)): vscode.Diagnostic {
  const diagnostic = new vscode.Diagnostic(range, problemText(problem), severities[problem.severity]);
  diagnostic.source = "modelwright";
  diagnostic.code = problem.code;
  return diagnostic;
}

function failureOf(failure: unknown): vscode.Diagnostic[] {
  return failure instanceof ModelError ? [diagnosticOf(failure.problem)] : [];
}
