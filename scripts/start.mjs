// @ts-check
/**
 * `npm start`: VS Code with this extension on samples/. In the browser, on loopback, on Linux;
 * else, or with --desktop, in the VS Code that is installed. Options: --port N, --host 127.0.0.1|::1|localhost, --desktop, --open, [folder].
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startServer } from "../test/e2e/server.mjs";
import { Offline, prepareVSCode } from "../test/e2e/setup.mjs";

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const loopback = ["127.0.0.1", "::1", "localhost"];

const { values, positionals } = readArguments();
const folder = path.resolve(positionals[0] ?? path.join(repository, "samples"));
if (!existsSync(folder)) fail(`there is no ${folder}`);
if (values.desktop || process.platform !== "linux") startDesktop();
else
  await startInBrowser().catch((error) =>
    fail(
      error instanceof Offline
        ? `${error.message}; VS Code is fetched from it once. npm start -- --desktop uses the one that is installed`
        : error.message,
    ),
  );

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        port: { type: "string", default: "8123" },
        host: { type: "string", default: "127.0.0.1" },
        desktop: { type: "boolean", default: false },
        open: { type: "boolean", default: false },
      },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535)
      return fail(`--port is a number up to 65535, not ${values.port}`);
    if (!loopback.includes(values.host))
      return fail(`--host is one of ${loopback.join(", ")}: anyone who reaches this server can use it`);
    return { values, positionals };
  } catch (error) {
    return fail(/** @type {Error} */ (error).message);
  }
}

async function startInBrowser() {
  console.log("Preparing VS Code (the first time, about 300 MB from the npm registry) …");
  const vscode = prepareVSCode("1.100");
  const root = mkdtempSync(path.join(tmpdir(), "modelwright-start-"));
  const server = await startServer({ vscode, root, folder: repository, host: values.host, port: Number(values.port) });
  const address = `${server.url}/?folder=${encodeURIComponent(folder)}`;
  console.log(`\nModelwright is at  ${address}\nCtrl-C stops it.`);
  if (values.open)
    spawn(process.platform === "darwin" ? "open" : "xdg-open", [address], { stdio: "ignore", detached: true }).unref();

  /** @type {Promise<NodeJS.Signals>} */
  const asked = new Promise((resolve) => {
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, () => resolve(signal));
  });
  const ended = await Promise.race([asked, server.exited]);
  await server.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  if (typeof ended !== "string") fail(`the VS Code server ended by itself with ${ended}`);
  console.log("\nStopped.");
}

function startDesktop() {
  const args = [`--extensionDevelopmentPath=${repository}`, "--disable-extensions", folder];
  console.log(`code ${args.join(" ")}`);
  // On Windows `code` is a .cmd file, which only a shell starts.
  const shell = process.platform === "win32";
  const child = spawn("code", shell ? args.map((arg) => `"${arg}"`) : args, { stdio: "inherit", shell });
  const missing =
    "the command `code` was not found: install VS Code, and in it run “Shell Command: Install 'code' command in PATH”";
  child.once("error", () => fail(missing));
  child.once("exit", (code) => {
    if (code) process.exitCode = code;
  });
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
