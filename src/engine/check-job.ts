/** The dry run for the editor. */
import { check } from "../check.ts";
import type { Backend, VerdictsView } from "../protocol/views.ts";
import { readModel } from "./models.ts";
import { verdictsView } from "./verdicts.ts";

export async function checkModel(path: string, backend: Backend, signal: AbortSignal): Promise<VerdictsView> {
  const { model, files } = await readModel(path);
  return verdictsView(model, await check(model, files, { backend, signal }), backend);
}
