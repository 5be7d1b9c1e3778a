/**
 * Writes a set of files into a folder, all or nothing. The files are made in a folder beside it; `commit` puts that in its place. Names beside
 * the destination: `.NAME.modelwright-new-PID-N` and `.NAME.modelwright-old-PID-N`; those of dead processes are put right by the next one.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import type { ByteSink } from "../base/bytes.ts";
import { isWithin } from "./files.ts";

/** The destination cannot take the files: wrong usage, not a fault of the model. The command line ends with 2. */
export class DestinationError extends Error {
  constructor(
    reason: string,
    /** `force` would do. */
    readonly isForeign = false,
  ) {
    super(reason);
    this.name = "DestinationError";
  }
}

/** The file that marks a folder as an output of ours. */
const MARK = "model.map.json";
/** What we write. Other files in an output of ours are the user's, and stay. */
const ourNames =
  /^(model\.json|model\.map\.json|custom-ops\.mjs|custom-layers\.mjs|model\.onnx|model\.onnx\.data|model\.cs|group\d+-shard\d+of\d+(\.bin)?)$/;

export interface SinkOptions {
  /** Write into a folder that holds other things: our names are overwritten, nothing is removed. */
  readonly force?: boolean;
}

/** Prepares to write into `dir`, which need not exist. A `DestinationError` where it holds something that is not ours, without `force`. */
export async function openSink(dir: string, options: SinkOptions = {}): Promise<ByteSink> {
  return destination(async () => {
    const target = await resolved(dir);
    await recover(target);
    const held = await contentOf(target);
    const foreign = held !== undefined && held.length > 0 && !held.includes(MARK);
    if (foreign && !options.force) throw new DestinationError(`${dir} is not empty and not an output of modelwright`, true);
    const parent = path.dirname(target);
    const made = await mkdir(parent, { recursive: true });
    const staging = beside(target, "new");
    await mkdir(staging);
    return sink(target, staging, made, foreign);
  });
}

function sink(target: string, staging: string, made: string | undefined, foreign: boolean): ByteSink {
  const names = new Set<string>();
  const opened = new Set<FileHandle>();
  let over = false;
  return {
    create: (name) =>
      destination(async () => {
        if (path.basename(name) !== name || name.startsWith(".")) throw new Error(`no plain file name: ${name}`);
        const handle = await open(path.join(staging, name), "w");
        names.add(name);
        opened.add(handle);
        return {
          write: (bytes) => destination(() => handle.writeFile(bytes)),
          close: async () => {
            opened.delete(handle);
            await destination(() => handle.close());
          },
        };
      }),
    commit: () =>
      destination(async () => {
        if (over) throw new Error("committed or aborted already");
        if (foreign || isBusy(target)) await publishInto(target, staging, names, foreign);
        else await swap(target, staging);
        over = true;
      }),
    abort: async () => {
      if (over) return;
      over = true;
      // Windows removes no file that is open.
      for (const handle of opened) await handle.close().catch(() => {});
      await rm(staging, { recursive: true, force: true });
      if (made) await removeEmpty(path.dirname(target), made);
    },
  };
}

/** Renaming the folder a process stands in leaves it nowhere. */
function isBusy(target: string): boolean {
  const cwd = process.cwd();
  return cwd === target || isWithin(target, cwd);
}

/** File by file; of an output of ours, what the new one no longer has goes last. */
async function publishInto(target: string, staging: string, names: ReadonlySet<string>, foreign: boolean): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const name of names) await rename(path.join(staging, name), path.join(target, name));
  await rmdir(staging);
  if (foreign) return;
  for (const name of await readdir(target)) {
    if (ourNames.test(name) && !names.has(name)) await rm(path.join(target, name), { force: true });
  }
}

async function swap(target: string, staging: string): Promise<void> {
  const held = await contentOf(target);
  if (held === undefined) return rename(staging, target);
  if (held.length === 0) {
    await rmdir(target);
    return rename(staging, target);
  }
  const old = beside(target, "old");
  await rename(target, old);
  try {
    await rename(staging, target);
  } catch (error) {
    await rename(old, target);
    throw error;
  }
  await retire(old, target);
}

/** Moves what is the user's from the old output into the new one, and removes the rest. */
async function retire(old: string, target: string): Promise<void> {
  const present = new Set(await readdir(target));
  for (const name of await readdir(old)) {
    if (!ourNames.test(name) && !present.has(name)) await rename(path.join(old, name), path.join(target, name));
  }
  await rm(old, { recursive: true, force: true });
}

/**
 * Puts right what a process that died while writing to `dir` has left beside it. Also before reading from an output.
 * @param own also what this process has left: for a thread of it that was ended in the middle
 */
export async function recover(dir: string, own = false): Promise<void> {
  const target = path.resolve(dir);
  const parent = path.dirname(target);
  const left = (await contentOf(parent)) ?? [];
  const prefix = `.${path.basename(target)}.modelwright-`;
  for (const name of left.filter((entry) => entry.startsWith(prefix))) {
    const [kind, pid] = name.slice(prefix.length).split("-");
    if (own ? Number(pid) !== process.pid : isAlive(Number(pid))) continue;
    const file = path.join(parent, name);
    if (kind === "new") await rm(file, { recursive: true, force: true });
    else if (kind === "old" && (await contentOf(target)) === undefined) await rename(file, target);
    else if (kind === "old") await retire(file, target);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** A name for what is not ready, in the folder of the destination. */
export const beside = (target: string, kind: "new" | "old"): string =>
  path.join(
    path.dirname(target),
    `.${path.basename(target)}.modelwright-${kind}-${process.pid}-${randomBytes(4).toString("hex")}`,
  );

/** Through symbolic links, so that the link stays and what it points to is replaced. */
export async function resolved(dir: string): Promise<string> {
  const full = path.resolve(dir);
  const exists = await lstat(full).then(
    () => true,
    () => false,
  );
  return exists ? realpath(full) : full;
}

/** Names in a folder; undefined where there is none. */
async function contentOf(dir: string): Promise<string[] | undefined> {
  try {
    return await readdir(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") throw new DestinationError(`${dir} is not a folder`);
    throw error;
  }
}

/** Removes the folders that were made for the destination, from `folder` up to `top`, as far as they are empty. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; at === top || isWithin(top, at); at = path.dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}

/** File system errors while writing say what the user can act on: no space, no permission. */
export async function destination<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code, path: file } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof DestinationError) throw error;
    throw new DestinationError(`${reasons[code] ?? code}${file ? `: ${file}` : ""}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "no space left",
  EDQUOT: "no space left in the quota",
  EACCES: "no permission to write",
  EPERM: "no permission to write",
  EROFS: "a read-only file system",
  ENOTDIR: "not a folder",
  ENAMETOOLONG: "the name is too long",
};
