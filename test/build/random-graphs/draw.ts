/** A random graph of mixed ops from a list of choices. */
import { computedSteps } from "./computed.ts";
import { Draft } from "./draft.ts";
import { elementwiseSteps, type Step } from "./elementwise.ts";
import { movingSteps } from "./moving.ts";
import { selectingSteps } from "./selecting.ts";
import { windowSteps } from "./windows.ts";

const families: readonly (readonly Step[])[] = [elementwiseSteps, movingSteps, windowSteps, selectingSteps, computedSteps];

const mostSteps = 20;

/** @param open declares the sizes of inputs as symbols, so that the converter knows none */
export function drawGraph(choices: readonly number[], open: boolean): Draft {
  const draft = new Draft(choices, open);
  draft.input("float32", draft.shape(draft.oneOf([4, 3, 2, 4])));
  if (draft.chance()) draft.input(draft.oneOf(["float32", "int32", "int64"]), draft.shape(draft.between(1, 3)));
  for (let steps = 0; steps < mostSteps && !draft.spent; steps++) {
    const step = draft.oneOf(draft.oneOf(families));
    // Mostly on from where the graph is: chains are what rewrites work on.
    const { values } = draft;
    step(draft, draft.pick(4) > 0 ? values.at(-1)! : draft.oneOf(values));
  }
  return draft;
}
