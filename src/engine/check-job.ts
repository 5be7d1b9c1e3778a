/** The dry run for the editor. */

import { ModelError } from "../base/problem.ts";
import { check } from "../check.ts";
import type { OwnOpsFile } from "../protocol/engine.ts";
import type { Backend, VerdictsView } from "../protocol/views.ts";
import { readModel } from "./models.ts";
import { ownOpsFrom } from "./own-ops.ts";
import { verdictsView } from "./verdicts.ts";

/** A file of operators that does not load, or may not, is one of the problems: the rest of the model is checked without it. */
export async function checkModel(
  path: string,
  backend: Backend,
  ownOps: OwnOpsFile | undefined,
  signal: AbortSignal,
): Promise<VerdictsView> {
  const { model, files } = await readModel(path);
  const own = await ownOpsFrom(ownOps).catch((error: unknown) => {
    if (!(error instanceof ModelError)) throw error;
    return error;
  });
  const failed = own instanceof ModelError;
  const checked = await check(model, files, { backend, signal, userOps: failed ? undefined : own });
  return verdictsView(model, failed ? { ...checked, problems: [...checked.problems, own.problem] } : checked, backend);
}
