/** Where the files of a written TF.js model come from: a folder, or memory. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { modelError } from "../base/problem.ts";
import { customOpsName, readArtifacts, type TfjsArtifacts } from "./tfjs-artifacts.ts";

/** A folder, or the files of one by name. */
export type TfjsFiles = string | Readonly<Record<string, Uint8Array>>;

/** All files; `customOps` is what to import for the model's custom ops. A `ModelError` as `readArtifacts` has it. */
export async function readTfjsFiles(files: TfjsFiles): Promise<TfjsArtifacts & { readonly customOps: string | undefined }> {
  const model = await readArtifacts((name, limit) => readMember(files, name, limit));
  return { ...model, customOps: await customOpsUrl(files) };
}

async function readMember(files: TfjsFiles, name: string, limit = Number.POSITIVE_INFINITY): Promise<ArrayBuffer> {
  if (typeof files !== "string") {
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!bytes) throw missing(name);
    // Not slice(): of Node's Buffer that is a view of its pool.
    return new Uint8Array(bytes).buffer;
  }
  const path = join(files, name);
  const size = await stat(path).then(
    (it) => it.size,
    () => {
      throw missing(name);
    },
  );
  if (size > limit) throw modelError("too-large", `${name} is larger than ${limit} bytes: ${size}`);
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

const missing = (name: string) => modelError("file-missing", `no such file: ${name}`);

async function customOpsUrl(files: TfjsFiles): Promise<string | undefined> {
  if (typeof files !== "string") {
    const code = Object.hasOwn(files, customOpsName) ? files[customOpsName] : undefined;
    return code && `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
  }
  const path = join(files, customOpsName);
  const found = await stat(path).catch(() => undefined);
  // The query makes a rewritten file a new module: imports are cached by address.
  return found && `${pathToFileURL(path).href}?${found.mtimeMs}`;
}
