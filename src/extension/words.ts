/** What the user reads of problems and results; UI.md, "Words". Pure, so that it is tested without an editor. */
import { ModelError, type Problem } from "../base/problem.ts";
import type { ConvertView, ParityResult, ParityRow } from "../protocol/engine.ts";
import { bytes, decimal, integer } from "../protocol/format.ts";
import type { Backend, VerdictsView } from "../protocol/views.ts";

/** `vscode.l10n`, or what stands for it in a test. */
export interface L10n {
  t(message: string, ...values: (string | number)[]): string;
}

/** Whether the model is at fault: a runtime or a job that dies is a fault of ours, though it is told as a problem. */
export const isModelFault = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.problem.code !== "runtime-crashed";

/** A clause as a sentence: capital letter unless it is a name, full stop at the end. */
export function sentence(clause: string): string {
  const first = clause.match(/^\S*/)?.[0] ?? "";
  // `model.json has …` and `int64 …` begin with a name; an ordinary word holds only letters.
  const text = /^[a-z]+[,;:]?$/.test(first) ? clause[0]!.toUpperCase() + clause.slice(1) : clause;
  return text === "" || /[.?!…]$/.test(text) ? text : `${text}.`;
}

/** `Acme.FancyNorm: cannot be converted (block.9/norm). Cut the model before block.9.` */
export function problemText(problem: Problem): string {
  const subject = problem.op ?? problem.tensor;
  const said = subject !== undefined && problem.reason.startsWith(subject);
  const what = subject === undefined || said ? problem.reason : `${subject}: ${problem.reason}`;
  const where = problem.node ? ` (${problem.node})` : "";
  const offset = problem.offset === undefined ? "" : `, at byte ${integer(problem.offset)}`;
  const first = sentence(`${what.replace(/\.$/, "")}${where}${offset}`);
  return problem.hint ? `${first} ${sentence(problem.hint)}` : first;
}

/** The operators that stop a model, most frequent first: `Acme.FancyNorm ×3, Foo`. */
export function operatorCounts(problems: readonly Problem[]): [string, number][] {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const problem of problems) {
    if (problem.severity !== "error" || problem.op === undefined) continue;
    const node = `${problem.graph}/${problem.node}`;
    if (problem.node !== undefined && seen.has(node)) continue;
    seen.add(node);
    counts.set(problem.op, (counts.get(problem.op) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Nodes that cannot run, each counted once. */
export function unsupportedNodes({ problems }: VerdictsView): number {
  const nodes = problems.flatMap(({ severity, at }) => (severity === "error" && at ? [`${at.graph} ${at.node}`] : []));
  return new Set(nodes).size;
}

/** `66 ops · 2 unsupported`, `66 ops · TF.js: ready on wasm`. */
export function statusText(nodes: number, verdicts: VerdictsView | undefined, l10n: L10n): string {
  const ops = nodes === 1 ? l10n.t("1 op") : l10n.t("{0} ops", integer(nodes));
  if (!verdicts) return ops;
  const missing = unsupportedNodes(verdicts);
  if (missing > 0) return `${ops} · ${l10n.t("{0} unsupported", integer(missing))}`;
  return verdicts.problems.some(({ severity }) => severity === "error")
    ? `${ops} · ${l10n.t("not convertible")}`
    : `${ops} · ${l10n.t("ready on {0}", verdicts.backend)}`;
}

/** `Converted: 66 → 41 nodes, 4.9 → 1.3 MB.` */
export function convertedText({ nodes, weightBytes }: ConvertView, l10n: L10n): string {
  const [before, after] = [bytes(weightBytes.source, 2), bytes(weightBytes.final, 2)];
  const unit = after.slice(after.indexOf(" "));
  const from = before.endsWith(unit) ? before.slice(0, -unit.length) : before;
  const size = before === after ? after : `${from} → ${after}`;
  return l10n.t("Converted: {0} → {1} nodes, {2}.", integer(nodes.source), integer(nodes.final), size);
}

const compared = (rows: readonly ParityRow[]): ParityRow[] => rows.filter(({ verdict }) => verdict !== "not-compared");

/** `Equal within tolerance on wasm: 1 output, 38 layers, largest difference 2.1e−6.` */
export function parityText({ backend, verdict, outputs, layers }: ParityResult, l10n: L10n): string {
  const rows = compared([...outputs, ...layers]);
  const largest = Math.max(0, ...rows.map(({ maxAbs }) => maxAbs ?? 0));
  const [ends, inner] = [compared(outputs).length, compared(layers).length];
  const counts = [
    ends === 1 ? l10n.t("1 output") : l10n.t("{0} outputs", integer(ends)),
    ...(layers.length ? [inner === 1 ? l10n.t("1 layer") : l10n.t("{0} layers", integer(inner))] : []),
  ].join(", ");
  if (verdict === "not-compared") return l10n.t("Nothing could be compared on {0}.", backend);
  if (verdict === "different") {
    const first = layers.find((row) => row.verdict === "different") ?? outputs.find((row) => row.verdict === "different");
    if (!first) return l10n.t("Different on {0}: largest difference {1}.", backend, decimal(largest));
    const where = first.op ? `${first.op} ${first.name}` : first.name;
    return l10n.t("Different on {0}, first at {1}: largest difference {2}.", backend, where, decimal(largest));
  }
  const values = [backend, counts, decimal(largest)];
  if (verdict === "equal") return l10n.t("Equal on {0}: {1}, largest difference {2}.", ...values);
  if (verdict === "consistent") return l10n.t("Consistent on {0}: {1}, largest difference {2}.", ...values);
  return l10n.t("Equal within tolerance on {0}: {1}, largest difference {2}.", ...values);
}

export const backendWords = (l10n: L10n): Readonly<Record<Backend, string>> => ({
  wasm: l10n.t("WebAssembly, in the engine"),
  cpu: l10n.t("plain JavaScript, in the engine; slow"),
  webgl: l10n.t("the GPU by WebGL"),
  webgpu: l10n.t("the GPU by WebGPU"),
});
