/** What a parity run finds on its way, which is told also where it ends early. */
import { ModelError, type Problem, problem } from "../base/problem.ts";
import { type ComparedLayer, type ComparedOutput, notCompared, type ParityReport } from "./report.ts";

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
    const all = [...this.outputs, ...(this.layers ?? [])];
    const failed = this.problems.some(({ severity }) => severity === "error");
    const nothing = all.every(({ verdict }) => verdict === "not-compared");
    if (nothing && !failed) this.problems.push(problem("error", "no-reference", "nothing could be compared"));
    const firstDifference = this.layers?.find(({ verdict }) => verdict === "different");
    return {
      ...about,
      ok: !failed && !nothing && all.every(({ verdict }) => verdict !== "different"),
      outputs: this.outputs,
      ...(this.layers && { layers: this.layers }),
      ...(firstDifference && { firstDifference }),
      problems: this.problems,
    };
  }
}
