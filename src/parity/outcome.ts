/** What a parity run finds on its way, which is told also where it ends early. */
import { ModelError, type Problem, problem } from "../base/problem.ts";
import { type ComparedLayer, type ComparedOutput, type ComparedValue, notCompared, type ParityReport } from "./report.ts";

const isGood = ({ verdict }: ComparedValue): boolean => verdict === "equal" || verdict === "within";

export class Outcome {
  readonly outputs: ComparedOutput[] = [];
  readonly problems: Problem[] = [];
  layers: readonly ComparedLayer[] | undefined;

  caught(error: unknown): void {
    if (!(error instanceof ModelError)) throw error;
    this.problems.push(error.problem);
  }

  skipped(name: string, why: string): void {
    this.outputs.push({ name, ...notCompared(why) });
    this.problems.push(problem("warning", "not-compared", why, { tensor: name }));
  }

  report(about: Pick<ParityReport, "backend" | "reference" | "inputs" | "tolerance">): ParityReport {
    // What shares our reader and our lowering proves nothing equal.
    const judge = <T extends ComparedValue>(value: T): T =>
      about.reference.kind === "modelwright" && isGood(value) ? { ...value, verdict: "consistent" } : value;
    const outputs = this.outputs.map(judge);
    const layers = this.layers?.map(judge);
    const all = [...outputs, ...(layers ?? [])];
    const failed = this.problems.some(({ severity }) => severity === "error");
    const nothing = all.every(({ verdict }) => verdict === "not-compared");
    if (nothing && !failed) this.problems.push(problem("error", "no-reference", "nothing could be compared"));
    const firstDifference = this.layers?.find(({ verdict }) => verdict === "different");
    return {
      ...about,
      ok: !failed && !nothing && all.every(({ verdict }) => verdict !== "different"),
      outputs,
      ...(layers && { layers }),
      ...(firstDifference && { firstDifference }),
      problems: this.problems,
    };
  }
}
