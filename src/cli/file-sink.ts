/** Writes one file, all or nothing, for those who ask for a file and not for a folder of them. */
import { type FileHandle, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { ByteSink, ByteWriter } from "../base/bytes.ts";
import { beside, DestinationError, destination, recover, resolved, type SinkOptions } from "./sink.ts";

/** Of what is created only `name` is kept, as `file`. A `DestinationError` where that is there already, without `force`. */
export async function openFileSink(file: string, name: string, options: SinkOptions = {}): Promise<ByteSink> {
  return destination(async () => {
    const target = await resolved(file);
    const held = await lstat(target).catch(() => undefined);
    if (held?.isDirectory()) throw new DestinationError(`${file} is a folder, where a file is to be written`);
    if (held && !options.force) throw new DestinationError(`${file} is there already`, true);
    await mkdir(path.dirname(target), { recursive: true });
    await recover(target);
    return sink(target, beside(target, "new"), name);
  });
}

function sink(target: string, staging: string, name: string): ByteSink {
  let handle: FileHandle | undefined;
  let over = false;
  const close = async () => {
    await handle?.close();
    handle = undefined;
  };
  return {
    create: (wanted) =>
      destination(async () => {
        if (wanted !== name) return nowhere;
        handle = await open(staging, "w");
        return { write: (bytes) => destination(() => handle!.writeFile(bytes)), close: () => destination(close) };
      }),
    commit: () =>
      destination(async () => {
        if (over) throw new Error("committed or aborted already");
        await rename(staging, target);
        over = true;
      }),
    abort: async () => {
      if (over) return;
      over = true;
      await close().catch(() => {});
      await rm(staging, { force: true });
    },
  };
}

const nowhere: ByteWriter = { write: async () => {}, close: async () => {} };
