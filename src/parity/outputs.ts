/** The values that a parity run is asked about, from both sides. */
import { ModelError, type Problem } from "../base/problem.ts";
import type { CodeForm, SourceMap } from "../graph/map.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Run } from "../runtime/run.ts";
import { toCodes } from "./codes.ts";
import type { Feeds } from "./feeds.ts";
import type { Outcome } from "./outcome.ts";
import type { Reference } from "./reference.ts";
import { compareWithin, type Room } from "./steps.ts";
import type { Tolerance } from "./tolerance.ts";

/** A value of the source and what stands for it in the converted model. */
export interface Wanted {
  readonly name: string;
  readonly fetch: string | undefined;
  readonly perm?: readonly number[] | undefined;
  readonly reshaped?: true | undefined;
  readonly codes?: CodeForm | undefined;
}

/** The outputs of the converted model, or the values asked for: outputs by name, others through the source map. */
export function wantedValues(
  main: string,
  target: Run,
  map: SourceMap | undefined,
  outputs: readonly string[] | undefined,
): Wanted[] {
  const own = new Set(target.outputs.map((output) => output.name));
  return (outputs ?? [...own]).map((name) => {
    if (own.has(name)) return { name, fetch: name };
    const mapped = map?.values.find((value) => value.source === `${main}/${name}` && value.exact);
    return { name, fetch: mapped?.target, perm: mapped?.perm, reshaped: mapped?.reshaped, codes: mapped?.codes };
  });
}

export interface ReferenceRun {
  readonly feeds: Feeds;
  readonly values: ReadonlyMap<string, Tensor>;
  /** Why the others of the names asked for have no value. */
  readonly missing: ReadonlyMap<string, string>;
}

/** Values that cannot be had (no tensor, not stored) do not keep the others from being compared. */
export async function referenceRun({ values }: Reference, feeds: Feeds, names: readonly string[]): Promise<ReferenceRun> {
  const missing = new Map<string, string>();
  for (;;) {
    const rest = names.filter((name) => !missing.has(name));
    try {
      return { feeds, values: await values(feeds.feeds, rest), missing };
    } catch (error) {
      const { code, tensor, reason } = error instanceof ModelError ? error.problem : ({} as Partial<Problem>);
      if (!["not-a-tensor", "no-reference", "unknown-value"].includes(code ?? "") || !tensor || missing.has(tensor)) throw error;
      missing.set(tensor, reason!);
    }
  }
}

export async function compareOutputs(
  target: Run,
  wanted: readonly Wanted[],
  { feeds, values, missing }: ReferenceRun,
  tolerance: (name: string) => Tolerance,
  rooms: ReadonlyMap<string, Room>,
  outcome: Outcome,
): Promise<void> {
  const fetches = wanted.filter(({ name, fetch }) => fetch !== undefined && values.has(name)).map(({ fetch }) => fetch!);
  let actual: ReadonlyMap<string, Tensor> = new Map();
  try {
    actual = await target.run(feedsFor(target, feeds), fetches);
  } catch (error) {
    outcome.caught(error);
  }
  for (const { name, fetch, perm, reshaped, codes } of wanted) {
    const a = values.get(name);
    const found = fetch === undefined ? undefined : actual.get(fetch);
    const b = a && found && codes ? toCodes(found, codes, a.dtype) : found;
    if (a && b) outcome.compared(name, a, compareWithin(a, b, { tolerance: tolerance(name), perm, reshaped }, rooms.get(name)));
    else if (fetch === undefined) outcome.skipped(name, "the converted model does not hold this value");
    else outcome.skipped(name, missing.get(name) ?? "the converted model did not run");
  }
}

/** An input that the conversion found unused is not fed. */
export const feedsFor = (target: Run, { feeds }: Feeds): ReadonlyMap<string, Tensor> =>
  new Map([...feeds].filter(([name]) => target.inputs.some((input) => input.name === name)));
