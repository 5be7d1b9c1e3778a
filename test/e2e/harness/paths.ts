import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** The repository's root, which is also the extension's folder. */
export const repository = path.resolve(here, "../../..");

/** Where screenshots of failures and figures go; made when asked for. */
export function outDir(): string {
  const dir = path.resolve(here, "../out");
  mkdirSync(dir, { recursive: true });
  return dir;
}
