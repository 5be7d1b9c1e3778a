/** What a parity run finds on its way, which is told also where it ends early. */
import { isFloat } from "../base/dtype.ts";
import { ModelError, type Problem, problem } from "../base/problem.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Comparison } from "./compare.ts";
import {
  type ComparedLayer,
  type ComparedOutput,
  type ComparedValue,
  compared,
  notCompared,
  type ParityReport,
} from "./report.ts";

const isGood = ({ verdict }: ComparedValue): boolean => verdict === "equal" || verdict === "within";

const elsewhere = "try other inputs: --inputs, or --seed";

/** The number that all of several floats are. */
function onlyNumber({ dtype, data }: Tensor): number | undefined {
  if (!isFloat(dtype) || Array.isArray(data) || data.length < 2) return undefined;
  const first = Number(data[0]);
  return (data as Float32Array).every((each) => Object.is(each, first) || each === first) ? first : undefined;
}

export class Outcome {
  readonly outputs: ComparedOutput[] = [];
  readonly problems: Problem[] = [];
  layers: readonly ComparedLayer[] | undefined;

  caught(error: unknown): void {
    if (!(error instanceof ModelError)) throw error;
    this.problems.push(error.problem);
  }

  /** @param reference what the source gives: one number throughout tells little of how it came about */
  compared(name: string, reference: Tensor, comparison: Comparison): void {
    const value = compared(reference, comparison);
    this.outputs.push({ name, ...value });
    const only = onlyNumber(reference);
    if (value.verdict === "not-compared")
      this.problems.push(problem("warning", "not-compared", value.note!, { tensor: name }, elsewhere));
    else if (only !== undefined && isGood(value))
      this.problems.push(problem("info", "tells-little", `every value is ${only}`, { tensor: name }, elsewhere));
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
