/** Builds `dist/`: one bundle an entry point. `--watch` rebuilds on change. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build, context } from "esbuild";

const require = createRequire(import.meta.url);

/** What reads models of every format: in chunks, of which a run loads those that its format and target need. */
const inChunks = {
  cli: "src/cli/main.ts",
  index: "src/index.ts",
  "engine-job": "src/engine/job.ts",
};

/** dist/NAME.js for what is started by name: see src/runtime/entry.ts. */
const entries = {
  conformance: "test/conformance/main.ts",
  "tfjs-worker": "src/runtime/tfjs-worker.ts",
  "layers-worker": "src/runtime/layers-worker.ts",
  "ort-child": "src/runtime/ort-child.ts",
  "litert-child": "src/runtime/litert-child.ts",
  "tfjs-node-child": "src/runtime/tfjs-node-child.ts",
  engine: "src/engine/main.ts",
  samples: "scripts/samples.ts",
  "supported-ops": "scripts/supported-ops.ts",
  bench: "scripts/bench.ts",
};

/** CommonJS packages inside an ES module bundle ask for these three. */
const commonJs = [
  'import { createRequire as createRequire_ } from "node:module";',
  'import { fileURLToPath as fileURLToPath_ } from "node:url";',
  "const require = createRequire_(import.meta.url);",
  'const __filename = fileURLToPath_(import.meta.url), __dirname = fileURLToPath_(new globalThis.URL(".", import.meta.url));',
].join("\n");

const node = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  outdir: "dist",
  banner: { js: commonJs },
  mainFields: ["module", "main"],
  // Native. TF.js is bundled instead: a worker starts in 110 ms rather than 240 ms, and there is one kernel registry.
  external: ["onnxruntime-node", "onnxruntime-web", "@litertjs/core", "playwright-core"],
  logLevel: "warning",
  sourcemap: true,
};

/** The wasm backend looks for its binaries beside the script. */
function copyWasm() {
  const from = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  mkdirSync("dist", { recursive: true });
  for (const name of ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm"])
    copyFileSync(join(from, name), join("dist", name));
}

/** The extension host loads CommonJS; the engine is a process of its own and no part of this. */
const host = {
  ...node,
  entryPoints: { extension: "src/extension/activate.ts" },
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  banner: {},
  external: ["vscode"],
  minify: true,
};

/** What webviews load; the browser of the oldest VS Code that we run in. */
const pages = {
  bundle: true,
  platform: "browser",
  target: "chrome128",
  format: "esm",
  outdir: "dist/webview",
  entryPoints: {
    main: "webview/main.ts",
    gpu: "webview/gpu/main.ts",
    // A style sheet of its own: the icon component links it into its shadow roots.
    codicon: "node_modules/@vscode/codicons/dist/codicon.css",
  },
  loader: { ".ttf": "file" },
  assetNames: "[name]",
  minify: true,
  logLevel: "warning",
  sourcemap: true,
};

/** What the conformance suites load into a browser; no part of the extension. */
const testPages = { ...pages, outdir: "dist", entryPoints: { "conformance-page": "test/conformance/browser/page.ts" } };

const chunks = { ...node, entryPoints: inChunks, splitting: true, chunkNames: "chunk-[hash]", metafile: true };

/** Chunks are called by what is in them, so that each build leaves those of the last. */
function removeStale({ outputs }) {
  for (const name of readdirSync("dist"))
    if (name.startsWith("chunk-") && !(`dist/${name}` in outputs)) rmSync(`dist/${name}`, { force: true });
}

/** An entry that is not there (yet) is left out. */
const present = (options) => ({
  ...options,
  entryPoints: Object.fromEntries(Object.entries(options.entryPoints).filter(([, path]) => existsSync(path))),
});

const builds = [{ ...node, entryPoints: entries }, host, pages, testPages].map(present);

copyWasm();
if (process.argv.includes("--watch")) for (const options of [chunks, ...builds]) await (await context(options)).watch();
else {
  const [{ metafile }] = await Promise.all([chunks, ...builds].map((options) => build(options)));
  removeStale(metafile);
}
