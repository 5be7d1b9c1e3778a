/** Which models the arguments name, and where each one's output goes. */
import { type Dirent, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "./usage.ts";

export interface NamedModel {
  /** As the user would write it. */
  readonly label: string;
  readonly path: string;
  /** Folder of the output below DIR; "" is DIR itself. */
  readonly below: string;
}

const modelFile = /\.(onnx)$/i;
const marks = /^(saved_model\.pb|model\.json)$|_manifest\.json$/;

/** Files and model folders as they are; other folders walked, model folders within not entered. */
export async function namedModels(args: readonly string[]): Promise<readonly NamedModel[]> {
  if (args.length === 0) throw new UsageError("no model given");
  const found: string[] = [];
  let walked = false;
  for (const arg of args) {
    const info = statSync(arg, { throwIfNoEntry: false });
    if (!info?.isDirectory() || (await isModelFolder(arg))) {
      found.push(arg);
      continue;
    }
    walked = true;
    const inside = await walk(arg);
    if (inside.length === 0) throw new UsageError(`no model in ${arg}`);
    found.push(...inside);
  }
  const only = found.length === 1 && !walked;
  const common = only ? "" : commonFolder(found);
  return found.map((file) => ({
    label: file,
    path: path.resolve(file),
    below: only ? "" : path.relative(common, path.resolve(file)),
  }));
}

async function isModelFolder(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => marks.test(name));
}

/** Breadth first, names in order; symbolic links to folders are not followed, since they may lead in circles. */
async function walk(top: string): Promise<string[]> {
  const found: string[] = [];
  const folders = [top];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const entries = await readdir(folder, { withFileTypes: true });
    if (folder !== top && entries.some((entry) => marks.test(entry.name))) {
      found.push(folder);
      continue;
    }
    for (const entry of entries.sort(byName)) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith(".")) folders.push(full);
      else if (modelFile.test(entry.name)) found.push(full);
    }
  }
  return found;
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The deepest folder that holds all of them. */
function commonFolder(files: readonly string[]): string {
  const folders = files.map((file) => path.dirname(path.resolve(file)).split(path.sep));
  let depth = 0;
  while (folders.every((parts) => parts.length > depth && parts[depth] === folders[0]![depth])) depth++;
  return folders[0]!.slice(0, depth).join(path.sep) || path.sep;
}
