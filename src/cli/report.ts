/** What a command prints: one JSON object a model on stdout, or prose; progress and complaints on stderr. */
import { describe, ModelError, type Problem } from "../base/problem.ts";
import { version } from "../version.ts";

/** What a command found of one model; the rest of the object is the command's own. */
export interface Report {
  readonly format: string;
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly ms: Readonly<Record<string, number>>;
}

/** A report for --json, and the same for a person. */
export interface Told {
  readonly report: Report;
  readonly text: () => readonly string[];
}

export function jsonLine(command: string, model: string, report: Report): string {
  const { format, ok, problems, ms, ...rest } = report;
  const rounded = Object.fromEntries(Object.entries(ms).map(([stage, time]) => [stage, Math.round(time * 100) / 100]));
  return JSON.stringify({ command, version, model, format, ok, ...rest, problems, ms: rounded });
}

/** A model that could not even be read. */
export function failure(error: unknown): Report {
  if (!(error instanceof ModelError)) throw error;
  return { format: "unknown", ok: false, problems: [error.problem], ms: {} };
}

const signs = { error: "✖", warning: "⚠", info: "ℹ" } as const;
const shown = 20;

/** Problems as lines, the worst first; equal reasons of many nodes are told once with their count. */
export function problemLines(problems: readonly Problem[]): string[] {
  const groups = new Map<string, Problem[]>();
  for (const each of problems) {
    const key = `${each.severity}${each.op}${each.reason}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  const rank = { error: 0, warning: 1, info: 2 };
  const lines = [...groups.values()]
    .sort((a, b) => rank[a[0]!.severity] - rank[b[0]!.severity])
    .map(
      ([first, ...rest]) =>
        `  ${signs[first!.severity]} ${describe(first!)}${rest.length > 0 ? ` (and ${rest.length} more nodes)` : ""}`,
    );
  return lines.length <= shown ? lines : [...lines.slice(0, shown), `  … and ${lines.length - shown} more problems`];
}
