/** The text projection as a readonly document, with what an editor does for a language: hover, definition, outline, folding, lenses. */
import * as vscode from "vscode";
import type { EngineApi, NodeAt, TextHit, TextSpan, TextSymbol } from "../protocol/engine.ts";
import { bytes, plural } from "../protocol/format.ts";
import type { VerdictsView } from "../protocol/views.ts";
import type { Engine } from "./engine.ts";
import type { ModelSession, Sessions } from "./session.ts";
import { modelUri, textScheme, textUri } from "./text-uri.ts";
import { sentence } from "./words.ts";

export const textLanguage = "modelwright-text";

export const rangeOf = ({ line, start, end }: TextSpan): vscode.Range => new vscode.Range(line, start, line, end);

/** A text waits so long for its types and marks; then it comes without, and changes when they are there. */
const checkWaitMs = 1_000;

export class ModelTexts implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly releases = new Map<string, () => void>();
  /** By address: the verdicts that the text was made with. */
  private readonly shown = new Map<string, VerdictsView | undefined>();
  private readonly disposables: vscode.Disposable[] = [];

  constructor(
    private readonly sessions: Sessions,
    private readonly engine: Engine,
  ) {
    const language: vscode.DocumentSelector = { scheme: textScheme, language: textLanguage };
    const { languages, workspace } = vscode;
    this.disposables.push(
      this.changed,
      workspace.registerTextDocumentContentProvider(textScheme, {
        onDidChange: this.changed.event,
        provideTextDocumentContent: (uri) => this.content(uri),
      }),
      workspace.onDidOpenTextDocument(({ uri }) => this.catchUp(uri)),
      workspace.onDidCloseTextDocument(({ uri }) => this.release(uri)),
      languages.registerHoverProvider(language, { provideHover: ({ uri }, position) => this.hover(uri, position) }),
      languages.registerDefinitionProvider(language, {
        provideDefinition: ({ uri }, position) => this.definition(uri, position),
      }),
      languages.registerDocumentSymbolProvider(language, { provideDocumentSymbols: ({ uri }) => this.symbols(uri) }),
      languages.registerFoldingRangeProvider(language, { provideFoldingRanges: ({ uri }) => this.folds(uri) }),
    );
  }

  /** The session follows: a model read again or checked has another text. */
  follow(session: ModelSession): void {
    const uri = textUri(session.uri);
    session.onDidChange((change) => {
      const changesText = change === "model" || change === "verdicts" || change === "failed";
      if (changesText && this.releases.has(uri.toString())) this.changed.fire(uri);
    });
  }

  /** What stands at a place of the text. */
  async hit(uri: vscode.Uri, { line, character }: vscode.Position): Promise<TextHit | undefined> {
    // Verdicts widen columns: until the text has followed them, a place in it means another.
    const model = modelUri(uri);
    if (model && this.shown.get(uri.toString()) !== this.sessions.find(model)?.verdicts) return undefined;
    return this.ask(uri, (api, path) => api.textAt(path, line, character));
  }

  /** Shows the text, with the cursor on the node's op. */
  async reveal(session: ModelSession, at: NodeAt | undefined): Promise<void> {
    const uri = textUri(session.uri);
    const document = await vscode.workspace.openTextDocument(uri);
    const [span] = (at && (await this.ask(uri, (api, path) => api.textSpans(path, [at])))) ?? [];
    await vscode.window.showTextDocument(document, { preview: false, ...(span ? { selection: rangeOf(span) } : {}) });
  }

  dispose(): void {
    for (const release of this.releases.values()) release();
    this.releases.clear();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async content(uri: vscode.Uri): Promise<string> {
    const model = modelUri(uri);
    if (!model) throw new Error(`no model in ${uri.toString()}`);
    const key = uri.toString();
    if (!this.releases.has(key)) this.releases.set(key, this.sessions.hold(model).release);
    const session = this.sessions.find(model)!;
    try {
      await session.load();
    } catch (error) {
      return `# ${session.name}: ${error instanceof Error ? error.message.replace(/\s+/g, " ") : String(error)}`;
    }
    const checked = session.check().catch(() => {});
    await Promise.race([checked, new Promise((resolve) => setTimeout(resolve, checkWaitMs))]);
    this.shown.set(key, session.verdicts);
    return (await this.ask(uri, (api, path) => api.text(path))) ?? "";
  }

  /** Verdicts that came while VS Code was making the document: it hears no change of a document that is not there yet. */
  private catchUp(uri: vscode.Uri): void {
    const model = modelUri(uri);
    const session = model && this.sessions.find(model);
    if (session && this.shown.get(uri.toString()) !== session.verdicts) this.changed.fire(uri);
  }

  private release(uri: vscode.Uri): void {
    const key = uri.toString();
    // VS Code closes and opens a document when its language changes.
    if (vscode.workspace.textDocuments.some((document) => !document.isClosed && document.uri.toString() === key)) return;
    this.releases.get(key)?.();
    this.releases.delete(key);
    this.shown.delete(key);
  }

  private async ask<R>(uri: vscode.Uri, ask: (api: EngineApi, path: string) => Promise<R>): Promise<R | undefined> {
    const model = modelUri(uri);
    const session = model && this.sessions.find(model);
    if (!session) return undefined;
    const path = await session.localPath();
    return this.engine.call((api) => ask(api, path));
  }

  private async hover(uri: vscode.Uri, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const hit = await this.hit(uri, position);
    if (!hit || !rangeOf(hit.span).contains(position)) return undefined;
    const parts: vscode.MarkdownString[] = [];
    const text = (draw: (markdown: vscode.MarkdownString) => void) => {
      const markdown = new vscode.MarkdownString(undefined, true);
      draw(markdown);
      parts.push(markdown);
    };
    // Problems are not repeated: the editor shows a mark's message over the hover.
    if (hit.value) {
      const { name, dtype, shape, other, bytes: size, producer, uses } = hit.value;
      const type = other ?? `${dtype ?? "?"}${shape ? `[${shape.map((dim) => dim ?? "?").join(",")}]` : ""}`;
      text((markdown) => markdown.appendCodeblock(`${name} : ${type}`, textLanguage));
      const used = vscode.l10n.t("used by {0}", plural(uses, "node"));
      const from = producer ? vscode.l10n.t("made by {0}", producer) : undefined;
      const stored = size === undefined ? undefined : vscode.l10n.t("weight, {0}", bytes(size));
      text((markdown) => markdown.appendText(sentence([stored, from, used].filter(Boolean).join(" · "))));
    }
    if (hit.on) {
      text((markdown) => {
        markdown.isTrusted = { enabledCommands: ["modelwright.revealInGraph"] };
        const target = encodeURIComponent(JSON.stringify([uri.toString(), hit.on]));
        markdown.appendMarkdown(`[${vscode.l10n.t("Reveal in graph")}](command:modelwright.revealInGraph?${target})`);
      });
    }
    return new vscode.Hover(parts, rangeOf(hit.span));
  }

  private async definition(uri: vscode.Uri, position: vscode.Position): Promise<vscode.Location | undefined> {
    const hit = await this.hit(uri, position);
    return hit?.definition && new vscode.Location(uri, rangeOf(hit.definition));
  }

  private async symbols(uri: vscode.Uri): Promise<vscode.DocumentSymbol[]> {
    const symbols = (await this.ask(uri, (api, path) => api.textSymbols(path))) ?? [];
    // As deep as sub-graphs nest, which the reader bounds.
    const convert = ({ name, detail, kind, firstLine, lastLine, selection, children }: TextSymbol): vscode.DocumentSymbol => {
      const icon = kind === "node" ? vscode.SymbolKind.Method : vscode.SymbolKind.Namespace;
      const whole = new vscode.Range(firstLine, 0, lastLine, Number.MAX_SAFE_INTEGER);
      const symbol = new vscode.DocumentSymbol(name || detail, detail, icon, whole, rangeOf(selection));
      symbol.children = children.map(convert);
      return symbol;
    };
    return symbols.map(convert);
  }

  private async folds(uri: vscode.Uri): Promise<vscode.FoldingRange[]> {
    const folds = await this.ask(uri, (api, path) => api.textFolds(path));
    return (folds ?? []).map(([first, last]) => new vscode.FoldingRange(first, last - 1));
  }
}
