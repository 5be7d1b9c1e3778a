/** Where the scripts that run in a process or thread of their own are, from the sources (tests) and from the bundles alike. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type EntryName = "tfjs-worker" | "layers-worker" | "ort-child" | "litert-child" | "tfjs-node-child" | "engine-job";

/** Path of `dist/NAME.js`; both run bundled always, since Node 20 cannot run TypeScript. */
export function entryPath(name: EntryName): string {
  const dist = import.meta.url.endsWith(".ts") ? "../../dist/" : "./";
  const path = fileURLToPath(new URL(`${dist}${name}.js`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
  return path;
}
