/** What is said of a file while it is read. */
import { type Place, type Problem, problem, type Severity } from "../base/problem.ts";

/** Problems kept; a broken exporter repeats itself a node. */
const MAX_PROBLEMS = 1000;

export class Reports {
  readonly problems: Problem[] = [];

  report(severity: Severity, code: string, reason: string, place: Place, hint?: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem(severity, code, reason, place, hint));
    else if (this.problems.length === MAX_PROBLEMS)
      this.problems.push(problem("info", "more-problems", `more than ${MAX_PROBLEMS} problems; the rest is not listed`));
  }
}
