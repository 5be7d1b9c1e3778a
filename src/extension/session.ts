/** What is known of each open model: structure, then verdicts. One session a model, shared by its graph, its text and its diagnostics. */
import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import type { NodeAt, ParityResult } from "../protocol/engine.ts";
import type { Backend, DrawnGraph, ModelView, NodeDetails, VerdictsView } from "../protocol/views.ts";
import type { Engine } from "./engine.ts";
import type { LocalFiles } from "./local.ts";
import { ownOpsOf } from "./own-ops.ts";
import { settings } from "./settings.ts";

/** Writers save in bursts; a model is read again when it has been still for so long. */
const settleMs = 300;

export type Change = "model" | "verdicts" | "unchecked" | "failed" | "parity" | "reading";

export class ModelSession implements vscode.Disposable {
  model: ModelView | undefined;
  verdicts: VerdictsView | undefined;
  parity: ParityResult | undefined;
  /** Why the model cannot be shown. */
  failure: unknown;
  /** The last dry run came to no end; who asked for it has been told why. */
  unchecked = false;
  /** The node selected in the graph. */
  selected: NodeAt | undefined;

  private readonly changed = new vscode.EventEmitter<Change>();
  readonly onDidChange = this.changed.event;
  private loading: Promise<ModelView> | undefined;
  private checking: Promise<VerdictsView> | undefined;
  private drawing: Promise<DrawnGraph> | undefined;
  private abort = new AbortController();
  private readonly watcher: vscode.FileSystemWatcher;
  private settling: NodeJS.Timeout | undefined;
  private path: Promise<string> | undefined;

  constructor(
    readonly uri: vscode.Uri,
    private readonly engine: Engine,
    private readonly local: LocalFiles,
  ) {
    const folder = uri.with({ path: dirname(uri.path) });
    this.watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, watched(this.name)));
    const soon = () => {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => void this.reload().catch(() => {}), settleMs);
    };
    this.watcher.onDidChange(soon);
    this.watcher.onDidCreate(soon);
    // A file that is written anew may go first; one that has gone for good is told.
    this.watcher.onDidDelete(soon);
  }

  get name(): string {
    return basename(this.uri.path);
  }

  get backend(): Backend {
    return settings.backend;
  }

  /** Where the engine reads the model; fetched once for a file that is elsewhere. */
  localPath(): Promise<string> {
    this.path ??= this.local.pathOf(this.uri);
    this.path.catch(() => {
      this.path = undefined;
    });
    return this.path;
  }

  /** The structure. Rejects as `Engine.call` does; the next call tries again. */
  load(): Promise<ModelView> {
    if (!this.loading) {
      const { signal } = this.abort;
      const loading = this.localPath().then(async (path) => {
        const model = await this.engine.call((api) => api.open(path, signal));
        if (this.loading === loading) this.found(model);
        return model;
      });
      this.loading = loading;
      loading.catch((error: unknown) => {
        if (this.loading !== loading) return;
        this.loading = undefined;
        this.model = undefined;
        this.failure = error;
        this.changed.fire("failed");
      });
    }
    return this.loading;
  }

  /** The dry run for the backend of the settings; starts after the structure. */
  check(): Promise<VerdictsView> {
    if (!this.checking) {
      const { signal } = this.abort;
      this.unchecked = false;
      const checking = this.load().then(async () => {
        const [path, ownOps] = await Promise.all([this.localPath(), ownOpsOf(this.uri)]);
        const verdicts = await this.engine.call((api) => api.check(path, this.backend, ownOps, signal));
        if (this.checking === checking) {
          this.verdicts = verdicts;
          this.changed.fire("verdicts");
        }
        return verdicts;
      });
      this.checking = checking;
      checking.catch(() => {
        if (this.checking !== checking) return;
        this.checking = undefined;
        this.unchecked = true;
        this.changed.fire("unchecked");
      });
    }
    return this.checking;
  }

  /** The main graph, laid out; may be asked for before the structure is there, so that the two are made at once. */
  main(): Promise<DrawnGraph> {
    if (!this.drawing) {
      const drawing = this.graph(0);
      this.drawing = drawing;
      drawing.catch(() => {
        if (this.drawing === drawing) this.drawing = undefined;
      });
    }
    return this.drawing;
  }

  async graph(id: number): Promise<DrawnGraph> {
    const path = await this.localPath();
    return this.engine.call((api) => api.graph(path, id, this.abort.signal));
  }

  async details(graph: number, node: number): Promise<NodeDetails> {
    const path = await this.localPath();
    return this.engine.call((api) => api.details(path, graph, node));
  }

  /** Reads the file again; those who listen see "reading", then "model" and "verdicts", or "failed". */
  async reload(): Promise<void> {
    this.cancel();
    this.path = this.uri.scheme === "file" ? this.path : undefined;
    this.verdicts = undefined;
    this.parity = undefined;
    this.failure = undefined;
    this.changed.fire("reading");
    await this.load();
    await this.check();
  }

  /** Another backend: the verdicts alone are made anew. */
  async recheck(): Promise<void> {
    this.checking = undefined;
    await this.check();
  }

  setParity(result: ParityResult | undefined): void {
    this.parity = result;
    this.changed.fire("parity");
  }

  /** Stops what is being read. */
  cancel(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.loading = undefined;
    this.checking = undefined;
    this.drawing = undefined;
  }

  dispose(): void {
    clearTimeout(this.settling);
    this.cancel();
    this.watcher.dispose();
    this.changed.dispose();
  }

  private found(model: ModelView): void {
    this.model = model;
    this.failure = undefined;
    this.changed.fire("model");
  }
}

/** The model's file, and the weights that belong to it where their names tell. */
function watched(name: string): string {
  if (name === "saved_model.pb") return "{saved_model.pb,variables/*}";
  return name.endsWith(".json") ? "{*.json,*.bin,group*-shard*}" : escapeGlob(name);
}

const escapeGlob = (name: string): string => name.replace(/[[\]{}?*]/g, "[$&]");

/** The sessions in use: an editor, a text or a running command holds one; the last to let go ends it. */
export class Sessions implements vscode.Disposable {
  private readonly held = new Map<string, { session: ModelSession; holders: number }>();
  private readonly opened = new vscode.EventEmitter<ModelSession>();
  private readonly closed = new vscode.EventEmitter<ModelSession>();
  readonly onDidOpen = this.opened.event;
  readonly onDidClose = this.closed.event;

  constructor(private readonly create: (uri: vscode.Uri) => ModelSession) {}

  /** The model's session, until the returned `release` is called. */
  hold(uri: vscode.Uri): { session: ModelSession; release: () => void } {
    const key = uri.toString();
    const entry = this.held.get(key) ?? { session: this.create(uri), holders: 0 };
    if (entry.holders++ === 0) {
      this.held.set(key, entry);
      this.opened.fire(entry.session);
    }
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--entry.holders > 0) return;
      this.held.delete(key);
      this.closed.fire(entry.session);
      entry.session.dispose();
    };
    return { session: entry.session, release };
  }

  find(uri: vscode.Uri): ModelSession | undefined {
    return this.held.get(uri.toString())?.session;
  }

  all(): ModelSession[] {
    return [...this.held.values()].map(({ session }) => session);
  }

  dispose(): void {
    for (const session of this.all()) session.dispose();
    this.held.clear();
    this.opened.dispose();
    this.closed.dispose();
  }
}
