/** The dry run for the editor. */
import { type Backend, backends, type VerdictsView } from "../protocol/views.ts";
import { translate } from "../translate.ts";
import { readModel } from "./models.ts";
import { problemViews, typeViews } from "./verdicts.ts";

export async function checkModel(path: string, backend: Backend, signal: AbortSignal): Promise<VerdictsView> {
  const { model, files } = await readModel(path);
  const translated = await translate(model, files, { signal });
  const problems = problemViews(model, [...model.problems, ...translated.problems]);
  const stopped = new Map(
    problems.flatMap(({ severity, at }) => (severity === "error" && at ? [[`${at.graph} ${at.node}`, at] as const] : [])),
  );
  const ready = !problems.some(({ severity }) => severity === "error");
  return {
    backend,
    problems,
    backends: backends.map((each) => ({ backend: each, ready, nodes: stopped.size })),
    types: typeViews(model, translated.lowered.values),
    support: [...stopped.values()].map((at) => ({
      ...at,
      backends: { cpu: "missing", wasm: "missing", webgl: "missing", webgpu: "missing" },
    })),
  };
}
