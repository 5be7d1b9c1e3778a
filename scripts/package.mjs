// @ts-check
/**
 * `npm run package`: a .vsix for this platform. Only what runs is staged: bundles, media, samples, and onnxruntime's files of this
 * platform; the other platforms' would make it five times as large. Options: --target PLATFORM-ARCH, --out FILE.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const { values } = parseArgs({ options: { target: { type: "string" }, out: { type: "string" } } });
const target = values.target ?? `${process.platform}-${process.arch}`;
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const out = path.resolve(values.out ?? path.join(root, `${manifest.name}-${target}-${manifest.version}.vsix`));

/** Of dist/: what the extension starts. The command line and the library are the npm package's. */
const bundles = [
  "extension.cjs",
  "engine.js",
  "engine-job.js",
  "tfjs-worker.js",
  "layers-worker.js",
  "ort-child.js",
  "litert-child.js",
];
/** Chunks that the bundles share, and what TF.js finds beside its script. */
const besides = /^(chunk-.*\.js|tfjs-backend-wasm.*\.wasm)$/;

if (!existsSync(path.join(root, "dist/extension.cjs"))) {
  execFileSync(process.execPath, [path.join(root, "esbuild.mjs")], { cwd: root, stdio: "inherit" });
}
const staging = mkdtempSync(path.join(tmpdir(), "modelwright-package-"));
try {
  stage();
  const vsce = path.join(path.dirname(require.resolve("@vscode/vsce/package.json")), "vsce");
  const args = [
    "package",
    "--target",
    target,
    "--out",
    out,
    "--no-dependencies",
    "--no-rewrite-relative-links",
    "--allow-missing-repository",
    "--skip-license",
  ];
  execFileSync(process.execPath, [vsce, ...args], { cwd: staging, stdio: ["ignore", "inherit", "inherit"] });
  console.log(`${path.basename(out)}: ${(statSync(out).size / 1e6).toFixed(1)} MB`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function stage() {
  const { dependencies, devDependencies, scripts, bin, exports, private: _, ...rest } = manifest;
  writeFileSync(path.join(staging, "package.json"), JSON.stringify(rest, null, 2));
  for (const name of ["package.nls.json", "l10n", "README.md", "CHANGELOG.md", "LICENSE", "media", "samples"]) copy(name);
  for (const name of bundles) copy(path.join("dist", name));
  for (const name of readdirSync(path.join(root, "dist"))) if (besides.test(name)) copy(path.join("dist", name));
  for (const name of readdirSync(path.join(root, "dist/webview")))
    if (!name.endsWith(".map")) copy(path.join("dist/webview", name));
  const [platform, arch] = target.split("-");
  // One of its four builds of 9 MB: see src/runtime/litert-child.ts.
  stageModule("@litertjs/core", (file) => !file.startsWith("wasm/") || file.startsWith("wasm/litert_wasm_compat_internal."));
  stageModule("@litertjs/wasm-utils", () => true);
  stageModule("onnxruntime-common", (file) => !/^(lib|dist\/esm)(\/|$)/.test(file));
  stageModule("onnxruntime-node", (file) => {
    if (/^(lib|script)(\/|$)/.test(file)) return false;
    const [, , folder, processor] = file.split("/");
    return !file.startsWith("bin/") || ((!folder || folder === platform) && (!processor || processor === arch));
  });
}

/** @param {string} name */
function copy(name) {
  const from = path.join(root, name);
  if (!existsSync(from)) return;
  mkdirSync(path.dirname(path.join(staging, name)), { recursive: true });
  cpSync(from, path.join(staging, name), { recursive: true });
}

/**
 * Beside the bundles, where Node finds it from there; vsce leaves out a node_modules at the top.
 * @param {string} name
 * @param {(file: string) => boolean} wanted Path inside the package, with slashes.
 */
function stageModule(name, wanted) {
  const from = path.join(root, "node_modules", name);
  const to = path.join(staging, "dist/node_modules", name);
  const filter = (/** @type {string} */ file) => {
    const inside = path.relative(from, file).split(path.sep).join("/");
    return inside === "" || (!/\.(map|md|d\.ts)$/.test(inside) && wanted(inside));
  };
  cpSync(from, to, { recursive: true, filter });
  if (!existsSync(path.join(to, "package.json"))) throw new Error(`${name} is not installed: npm ci`);
}
