/** What is wrong with a *model*: data with a place, collected or thrown. Faults of our own are plain `Error`s. */

export type Severity = "error" | "warning" | "info";

/** Where a problem sits; every field is optional because a file can fail before it has graphs or nodes. */
export interface Place {
  /** Name of the (sub-)graph in the source. */
  readonly graph?: string;
  /** Name of the source node. */
  readonly node?: string;
  /** Operator of the source node, with its domain unless that is the dialect's own: `Conv`, `com.microsoft.Gelu`. */
  readonly op?: string;
  /** Name of the tensor or value. */
  readonly tensor?: string;
  /** Byte offset in the file. */
  readonly offset?: number;
}

export interface Problem extends Place {
  /** Stable, kebab-case, for scripts and for links into the docs. */
  readonly code: string;
  readonly severity: Severity;
  /** One clause, lower case, value last. */
  readonly reason: string;
  /** The way out, where there is one. */
  readonly hint?: string;
}

export class ModelError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(describe(problem));
    this.name = "ModelError";
    this.problem = problem;
  }
}

/** A `ModelError` of severity error. */
export function modelError(code: string, reason: string, place: Place = {}, hint?: string): ModelError {
  return new ModelError(problem("error", code, reason, place, hint));
}

export function problem(severity: Severity, code: string, reason: string, place: Place = {}, hint?: string): Problem {
  return { ...place, code, severity, reason, ...(hint === undefined ? {} : { hint }) };
}

/** `main/features.0 (Conv): 2 groups of 4 channels` */
export function describe(p: Problem): string {
  const node = [p.graph, p.node].filter((part) => part).join("/");
  const where = [node, p.op && `(${p.op})`, p.tensor && !p.node ? p.tensor : undefined].filter((part) => part).join(" ");
  const at = p.offset === undefined ? "" : ` at byte ${p.offset}`;
  return `${where ? `${where}: ` : ""}${p.reason}${at}${p.hint ? `. ${p.hint}` : ""}`;
}
