/** How what was thrown crosses a border: structured clone drops an Error's own fields. */
import { Cancelled } from "../base/cancel.ts";
import { ModelError, type Problem } from "../base/problem.ts";

export type Failure =
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "cancelled" }
  | { readonly kind: "error"; readonly message: string; readonly stack?: string };

export function failureOf(error: unknown): Failure {
  if (error instanceof ModelError) return { kind: "problem", problem: error.problem };
  if (error instanceof Cancelled) return { kind: "cancelled" };
  if (!(error instanceof Error)) return { kind: "error", message: String(error) };
  return { kind: "error", message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}

/** The error to throw on this side; a fault of ours keeps the far stack. */
export function thrown(failure: Failure): Error {
  if (failure.kind === "problem") return new ModelError(failure.problem);
  if (failure.kind === "cancelled") return new Cancelled();
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
