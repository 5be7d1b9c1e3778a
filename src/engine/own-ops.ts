/** The user's own operators, for a job. */
import { modelError } from "../base/problem.ts";
import { loadUserOps } from "../cli/user-ops.ts";
import type { UserOps } from "../lower/user-ops.ts";
import type { OwnOpsFile } from "../protocol/engine.ts";

/** Imports the file in this thread. A `ModelError` where the workspace is not trusted, or the file does not load. */
export async function ownOpsFrom(file: OwnOpsFile | undefined): Promise<UserOps | undefined> {
  if (!file) return undefined;
  if (!file.trusted)
    throw modelError(
      "untrusted-ops",
      `operators of your own are code, and run only in a trusted workspace: ${file.path}`,
      {},
      "Trust the workspace to have them loaded",
    );
  return loadUserOps(file.path);
}
