// @ts-check
/** A VS Code server on loopback, with its own settings, extensions and data in one folder; used by the tests and by `npm start`. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";

/** What a newcomer's VS Code asks or offers by itself would only stand in the way. */
const quiet = {
  "chat.commandCenter.enabled": false,
  "chat.disableAIFeatures": true,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

/**
 * @typedef {object} ServerOptions
 * @property {import("./setup.mjs").VSCode} vscode
 * @property {string} root Folder for settings, extensions and logs.
 * @property {string} [folder] The extension's folder, linked into place.
 * @property {string} [vsix] A packaged extension, installed.
 * @property {Record<string, unknown>} [settings]
 * @property {Record<string, string>} [env]
 * @property {string} [host] A loopback address.
 * @property {number} [port] 0: any that is free.
 * @property {boolean} [trusted] Workspaces are trusted without a question.
 * @property {boolean} [driver] Reports the end of in-host tests to the page, and hides notifications.
 */
/** @typedef {{ url: string, authority: string, pid: number, log: string, exited: Promise<number | null>, stop(): Promise<void> }} Server */

/** A cold first start on a busy machine takes about ten seconds. */
const startLimit = 60_000;

/**
 * @param {ServerOptions} options
 * @returns {Promise<Server>} once it answers
 */
export async function startServer({
  vscode,
  root,
  folder,
  vsix,
  settings,
  env,
  host = "127.0.0.1",
  port = 0,
  trusted = true,
  driver,
}) {
  const at = (/** @type {string} */ name) => path.join(root, name);
  mkdirSync(at("user/User"), { recursive: true });
  mkdirSync(at("extensions"), { recursive: true });
  mkdirSync(at("tmp"), { recursive: true });
  writeFileSync(at("user/User/settings.json"), JSON.stringify({ ...quiet, ...settings }, null, 2));

  const places = ["--server-data-dir", at("server"), "--user-data-dir", at("user"), "--extensions-dir", at("extensions")];
  const args = [...places, "--accept-server-license-terms", "--telemetry-level", "off"];
  const gallery = JSON.stringify({ serviceUrl: "" }); // none: nothing is asked of the network
  const folders = { TMPDIR: at("tmp"), XDG_CONFIG_HOME: root, XDG_DATA_HOME: root };
  /** @type {NodeJS.ProcessEnv} */
  const environment = { ...process.env, ...env, ...folders, EXTENSIONS_GALLERY: gallery };
  // Set where this runs inside a VS Code terminal: they would lead the server to that other VS Code.
  for (const name of Object.keys(environment)) if (/^(VSCODE|CODE_SERVER)_/.test(name)) Reflect.deleteProperty(environment, name);

  if (folder) {
    const { publisher, name, version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const link = at(`extensions/${publisher}.${name}-${version}`);
    rmSync(link, { force: true });
    symlinkSync(folder, link);
  }
  if (vsix) {
    execFileSync(vscode.node, [vscode.server, ...args, "--install-extension", vsix, "--force"], {
      env: environment,
      stdio: "pipe",
    });
  }

  const chosen = port || (await freePort(host));
  const log = at("server.log");
  const output = openSync(log, "a");
  const flags = ["--host", host, "--port", String(chosen), "--without-connection-token", "--disable-getting-started-override"];
  if (trusted) flags.push("--disable-workspace-trust");
  if (driver) flags.push("--enable-smoke-test-driver");
  // A group of its own, so that extension hosts and their children end with it, whatever way this process ends.
  const child = spawn(vscode.node, [vscode.server, ...args, ...flags], {
    env: environment,
    stdio: ["ignore", output, output],
    detached: true,
  });
  const killGroup = (/** @type {NodeJS.Signals} */ signal) => {
    try {
      process.kill(-(/** @type {number} */ (child.pid)), signal);
    } catch {
      // all gone already
    }
  };
  const atExit = () => killGroup("SIGKILL");
  process.once("exit", atExit);
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => child.once("exit", resolve));

  const authority = `${host.includes(":") ? `[${host}]` : host}:${chosen}`;
  const answered = answers(`http://${authority}/version`);
  if (!(await Promise.race([answered, exited.then(() => false)]))) {
    killGroup("SIGKILL");
    throw new Error(`the VS Code server did not start; its log: ${log}\n${readFileSync(log, "utf8").slice(-2000)}`);
  }
  return {
    url: `http://${authority}`,
    authority,
    pid: child.pid ?? 0,
    log,
    exited,
    async stop() {
      const insist = setTimeout(() => killGroup("SIGKILL"), 5000);
      killGroup("SIGTERM");
      await exited;
      clearTimeout(insist);
      killGroup("SIGKILL");
      process.off("exit", atExit);
    },
  };
}

/**
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function answers(url) {
  for (const end = Date.now() + startLimit; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return true;
  }
  return false;
}

/**
 * @param {string} host
 * @returns {Promise<number>}
 */
function freePort(host) {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
