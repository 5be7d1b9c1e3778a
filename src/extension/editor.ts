/** The custom editor: a page that draws, fed from the model's session. Structure first; verdicts follow. */
import * as vscode from "vscode";
import { Cancelled } from "../base/cancel.ts";
import type { NodeAt } from "../protocol/engine.ts";
import { type Connection, connect, Disconnected, type Port, serve } from "../protocol/rpc.ts";
import type { Action, FailureView, HostApi, VerdictsView, WebviewApi } from "../protocol/views.ts";
import { graphView, optionalGraphView, viewOf } from "./active.ts";
import { nonce, pageHtml } from "./html.ts";
import { pageLanguage } from "./l10n.ts";
import { log } from "./log.ts";
import { report } from "./report.ts";
import type { Change, ModelSession, Sessions } from "./session.ts";
import { settings } from "./settings.ts";
import { isModelFault } from "./words.ts";

/** A page that has not called by then has lost its script on the way: it happens to pages that a window restores at once. */
const loadMs = 15_000;
const maxLoads = 3;

export interface EditorActions {
  readonly revealInText: (session: ModelSession, at: NodeAt) => Promise<void>;
  readonly run: (action: Action, session: ModelSession) => Promise<void>;
}

export function webviewPort(webview: vscode.Webview): Port {
  return {
    post: (message) => void webview.postMessage(message),
    listen(listener) {
      const subscription = webview.onDidReceiveMessage(listener);
      return () => subscription.dispose();
    },
  };
}

export class ModelEditors implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
  private readonly pages = new Map<string, Set<Page>>();
  private readonly registration: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly actions: EditorActions,
  ) {
    const register = (type: string) =>
      vscode.window.registerCustomEditorProvider(type, this, { supportsMultipleEditorsPerDocument: true });
    this.registration = vscode.Disposable.from(register(graphView), register(optionalGraphView));
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const { session, release } = this.sessions.hold(uri);
    const key = uri.toString();
    const page = new Page(panel, session, this.extension, this.actions);
    const pages = this.pages.get(key) ?? new Set();
    this.pages.set(key, pages.add(page));
    panel.onDidDispose(() => {
      pages.delete(page);
      page.dispose();
      release();
    });
  }

  /** Opens the graph where it is not open, and selects the node. */
  async reveal(uri: vscode.Uri, at: NodeAt | undefined): Promise<void> {
    await vscode.commands.executeCommand("vscode.openWith", uri, viewOf(uri));
    if (at) await this.active(uri)?.reveal(at);
  }

  async nextProblem(uri: vscode.Uri, step: 1 | -1): Promise<void> {
    await this.active(uri)?.nextProblem(step);
  }

  dispose(): void {
    this.registration.dispose();
  }

  /** The page of this model that is in front, or any. */
  private active(uri: vscode.Uri): Page | undefined {
    const pages = [...(this.pages.get(uri.toString()) ?? [])];
    return pages.find(({ panel }) => panel.active) ?? pages[0];
  }
}

class Page implements vscode.Disposable {
  private readonly connection: Connection<WebviewApi>;
  private readonly disposables: vscode.Disposable[] = [];
  /** Settles when the model is on the page; anew with every reading. Before the page's first call it waits for that. */
  private drawn: Promise<void>;
  private startDrawing: (drawing: Promise<void>) => void = () => {};
  private sent: VerdictsView | undefined;
  private loading: NodeJS.Timeout | undefined;
  private loads = 0;

  constructor(
    readonly panel: vscode.WebviewPanel,
    private readonly session: ModelSession,
    extension: vscode.Uri,
    private readonly actions: EditorActions,
  ) {
    const { webview } = panel;
    const dist = vscode.Uri.joinPath(extension, "dist");
    webview.options = { enableScripts: true, localResourceRoots: [dist] };
    const port = webviewPort(webview);
    this.connection = connect<WebviewApi>(port);
    this.drawn = new Promise((resolve) => {
      this.startDrawing = resolve;
    });
    this.disposables.push(
      { dispose: serve<HostApi>(port, this.host()).close },
      session.onDidChange((change) => void this.follow(change)),
    );
    // The page takes longer to load than most models to be read. Failures are told when the page asks.
    for (const ahead of [session.load(), session.main()]) ahead.catch(() => {});
    this.loadPage(dist);
  }

