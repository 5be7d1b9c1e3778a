/** The inputs of a parity run: stored ones, or seeded ones of sizes that the source accepts. */
import { ModelError, modelError } from "../base/problem.ts";
import type { SourceGraph, SourceModel, ValueId } from "../graph/source.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ValueSpec } from "../runtime/run.ts";
import { gatherBounds } from "./bounds.ts";
import { imageInputs } from "./images.ts";
import { chooseShapes, type Dims, seededImage, seededTensor } from "./inputs.ts";
import { assign, type StoredSet } from "./stored.ts";

export interface Feeds {
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly dims: Dims;
}

/** What must be fed: IR versions before 4 list initializers among the inputs. */
const fedIds = (graph: SourceGraph): readonly ValueId[] => graph.inputs.filter((id) => !graph.values[id]?.tensor);

/** By the names of the signature, where the graph is seen through one: those of the converted model. */
export const inputSpecs = (graph: SourceGraph): ValueSpec[] =>
  called(specs(graph, fedIds(graph)), graph.inputs.length === fedIds(graph).length ? graph.inputNames : undefined);
export const outputSpecs = (graph: SourceGraph): ValueSpec[] => called(specs(graph, graph.outputs), graph.outputNames);

const called = (found: readonly ValueSpec[], names: readonly string[] | undefined): ValueSpec[] =>
  found.map((spec, i) => ({ ...spec, name: names?.[i] ?? spec.name }));

export const specs = ({ values }: SourceGraph, ids: readonly ValueId[]): ValueSpec[] =>
  ids.map((id) => {
    const { name, type } = values[id]!;
    return { name, dtype: type.other === undefined ? type.dtype : undefined, shape: type.shape };
  });

/** A `ModelError` `input-missing` where an input of the model has no tensor among the stored. */
export function storedFeeds(model: SourceModel, stored: StoredSet): Feeds {
  const needed = inputSpecs(model.graphs[0]!);
  const feeds = assign(stored.inputs, needed);
  for (const { name } of needed) {
    if (!feeds.has(name)) throw modelError("input-missing", "no tensor is stored for this input", { tensor: name });
  }
  const dims: Record<string, number> = {};
  for (const { name, shape } of needed) {
    shape?.forEach((dim, axis) => {
      const size = feeds.get(name)?.shape[axis];
      if (typeof dim === "string" && size !== undefined) dims[dim] = size;
    });
  }
  return { feeds, dims };
}

/**
 * Draws inputs and lets `tryOut` run the source on them: batch 2 and 5, 7, 11 … for unset dims first, then all 1 where the source
 * refuses those.
 * @param fixed inputs of the converted model: sizes that it has bound are taken over
 */
export async function seededFeeds<T>(
  model: SourceModel,
  fixed: readonly ValueSpec[],
  seed: number,
  tryOut: (feeds: Feeds) => Promise<T>,
): Promise<T> {
  const graph = model.graphs[0]!;
  const needed = inputSpecs(graph);
  const own = fedIds(graph).map((id) => graph.values[id]!.name);
  const bounds = gatherBounds(graph);
  const images = imageInputs(model);
  const draw = (plan: "varied" | "ones"): Feeds => {
    const { shapes, dims } = chooseShapes(needed, fixed, plan);
    const tensors = needed.map((spec, i) =>
      images.has(own[i]!)
        ? seededImage(spec, shapes.get(spec.name)!, seed)
        : seededTensor(spec, shapes.get(spec.name)!, seed, bounds.get(own[i]!)),
    );
    return { feeds: new Map(needed.map((spec, i) => [spec.name, tensors[i]!])), dims };
  };
  const varied = draw("varied");
  try {
    return await tryOut(varied);
  } catch (error) {
    if (!(error instanceof ModelError) || error.problem.code !== "reference-failed" || Object.keys(varied.dims).length === 0)
      throw error;
    return tryOut(draw("ones")).catch((second: unknown) => {
      // The first refusal is the telling one where none of the sizes does.
      throw second instanceof ModelError && second.problem.code === "reference-failed" ? error : second;
    });
  }
}
