/** What the user reads of problems and results; UI.md, "Words". Pure, so that it is tested without an editor. */
import { ModelError, type Problem } from "../base/problem.ts";
import type { ConvertView, ParityResult, ParityRow } from "../protocol/engine.ts";
import { bytes, decimal, integer, plural } from "../protocol/format.ts";
import type { Backend, VerdictsView } from "../protocol/views.ts";

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

/** `Acme.FancyNorm: no lowering to TF.js (block.9/norm). Cut the model before block.9.` */
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
export function statusText(nodes: number, verdicts: VerdictsView | undefined): string {
  const ops = plural(nodes, "op");
  if (!verdicts) return ops;
  const missing = unsupportedNodes(verdicts);
  if (missing > 0) return `${ops} · ${integer(missing)} unsupported`;
  return verdicts.problems.some(({ severity }) => severity === "error")
    ? `${ops} · not convertible`
    : `${ops} · ready on ${verdicts.backend}`;
}

/** `Converted: 66 → 41 nodes, 4.9 → 1.3 MB.` */
export function convertedText({ nodes, weightBytes }: ConvertView): string {
  const [before, after] = [bytes(weightBytes.source, 2), bytes(weightBytes.final, 2)];
  const unit = after.slice(after.indexOf(" "));
  const from = before.endsWith(unit) ? before.slice(0, -unit.length) : before;
  return `Converted: ${integer(nodes.source)} → ${integer(nodes.final)} nodes, ${before === after ? after : `${from} → ${after}`}.`;
}

const compared = (rows: readonly ParityRow[]): ParityRow[] => rows.filter(({ verdict }) => verdict !== "not-compared");

/** `Equal within tolerance on wasm: 1 output, 38 layers, largest difference 2.1e−6.` */
export function parityText({ backend, verdict, outputs, layers }: ParityResult): string {
  const rows = compared([...outputs, ...layers]);
  const largest = Math.max(0, ...rows.map(({ maxAbs }) => maxAbs ?? 0));
  const counts = [
    plural(compared(outputs).length, "output"),
    ...(layers.length ? [plural(compared(layers).length, "layer")] : []),
  ].join(", ");
  if (verdict === "not-compared") return `Nothing could be compared on ${backend}.`;
  if (verdict === "different") {
    const first = layers.find((row) => row.verdict === "different") ?? outputs.find((row) => row.verdict === "different");
    return `Different on ${backend}${first ? `, first at ${first.op ? `${first.op} ` : ""}${first.name}` : ""}: largest difference ${decimal(largest)}.`;
  }
  const head = verdict === "equal" ? "Equal" : verdict === "consistent" ? "Consistent" : "Equal within tolerance";
  return `${head} on ${backend}: ${counts}, largest difference ${decimal(largest)}.`;
}

export const backendWords: Readonly<Record<Backend, string>> = {
  wasm: "WebAssembly, in the engine",
  cpu: "plain JavaScript, in the engine; slow",
  webgl: "the GPU by WebGL",
  webgpu: "the GPU by WebGPU",
};