  async reveal({ graph, node }: NodeAt): Promise<void> {
    await this.drawn;
    await this.connection.api.reveal(graph, node);
  }

  async nextProblem(step: 1 | -1): Promise<void> {
    await this.drawn;
    await this.connection.api.nextProblem(step);
  }

  dispose(): void {
    clearTimeout(this.loading);
    this.connection.close("the editor is closed");
    for (const disposable of this.disposables) disposable.dispose();
  }

  private host(): HostApi {
    const { session } = this;
    return {
      ready: async () => {
        clearTimeout(this.loading);
        void this.open();
      },
      graph: (id) => session.graph(id),
      details: (graph, node) => session.details(graph, node),
      select: async (graph, node) => {
        session.selected = node === undefined ? undefined : { graph, node };
      },
      revealInText: (graph, node) => this.actions.revealInText(session, { graph, node }),
      setBackend: async (backend) => {
        await settings.setBackend(backend);
      },
      reload: () => session.reload().catch(() => {}),
      cancel: async () => session.cancel(),
      run: (action) => this.actions.run(action, session),
    };
  }

  private loadPage(dist: vscode.Uri): void {
    const { webview } = this.panel;
    const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(dist, "webview", name)).toString();
    webview.html = pageHtml({
      title: this.session.name,
      ...pageLanguage(vscode),
      cspSource: webview.cspSource,
      script: file("main.js"),
      styles: [file("codicon.css"), file("main.css")],
      nonce: nonce(),
    });
    if (++this.loads < maxLoads) this.loading = setTimeout(() => this.panel.visible && this.loadPage(dist), loadMs);
  }

  /** Shows what is known and asks for the rest. Called again when the page was hidden and is made anew. */
  private async open(): Promise<void> {
    const { session } = this;
    this.sent = undefined;
    this.drawn = this.draw();
    this.startDrawing(this.drawn);
    try {
      await this.drawn;
    } catch (error) {
      await this.fail(error);
      return;
    }
    await this.tell(async () => {
      if (session.parity) await this.connection.api.parity(session.parity.paint);
      await this.sendVerdicts(await session.check());
    });
  }

  /** What comes after the graph; where it fails the graph stays. */
  private async tell(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      if (error instanceof Disconnected) return;
      // The page waits for verdicts until it is told that none come.
      if (!this.sent) await this.connection.api.verdicts(undefined).catch(() => {});
      await report(error, this.session.name);
    }
  }

  private async draw(): Promise<void> {
    const { session } = this;
    const { api } = this.connection;
    if (!session.model) void api.opening({ what: vscode.l10n.t("Reading {0}", session.name) }).catch(() => {});
    const [model, main] = await Promise.all([session.load(), session.main()]);
    await api.show(model, main, session.backend);
  }

  /** Verdicts name nodes of what is drawn, so they wait for it. */
  private async sendVerdicts(verdicts: VerdictsView): Promise<void> {
    // Where drawing failed, that has been told.
    const drawn = await this.drawn.then(
      () => true,
      () => false,
    );
    if (!drawn || this.sent === verdicts) return;
    this.sent = verdicts;
    await this.connection.api.verdicts(verdicts);
  }

  private async follow(change: Change): Promise<void> {
    const { session } = this;
    const { verdicts, parity } = session;
    if (change === "reading") await this.open();
    else if (change === "verdicts" && verdicts) await this.tell(() => this.sendVerdicts(verdicts));
    else if (change === "parity") await this.tell(() => this.connection.api.parity(parity?.paint));
  }

  private async fail(error: unknown): Promise<void> {
    const view = failureView(error, this.session.name);
    if (!view) return;
    if (view.kind === "crashed") log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await this.connection.api.failed(view).catch(() => {});
  }
}

/** Undefined: nobody is there to be told. */
function failureView(error: unknown, file: string): FailureView | undefined {
  if (isModelFault(error)) return { kind: "broken", file, problem: error.problem };
  if (error instanceof Disconnected) return undefined;
  if (error instanceof Cancelled) return { kind: "crashed", reason: vscode.l10n.t("Opening was cancelled.") };
  return { kind: "crashed", reason: error instanceof Error ? error.message : String(error) };
}
