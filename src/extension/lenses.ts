/** Lenses of the text: the model's verbs over its first line, and the way to the graph over every node that cannot run. */
import * as vscode from "vscode";
import { plural } from "../protocol/format.ts";
import type { Engine } from "./engine.ts";
import type { Sessions } from "./session.ts";
import { rangeOf, textLanguage } from "./text.ts";
import { modelUri, textScheme } from "./text-uri.ts";
import { unsupportedNodes } from "./words.ts";

/** More lenses than fit any screen only slow the editor. */
const maxLenses = 500;

export class ModelLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly registration: vscode.Disposable;

  constructor(
    private readonly sessions: Sessions,
    private readonly engine: Engine,
  ) {
    this.registration = vscode.languages.registerCodeLensProvider({ scheme: textScheme, language: textLanguage }, this);
    sessions.onDidOpen((session) => session.onDidChange((change) => change === "verdicts" && this.changed.fire()));
  }

  async provideCodeLenses({ uri }: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const model = modelUri(uri);
    const session = model && this.sessions.find(model);
    if (!session) return [];
    const target = session.uri.toString();
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (range: vscode.Range, title: string, command: string, ...args: unknown[]) =>
      new vscode.CodeLens(range, { title, command: `modelwright.${command}`, arguments: args });
    const lenses = [
      lens(top, vscode.l10n.t("Open graph"), "revealInGraph", target),
      lens(top, vscode.l10n.t("Convert to TF.js…"), "convertToTfjs", session.uri),
    ];
    const { verdicts } = session;
    if (!verdicts) return lenses;
    const missing = unsupportedNodes(verdicts);
    if (missing > 0)
      lenses.push(lens(top, vscode.l10n.t("{0} unsupported", plural(missing, "node")), "showUnsupportedOps", target));
    const nodes = verdicts.problems.flatMap(({ at, severity }) => (at && severity === "error" ? [at] : [])).slice(0, maxLenses);
    const path = await session.localPath();
    const spans = await this.engine.call((api) => api.textSpans(path, nodes));
    const seen = new Set<number>();
    for (const [i, span] of spans.entries()) {
      if (!span || seen.has(span.line)) continue;
      seen.add(span.line);
      lenses.push(lens(rangeOf(span), vscode.l10n.t("Reveal in graph"), "revealInGraph", target, nodes[i]));
    }
    return lenses;
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
