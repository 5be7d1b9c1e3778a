/** What the conversions to layers share: a Keras model checked and put into the words of stock layers, for TF.js or for Keras itself. */
import { modelError } from "./base/problem.ts";
import type { Converted } from "./convert.ts";
import type { Value } from "./graph/graph.ts";
import type { SourceMap } from "./graph/map.ts";
import type { SourceModel, ValueId } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { readConstants } from "./lower/constants.ts";
import { kerasRules } from "./lower/keras/rules.ts";
import { type LayersModel, type LayersTarget, translateLayers } from "./lower/keras/translate.ts";
import { lower } from "./lower/lower.ts";
import "./tf/all.ts";

export interface TranslatedLayers {
  readonly layers: LayersModel;
  readonly map: SourceMap;
  /** No error among the problems. */
  readonly ok: boolean;
  /** The report, but for what is written. */
  readonly base: Omit<Converted, "ok" | "files" | "weightBytes" | "ms">;
  readonly ms: Omit<Converted["ms"], "write">;
}

/** A `ModelError` for models that have no layers: only those of Keras and TF.js's layers models do. */
export async function translateToLayers(
  model: SourceModel,
  files: ModelFiles,
  target: LayersTarget,
  signal?: AbortSignal | undefined,
): Promise<TranslatedLayers> {
  if (model.dialect !== "keras") throw modelError("unsupported", `${made[target]} from ${model.dialect}`, {}, hints[target]);
  const started = performance.now();
  const { values } = lower(model, files, await readConstants(model, files), kerasRules, { signal });
  const layers = translateLayers(model, files, values, target);
  const count = model.graphs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const problems = [...model.problems, ...layers.problems];
  const { inputs, outputs } = model.graphs[0]!;
  return {
    layers,
    map: mapOf(model),
    ok: !problems.some(({ severity }) => severity === "error"),
    base: {
      problems,
      nodes: { source: count, lowered: count, final: count },
      customOps: [],
      state: [],
      inputs: plans(model, inputs, values),
      outputs: plans(model, outputs, values),
    },
    ms: { lower: performance.now() - started, optimize: 0 },
  };
}

const made: Readonly<Record<LayersTarget, string>> = {
  tfjs: "a layers model is made from a Keras model, not",
  keras: "a Keras model is made from a layers model or another Keras model, not",
};
const hints: Readonly<Record<LayersTarget, string>> = {
  tfjs: "make a graph model of it: --to tfjs",
  keras: "an operator is no layer: make an ONNX model of it: --to onnx",
};

/** Layers keep their names. */
function mapOf({ graphs }: SourceModel): SourceMap {
  const nodes = graphs.flatMap((graph) =>
    graph.nodes.map(({ name }) => ({ target: name, source: [`${graph.name}/${name}`], how: "lowered" as const })),
  );
  return { version: 1, values: [], nodes };
}

/** Of outputs the file says nothing, the lowered values do. */
const plans = ({ graphs }: SourceModel, ids: readonly ValueId[], values: ReadonlyMap<string, Value>) =>
  ids.map((id) => {
    const { name, type } = graphs[0]!.values[id]!;
    const lowered = values.get(`${graphs[0]!.name}/${name}`)?.type;
    const shape = type.shape ?? lowered?.shape?.map((dim) => dim ?? null) ?? null;
    return { name, dtype: type.dtype ?? lowered?.dtype ?? "float32", shape };
  });
