/** A `modelwright.ops.mjs`, imported because the user asks for it: by `--ops`, or by trusting the workspace that it lies in. */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { modelError } from "../base/problem.ts";
import { type UserOps, userOps } from "../lower/user-ops.ts";
import { UsageError } from "./usage.ts";

/** Of code that somebody wrote by hand, and that goes into the model whole. */
const maxBytes = 4 * 1024 * 1024;

/** A `ModelError` (`bad-ops-file`) where the module fails or holds something else; a `UsageError` where there is no such file. */
export async function loadUserOps(file: string): Promise<UserOps> {
  const path = resolve(file);
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new UsageError(`--ops: no such file: ${file}`);
  if (!path.endsWith(".mjs")) throw new UsageError(`--ops wants an ES module, a file that ends in .mjs: ${file}`);
  if (info.size > maxBytes) throw modelError("bad-ops-file", `${file} is larger than ${maxBytes} bytes: ${info.size}`);
  const text = await readFile(path, "utf8");
  let module: { readonly ops?: unknown };
  try {
    // The query makes a changed file a new module: imports are cached by address.
    module = (await import(`${pathToFileURL(path).href}?${info.mtimeMs}`)) as typeof module;
  } catch (error) {
    throw modelError("bad-ops-file", `${file} does not load: ${(error as Error).message}`);
  }
  return userOps(text, module.ops);
}
