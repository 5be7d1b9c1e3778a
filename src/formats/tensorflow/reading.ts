/** What one reading of a file shares: its problems, and how much it may still take. */
import { modelError, type Place, type Problem, problem, type Severity } from "../../base/problem.ts";

/** Nodes, values, attributes and tensors. A graph of a million nodes takes about six million; objects of twice that fill a default heap. */
const MAX_OBJECTS = 2 ** 24;
/** Problems kept; a broken exporter repeats itself a node. */
const MAX_PROBLEMS = 1000;

export class Reading {
  readonly problems: Problem[] = [];
  private objects = 0;

  /** Counts what is about to be allocated. */
  spend(count: number, offset: number): void {
    this.objects += count;
    if (this.objects > MAX_OBJECTS)
      throw modelError("too-large", `more than ${MAX_OBJECTS} nodes, values and attributes`, { offset });
  }

  report(severity: Severity, code: string, reason: string, place: Place, hint?: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem(severity, code, reason, place, hint));
    else if (this.problems.length === MAX_PROBLEMS)
      this.problems.push(problem("info", "more-problems", `more than ${MAX_PROBLEMS} problems; the rest is not listed`));
  }
}
