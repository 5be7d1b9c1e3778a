/** The layers of a configuration as the reader sees them: what each is, where its weights are, and how its calls are numbered and named. */
import type { Json } from "./attributes.ts";
import type { Call, Reference } from "./calls.ts";
import type { Called } from "./functions.ts";

/** Where a layer's weights are looked for. */
export interface LayerPlace {
  /** Names of the models around it, outermost first, the whole model left out; then its own. */
  readonly names: readonly string[];
  /** Keras 3: as the archive has it, `layers/dense_1`. */
  readonly path: string;
}

export interface Layer extends Called {
  readonly name: string;
  readonly config: Json;
  readonly calls: readonly Call[];
  readonly place: LayerPlace;
}

/** Classes of models, which may be layers of others. */
export const models = new Set(["Sequential", "Model", "Functional"]);

/**
 * What the first call of each model within is numbered: a model of layers has a call of its own, that which made it, so that Keras counts
 * those of others from 1 on; Keras 3 does not for a Sequential. All calls that are kept are read by somebody.
 */
export function firstCalls(layers: readonly Layer[], ends: readonly Reference[]): ReadonlyMap<string, number> {
  const within = new Set(layers.filter(isModel).map(({ name }) => name));
  const firsts = new Map<string, number>();
  for (const { layer, call } of [...ends, ...layers.flatMap(({ calls }) => calls.flatMap(({ inputs }) => inputs))])
    if (within.has(layer)) firsts.set(layer, Math.min(firsts.get(layer) ?? call, call));
  return firsts;
}

export const isModel = (layer: Layer): boolean => models.has(layer.op);

export const key = (layer: string, call: number, output: number): string => `${layer}\0${call}\0${output}`;
export const callName = (layer: string, call: number): string => (call === 0 ? layer : `${layer}#${call}`);
export const valueName = (layer: string, call: number, output: number): string =>
  output === 0 ? callName(layer, call) : `${callName(layer, call)}:${output}`;
