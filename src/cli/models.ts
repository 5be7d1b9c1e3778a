/** Which models the arguments name, and where each one's output goes. */
import { type Dirent, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { isForeignName } from "../formats/foreign.ts";
import { UsageError } from "./usage.ts";

export interface NamedModel {
  /** As the user would write it. */
  readonly label: string;
  readonly path: string;
  /** Folder of the output below DIR; "" is DIR itself. */
  readonly below: string;
}

const modelFile = /\.(onnx|tflite|pb|pbtxt|h5|hdf5|keras|tar\.gz|tgz)$/i;
/** Tensors and notes beside models. */
const noModel = /^((input|output)_\d+|fingerprint|keras_metadata|saved_model_config)\.pb$|\.weights\.h5$/;
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
  return Promise.all(
    found.map(async (file) => ({
      label: file,
      path: await modelIn(path.resolve(file)),
      below: only ? "" : path.relative(common, path.resolve(file)),
    })),
  );
}

/** The file that a model folder is read by. */
async function modelIn(file: string): Promise<string> {
  if (!statSync(file, { throwIfNoEntry: false })?.isDirectory()) return file;
  const held = (await readdir(file)).filter((name) => marks.test(name)).sort(byRank);
  return held[0] === undefined ? file : path.join(file, held[0]);
}

/** A folder that holds several: the model itself before a list of its weights. */
const byRank = (a: string, b: string): number => rank(a) - rank(b);
const rank = (name: string): number => (name === "saved_model.pb" ? 0 : name === "model.json" ? 1 : 2);

async function isModelFolder(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => marks.test(name));
}

/** Where there is no model, those of kinds that are not read, so that it is said what they are. Breadth first, names in order; symbolic links to folders are not followed, since they may lead in circles. */
async function walk(top: string): Promise<string[]> {
  const found: string[] = [];
  const foreign: string[] = [];
  const folders = [top];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const entries = await readdir(folder, { withFileTypes: true });
    if (folder !== top && entries.some((entry) => marks.test(entry.name))) {
      found.push(folder);
      continue;
    }
    for (const entry of entries.sort(byName)) {
      const full = path.join(folder, entry.name);
      if (isForeignName(entry.name)) foreign.push(full);
      else if (entry.isDirectory() && !entry.name.startsWith(".")) folders.push(full);
      else if (modelFile.test(entry.name) && !noModel.test(entry.name)) found.push(full);
    }
  }
  return found.length > 0 ? found : foreign;
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The deepest folder that holds all of them. */
function commonFolder(files: readonly string[]): string {
  const folders = files.map((file) => path.dirname(path.resolve(file)).split(path.sep));
  let depth = 0;
  while (folders.every((parts) => parts.length > depth && parts[depth] === folders[0]![depth])) depth++;
  return folders[0]!.slice(0, depth).join(path.sep) || path.sep;
}
