/** Files on disk behind the core's doors: opening a model and what lies beside it. sink.ts writes. */
import { closeSync, fstatSync, openSync, read as readCallback, readSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { ByteSource, ByteSources } from "../base/bytes.ts";
import { endOfFile } from "../base/memory.ts";
import { confinedPath } from "../base/path.ts";
import { modelError } from "../base/problem.ts";
import { foreignName } from "../formats/foreign.ts";

const read = promisify(readCallback);

/** Up to this a synchronous read returns sooner than a trip through the thread pool would start; a reader of structure makes thousands. */
const SYNC_READ = 256 * 1024;
/** Most bytes of one read call: Node refuses 2^31. */
const MAX_READ = 2 ** 30;
/** A handle is closed when nothing has been read for so long: an open one keeps a file from being replaced on Windows. */
const IDLE_MS = 1000;
/** A model may have a file a tensor; handles are few on some systems (256 on macOS). */
const MAX_HANDLES = 64;

/** Opens a file for reading. A `ModelError` where it is absent, no file, or may not be read; later, where it has changed meanwhile. */
export async function openFile(file: string): Promise<ByteSource> {
  const name = path.basename(file);
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw modelError(error.code === "ENOENT" ? "file-missing" : "file-unreadable", reasonOf(error, file));
  });
  if (!info.isFile()) throw foreignName(name) ?? modelError("not-a-file", `${file} is not a file`);
  const handle = new LazyHandle(file, info.size, info.mtimeMs);
  return { name, size: info.size, read: (offset, length) => handle.read(name, offset, length) };
}

function reasonOf(error: NodeJS.ErrnoException, file: string): string {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return `no such file: ${file}`;
  if (error.code === "EACCES" || error.code === "EPERM") return `no permission to read ${file}`;
  return `${error.code ?? error.message}: ${file}`;
}

/**
 * Opens files beside a model, and nothing else: a name that leaves the folder is a `ModelError`, also through a symbolic link. A model that is a
 * link itself may use the folder it points into, since download caches keep a model and its data as links into one folder.
 */
export function sourcesBeside(model: string): ByteSources {
  const folder = path.dirname(path.resolve(model));
  let roots: Promise<string[]> | undefined;
  return {
    open: async (name) => {
      const plain = confinedPath(name);
      if (plain === undefined) throw modelError("file-outside", `a file outside the model's folder: ${name}`);
      const file = path.join(folder, plain);
      const real = await realpath(file).catch((error: NodeJS.ErrnoException) => {
        throw modelError("file-missing", reasonOf(error, plain));
      });
      roots ??= Promise.all([realpath(folder), realpath(model).then(path.dirname)]);
      if (!(await roots).some((root) => isWithin(root, real))) {
        throw modelError("file-outside", `a link out of the model's folder: ${name}`);
      }
      return openFile(real);
    },
  };
}

export function isWithin(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== "" && relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** A file descriptor that is there while it is used. */
class LazyHandle {
  /** In the order of last use. */
  private static readonly opened = new Set<LazyHandle>();
  private fd: number | undefined;
  private busy = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: string,
    private readonly size: number,
    private readonly mtimeMs: number,
  ) {}

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.size) throw endOfFile(name, offset, length, this.size);
    const bytes = new Uint8Array(length);
    const fd = this.open();
    this.busy++;
    try {
      for (let at = 0; at < length; ) {
        const want = Math.min(length - at, MAX_READ);
        const got =
          length <= SYNC_READ
            ? readSync(fd, bytes, at, want, offset + at)
            : (await read(fd, bytes, at, want, offset + at)).bytesRead;
        if (got === 0) throw endOfFile(name, offset, length, offset + at);
        at += got;
      }
    } finally {
      this.busy--;
    }
    return bytes;
  }

  private open(): number {
    LazyHandle.opened.delete(this);
    LazyHandle.opened.add(this);
    if (this.timer) this.timer.refresh();
    else this.timer = setTimeout(() => this.closeIfIdle(), IDLE_MS).unref();
    if (this.fd !== undefined) return this.fd;
    for (const other of LazyHandle.opened) {
      if (LazyHandle.opened.size <= MAX_HANDLES) break;
      if (other !== this && other.busy === 0) other.close();
    }
    try {
      this.fd = openSync(this.file, "r");
    } catch (error) {
      throw modelError("file-unreadable", reasonOf(error as NodeJS.ErrnoException, this.file));
    }
    const { size, mtimeMs } = fstatSync(this.fd);
    if (size === this.size && mtimeMs === this.mtimeMs) return this.fd;
    this.close();
    throw modelError("file-changed", `${this.file} has changed since it was opened`, {}, "open it again");
  }

  private closeIfIdle(): void {
    if (this.busy) this.timer?.refresh();
    else this.close();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    LazyHandle.opened.delete(this);
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}
