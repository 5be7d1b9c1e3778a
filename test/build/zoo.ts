/** The model zoo beside the repository: real files, never copied into it. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

const folder = path.resolve(process.env.MODELWRIGHT_ZOO ?? path.resolve(import.meta.dirname, "../../../shared/zoo"));

/** Undefined where there is none; then a line on the console says so. */
export const zoo: string | undefined = existsSync(path.join(folder, "INDEX.tsv")) ? folder : undefined;

if (!zoo) console.warn(`no model zoo at ${folder}: the tests over it are left out (set MODELWRIGHT_ZOO)`);

/** Files of the zoo with one of the endings, as full paths; none where there is no zoo. */
export function zooFiles(under: string, ...endings: readonly string[]): string[] {
  const root = zoo && path.join(zoo, under);
  if (!root || !existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
