/** From a Keras model to a TF.js layers model: model.json that `tf.loadLayersModel` takes, and shards. */
import type { ByteSink } from "./base/bytes.ts";
import { throwIfCancelled } from "./base/cancel.ts";
import { MemorySink } from "./base/memory.ts";
import { modelError } from "./base/problem.ts";
import type { Converted, ConvertOptions, TensorPlan } from "./convert.ts";
import { type Layout, layoutBytes, layoutOf } from "./formats/tfjs/layout.ts";
import type { Json } from "./formats/tfjs/topology.ts";
import { encodeWeight, manifest, Shards, type WeightGroup } from "./formats/tfjs/weights.ts";
import { defaultShardBytes } from "./formats/tfjs/write.ts";
import { type SourceMap, sourceMapName } from "./graph/map.ts";
import type { SourceModel, ValueId } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { readConstants } from "./lower/constants.ts";
import { customLayersModule, customLayersName } from "./lower/keras/custom-layers.ts";
import { kerasRules } from "./lower/keras/rules.ts";
import { type LayersModel, translateLayers } from "./lower/keras/translate.ts";
import { lower } from "./lower/lower.ts";
import { evaluate } from "./tf/evaluate.ts";
import { version } from "./version.ts";
import "./tf/all.ts";

type Weights = LayersModel["weights"];

export interface LayersOptions extends Pick<ConvertOptions, "quantize" | "shardBytes" | "metadata" | "onProgress" | "signal"> {
  /** The weights of each layer in files of their own, so that a program may fetch some. */
  readonly splitByLayer?: boolean;
}

/** As `convert`; only Keras models and TF.js layers models have layers. */
export async function convertToLayers(
  model: SourceModel,
  files: ModelFiles,
  sink: ByteSink,
  options: LayersOptions = {},
): Promise<Converted> {
  if (model.dialect !== "keras")
    throw modelError(
      "unsupported",
      `a layers model is made from a Keras model, not from ${model.dialect}`,
      {},
      "make a graph model of it: --to tfjs",
    );
  const started = performance.now();
  const { values } = lower(model, files, await readConstants(model, files), kerasRules, { signal: options.signal });
  const layers = translateLayers(model, files, values);
  const lowered = performance.now();
  const count = model.graphs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const main = model.graphs[0]!;
  const problems = [...model.problems, ...layers.problems];
  const base = {
    problems,
    nodes: { source: count, lowered: count, final: count },
    customOps: [],
    state: [],
    inputs: plans(model, main.inputs),
    outputs: plans(model, main.outputs),
  };
  const ms = { lower: lowered - started, optimize: 0 };
  if (problems.some(({ severity }) => severity === "error"))
    return { ...base, ok: false, files: [], weightBytes: 0, ms: { ...ms, write: 0 } };
  try {
    const metadata = { ...model.userMetadata, ...options.metadata };
    const { paths, bytes } = await write(layers, sink, { ...options, ...(Object.keys(metadata).length > 0 && { metadata }) });
    await writeText(sink, sourceMapName, JSON.stringify(mapOf(model)));
    const custom = layers.custom.length > 0;
    if (custom) await writeText(sink, customLayersName, customLayersModule(layers.custom));
    await sink.commit();
    return {
      ...base,
      ok: true,
      files: ["model.json", ...paths, sourceMapName, ...(custom ? [customLayersName] : [])],
      weightBytes: bytes,
      ms: { ...ms, write: performance.now() - lowered },
    };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** The layers model in memory, for a run of it; undefined where there is none, or a user's class would be needed. */
export async function layersInMemory(
  model: SourceModel,
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<{ readonly files: Readonly<Record<string, Uint8Array>>; readonly places: LayersModel["places"] } | undefined> {
  const { values } = lower(model, files, await readConstants(model, files), kerasRules, { signal });
  const layers = translateLayers(model, files, values);
  const faulty = [...model.problems, ...layers.problems].some(({ severity }) => severity === "error");
  if (faulty || layers.custom.length > 0) return undefined;
  const sink = new MemorySink();
  await write(layers, sink, { signal });
  await sink.commit();
  return { files: sink.files, places: layers.places };
}

async function write({ topology, weights }: LayersModel, sink: ByteSink, options: LayersOptions) {
  const { quantize, shardBytes = defaultShardBytes, metadata, onProgress, signal } = options;
  const layouts = new Map(weights.map(({ name, value }) => [name, layoutOf(value, quantize?.(name))]));
  const total = bytesOf(weights, layouts);
  const groups: WeightGroup[] = [];
  let written = 0;
  for (const group of options.splitByLayer ? byLayer(weights) : [weights]) {
    const shards = new Shards(sink, shardBytes, bytesOf(group, layouts), groups.length + 1);
    const specs = [];
    for (const { name, value } of group) {
      throwIfCancelled(signal);
      const { spec, bytes } = encodeWeight(name, await evaluate(value), layouts.get(name)!);
      await shards.write(bytes);
      specs.push(spec);
      written += bytes.length;
      onProgress?.(total === 0 ? 1 : written / total);
    }
    await shards.close();
    groups.push({ paths: shards.paths, weights: specs });
  }
  const generator = `modelwright ${version}`;
  const json: Json = {
    format: "layers-model",
    generatedBy: generator,
    convertedBy: generator,
    modelTopology: topology as Json,
    weightsManifest: manifest(...groups),
    ...(metadata && { userDefinedMetadata: metadata as Json }),
  };
  await writeText(sink, "model.json", JSON.stringify(json));
  return { paths: groups.flatMap(({ paths }) => paths), bytes: written };
}

const bytesOf = (weights: Weights, layouts: ReadonlyMap<string, Layout>): number =>
  weights.reduce((sum, { name, value }) => sum + layoutBytes(layouts.get(name)!, value.dtype, value.staticShape!), 0);

function byLayer(weights: Weights): readonly Weights[] {
  const groups = new Map<string, Weights[number][]>();
  for (const weight of weights) groups.set(weight.layer, [...(groups.get(weight.layer) ?? []), weight]);
  return [...groups.values()];
}

async function writeText(sink: ByteSink, name: string, text: string): Promise<void> {
  const writer = await sink.create(name);
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

/** Layers keep their names. */
function mapOf({ graphs }: SourceModel): SourceMap {
  const nodes = graphs.flatMap((graph) =>
    graph.nodes.map(({ name }) => ({ target: name, source: [`${graph.name}/${name}`], how: "lowered" as const })),
  );
  return { version: 1, values: [], nodes };
}

function plans({ graphs }: SourceModel, ids: readonly ValueId[]): TensorPlan[] {
  const { values } = graphs[0]!;
  return ids.map((id) => {
    const { name, type } = values[id]!;
    return { name, dtype: type.dtype ?? "float32", shape: type.shape ?? null };
  });
}
