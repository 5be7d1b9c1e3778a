// @ts-check
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * Bundles host/ for the extension host; mocha and vscode stay outside.
 * @returns {Promise<string>} the file that `extensionTestsPath` takes
 */
export async function bundleHostTests() {
  const outfile = path.join(here, ".cache/host/index.cjs");
  await build({
    entryPoints: [path.join(here, "host/index.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["vscode", "mocha"],
    logLevel: "warning",
  });
  return outfile;
}
