/** Builds the harness and serves it on loopback: `node test/webview/harness/serve.mjs [PORT]`. */
import path from "node:path";
import { context } from "esbuild";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const root = path.resolve(here, "../../..");

const building = await context({
  entryPoints: {
    page: path.join(here, "page.ts"),
    codicon: path.join(root, "node_modules/@vscode/codicons/dist/codicon.css"),
    index: path.join(here, "index.html"),
  },
  bundle: true,
  format: "esm",
  target: "chrome128",
  outdir: path.join(root, "dist/harness"),
  loader: { ".ttf": "file", ".html": "copy" },
  assetNames: "[name]",
  logLevel: "warning",
});
const { port } = await building.serve({
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  servedir: path.join(root, "dist/harness"),
});
console.log(`http://127.0.0.1:${port}/?model=squeezenet&theme=dark`);
