/** `check`: what TF.js can run. */
import { type CheckOptions, check } from "../check.ts";
import { type Opening, read } from "./read.ts";
import { problemLines, type Report, type Told } from "./report.ts";

export async function checkModel(file: string, options: CheckOptions & Opening): Promise<Told> {
  const started = performance.now();
  const { model, files } = await read(file, options);
  const opened = performance.now() - started;
  const found = await check(model, files, options);
  const { problems } = found;
  const { backend, verdicts, ready, ok, ms } = found;
  const counts = Object.entries(verdicts).filter(([, { verdict }]) => verdict !== "ready");
  return {
    report: { format: model.dialect, ok, backend, verdicts, ready, problems, ms: { read: opened, ...ms } } as Report,
    text: () => [
      ok ? `TF.js: ready on ${ready.join(", ") || "no backend"}` : "TF.js: cannot run this model",
      ...counts.map(([op, { nodes, verdict }]) => `  ${op} ×${nodes}: ${verdict}`),
      ...problemLines(problems),
    ],
  };
}
