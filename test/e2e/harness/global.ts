/** Before all test files: installs what is missing, starts one VS Code server and one browser; after them: stops both, prints the figures. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { startServer } from "../server.mjs";
import { type Chromium, type Leg, prepareChromium, prepareVSCode, type VSCode } from "../setup.mjs";
import { launchBrowserServer } from "./browser.ts";
import { clearFigures, printFigures } from "./figures.ts";
import { repository } from "./paths.ts";

declare module "vitest" {
  export interface ProvidedContext {
    leg: Leg;
    vscode: VSCode;
    chromium: Chromium;
    /** Address of the shared browser. */
    browser: string;
    /** Address of the shared VS Code server, which has the extension linked from the repository. */
    server: string;
    /** Process of that server; the extension hosts and engines are below it. */
    serverPid: number;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const leg = (process.env.E2E_LEG ?? "1.100") as Leg;
  const vscode = prepareVSCode(leg);
  const chromium = prepareChromium();
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-e2e-"));
  clearFigures();
  const [server, browser] = await Promise.all([
    startServer({ vscode, root, folder: repository }),
    launchBrowserServer(chromium, "software"),
  ]);
  project.provide("leg", leg);
  project.provide("vscode", vscode);
  project.provide("chromium", chromium);
  project.provide("browser", browser.wsEndpoint());
  project.provide("server", server.url);
  project.provide("serverPid", server.pid);
  return async () => {
    await browser.close();
    await server.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    printFigures(leg);
  };
}
