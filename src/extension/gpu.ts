/** Runs a written TF.js model on the machine's GPU: a page of its own, kept alive while hidden, closed when the run ends. */
import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { throwIfCancelled } from "../base/cancel.ts";
import { modelError } from "../base/problem.ts";
import type { GpuApi, GpuBackend, GpuModel } from "../protocol/engine.ts";
import { chunkBytes, chunksInFlight, type GpuHostApi, type GpuPageApi, heartbeatMs } from "../protocol/gpu.ts";
import { type Connection, connect, Disconnected, serve } from "../protocol/rpc.ts";
import { webviewPort } from "./editor.ts";
import { nonce, pageHtml } from "./html.ts";
import { pageLanguage } from "./l10n.ts";

/** A page that says nothing for so long is gone: the first run on a software GPU compiles every shader without a pause. */
const silenceMs = 180_000;
/** A page that has not loaded by then never will. */
const loadMs = 30_000;
/** What a TF.js folder holds: the rest of a folder is not the page's business. */
const modelFiles = /^(model\.json|custom-ops\.mjs|.*\.bin)$/;

export class GpuRunner implements vscode.Disposable {
  private page: GpuPage | undefined;

  constructor(private readonly extension: vscode.Uri) {}

  /** What is served to the engine. */
  readonly api: GpuApi = {
    load: async (folder, backend, signal) => {
      this.dispose();
      const page = new GpuPage(this.extension, backend);
      this.page = page;
      try {
        return await page.load(folder, backend, signal);
      } catch (error) {
        page.close("closed");
        throw error;
      }
    },
    run: async (feeds, fetches, signal) => {
      const { page } = this;
      if (!page) throw modelError("gpu-page-closed", "the page that runs the model is closed");
      return page.during(signal, (api) => api.run(feeds, fetches));
    },
    close: async () => this.dispose(),
  };

  dispose(): void {
    this.page?.close("closed");
    this.page = undefined;
  }
}

class GpuPage {
  private readonly panel: vscode.WebviewPanel;
  private readonly connection: Connection<GpuPageApi>;
  private readonly ready: Promise<void>;
  private ended = false;
  private silence: NodeJS.Timeout | undefined;

  constructor(
    extension: vscode.Uri,
    private readonly backend: GpuBackend,
  ) {
    const dist = vscode.Uri.joinPath(extension, "dist");
    const title = vscode.l10n.t("Running on {0}", backend);
    const where = { viewColumn: vscode.ViewColumn.Active, preserveFocus: true };
    this.panel = vscode.window.createWebviewPanel("modelwright.gpu", title, where, {
      enableScripts: true,
      retainContextWhenHidden: true,
      localResourceRoots: [dist],
    });
    const { webview } = this.panel;
    const port = webviewPort(webview);
    this.connection = connect<GpuPageApi>(port);
    this.ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(modelError("backend-unavailable", `the page for ${backend} does not load`)), loadMs);
      const served = serve<GpuHostApi>(port, {
        ready: async () => {
          clearTimeout(timer);
          this.heard();
          resolve();
        },
        alive: async () => this.heard(),
        lost: async (reason) => this.close(reason),
      });
      this.panel.onDidDispose(() => {
        clearTimeout(timer);
        served.close();
        this.close("its tab was closed");
        reject(modelError("gpu-page-closed", `the run on ${backend} ended: its tab was closed`));
      });
    });
    this.ready.catch(() => {});
    webview.html = pageHtml({
      title,
      ...pageLanguage(vscode),
      cspSource: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(dist, "webview", "gpu.js")).toString(),
      styles: [webview.asWebviewUri(vscode.Uri.joinPath(dist, "webview", "gpu.css")).toString()],
      wasm: true,
      blobScripts: true,
      nonce: nonce(),
      body: `<main id="run"><h1></h1><p role="status"></p></main>`,
    });
  }

  async load(folder: string, backend: GpuBackend, signal: AbortSignal): Promise<GpuModel> {
    await this.ready;
    const adapter = await this.during(signal, (api) => api.start(backend));
    const names = (await readdir(folder)).filter((name) => modelFiles.test(name));
    for (const name of names) await this.send(join(folder, name), signal);
    return { ...(await this.during(signal, (api) => api.load())), adapter };
  }

  /** One call; cancelling closes the page, since a run on a GPU cannot be stopped from outside. */
  async during<R>(signal: AbortSignal, ask: (api: GpuPageApi) => Promise<R>): Promise<R> {
    throwIfCancelled(signal);
    const stop = () => this.close("cancelled");
    signal.addEventListener("abort", stop);
    try {
      return await ask(this.connection.api);
    } catch (error) {
      throwIfCancelled(signal);
      if (error instanceof Disconnected) throw modelError("gpu-lost", `the run on ${this.backend} ended: ${error.message}`);
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  close(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.silence);
    this.connection.close(reason);
    this.panel.dispose();
  }

  /** In pieces, the next read while the one before is on its way. */
  private async send(path: string, signal: AbortSignal): Promise<void> {
    const name = basename(path);
    const file = await open(path);
    try {
      const { size } = await file.stat();
      await this.during(signal, (api) => api.file(name, size));
      const inFlight: Promise<void>[] = [];
      for (let offset = 0; offset < size; offset += chunkBytes) {
        if (inFlight.length >= chunksInFlight) await inFlight.shift();
        const bytes = new Uint8Array(Math.min(chunkBytes, size - offset));
        const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
        if (bytesRead !== bytes.length) throw modelError("file-changed", `the file shrank while it was read: ${name}`);
        const sent = this.during(signal, (api) => api.chunk(name, offset, bytes));
        // Awaited in order; until then a failure must not count as unhandled.
        sent.catch(() => {});
        inFlight.push(sent);
      }
      await Promise.all(inFlight);
    } finally {
      await file.close();
    }
  }

  private heard(): void {
    clearTimeout(this.silence);
    if (!this.ended)
      this.silence = setTimeout(() => this.close(`the page says nothing for ${silenceMs / 1000} s`), silenceMs + heartbeatMs);
  }
}
