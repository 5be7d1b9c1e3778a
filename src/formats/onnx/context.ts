/** What one reading of a file shares: its files, its graphs, its problems, and how much it may still take. */
import { modelError, type Place, type Problem, problem, type Severity } from "../../base/problem.ts";
import type { GraphDraft } from "./draft.ts";

/**
 * Nodes, values, attributes, tensors, and list elements by the eight. A graph of a million nodes takes about eight million; objects of twice
 * that fill a default heap.
 */
const MAX_OBJECTS = 2 ** 24;
/** Problems kept; a broken exporter repeats itself a node. */
const MAX_PROBLEMS = 1000;

export class Context {
  readonly graphs: GraphDraft[] = [];
  readonly problems: Problem[] = [];
  private readonly fileIds = new Map<string, number>();
  private objects = 0;

  constructor(
    readonly fileName: string,
    readonly irVersion: number,
  ) {
    this.fileIds.set("", 0);
  }

  /** Counts what is about to be allocated. */
  spend(count: number, offset: number): void {
    this.objects += count;
    if (this.objects > MAX_OBJECTS)
      throw modelError("too-large", `more than ${MAX_OBJECTS} nodes, values and attributes`, { offset });
  }

  report(severity: Severity, code: string, reason: string, place: Place, hint?: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem(severity, code, reason, place, hint));
    else if (this.problems.length === MAX_PROBLEMS) {
      this.problems.push(problem("info", "more-problems", `more than ${MAX_PROBLEMS} problems; the rest is not listed`));
    }
  }

  /** Index in `SourceModel.files` of a file beside the model; the path must have passed `confinedPath`. */
  fileId(path: string): number {
    let id = this.fileIds.get(path);
    if (id === undefined) {
      id = this.fileIds.size;
      this.fileIds.set(path, id);
    }
    return id;
  }

  get files(): string[] {
    return [...this.fileIds.keys()].map((path) => path || this.fileName);
  }
}
