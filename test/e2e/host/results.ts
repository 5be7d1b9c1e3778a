/** What leaves the extension host: a line of JSON a test or figure, to the file that E2E_HOST_RESULTS names. */
import { appendFileSync } from "node:fs";

export type HostResult =
  | {
      readonly kind: "test";
      readonly title: string;
      readonly ms: number;
      /** Of the failure; absent where the test passed. */
      readonly error?: string;
    }
  | { readonly kind: "figure"; readonly name: string; readonly ms: number; readonly aim?: number };

export function report(result: HostResult): void {
  const file = process.env.E2E_HOST_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** A time, printed with what is aimed at. */
export const figure = (name: string, ms: number, aim?: number): void =>
  report({ kind: "figure", name, ms, ...(aim === undefined ? {} : { aim }) });
