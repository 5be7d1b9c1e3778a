/** TF.js on webgl or webgpu in the end-to-end tests' Chromium, with the calls of `TfjsWorker`. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { modelError } from "../../../src/base/problem.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { carry } from "../../../src/runtime/carry.ts";
import type { TfjsModel } from "../../../src/runtime/tfjs-api.ts";
import type { PageApi } from "./page.ts";
import { packed, textOfBytes, unpacked } from "./text.ts";

type Reply = { readonly ok: unknown } | { readonly failed: string };

/** What a page says whose GPU process has gone: SwiftShader's does now and then. */
const lost =
  /createBuffer failed|external Instance reference|(device|GPU|context) (is|was|has been) (lost|destroyed)|context lost|the GPU reports/i;

export class BrowserWorker {
  alive = true;

  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly server: Server,
  ) {
    page.on("crash", () => {
      this.alive = false;
    });
    browser.on("disconnected", () => {
      this.alive = false;
    });
  }

  /** Prepares Chromium from the registry where that was not done yet. */
  static async start(backend: "webgl" | "webgpu"): Promise<BrowserWorker> {
    const folder = path.resolve(import.meta.dirname, "..");
    const setup = (await import(path.join(folder, "test/e2e/setup.mjs"))) as typeof import("../../e2e/setup.mjs");
    const { launchBrowser } = await import("../../e2e/harness/browser.ts");
    const browser = await launchBrowser(await setup.prepareChromium(), "software");
    // WebGPU wants a secure context, which an address on loopback is.
    const script = readFileSync(path.join(folder, "dist/conformance-page.js"));
    const server = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "conformance" in globalThis);
    const worker = new BrowserWorker(browser, page, server);
    await worker.call("start", [backend]);
    return worker;
  }

  async load(files: Readonly<Record<string, Uint8Array>>): Promise<TfjsModel> {
    const text = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, textOfBytes(bytes)]));
    return (await this.call("load", [text])) as TfjsModel;
  }

  async run(model: TfjsModel, feeds: ReadonlyMap<string, Tensor>, fetches: readonly string[]): Promise<Map<string, Tensor>> {
    const carried = [...feeds].map(([name, tensor]) => [name, packed(carry(tensor, name))] as const);
    const tensors = (await this.call("run", [model.id, carried, fetches])) as Awaited<ReturnType<PageApi["run"]>>;
    return new Map(fetches.map((name, i) => [name, unpacked(tensors[i]!)]));
  }

  async unload(model: TfjsModel): Promise<void> {
    await this.call("unload", [model.id]);
  }

  async close(): Promise<void> {
    this.alive = false;
    this.server.close();
    await this.browser.close();
  }

  private async call(method: keyof PageApi, args: readonly unknown[]): Promise<unknown> {
    const reply = (await this.page.evaluate(
      ([name, given]) => {
        const api = (globalThis as unknown as { conformance: Record<string, (...all: unknown[]) => Promise<unknown>> })
          .conformance;
        return api[name as string]!(...(given as unknown[])).then(
          (ok) => ({ ok }),
          (error: Error) => ({ failed: error.message }),
        );
      },
      [method, args] as const,
    )) as Reply;
    if ("failed" in reply) {
      this.alive &&= !lost.test(reply.failed);
      throw modelError("run-failed", reply.failed);
    }
    return reply.ok;
  }
}
