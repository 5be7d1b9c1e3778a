/** From a Keras model to a TF.js layers model: model.json that `tf.loadLayersModel` takes, and shards. */
import type { ByteSink } from "./base/bytes.ts";
import { throwIfCancelled } from "./base/cancel.ts";
import { MemorySink } from "./base/memory.ts";
import { type Converted, type ConvertOptions, writeText } from "./convert.ts";
import { type Layout, layoutBytes, layoutOf } from "./formats/tfjs/layout.ts";
import type { Json } from "./formats/tfjs/topology.ts";
import { encodeWeight, manifest, Shards, type WeightGroup } from "./formats/tfjs/weights.ts";
import { defaultShardBytes } from "./formats/tfjs/write.ts";
import { sourceMapName } from "./graph/map.ts";
import type { SourceModel } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { customLayersModule, customLayersName } from "./lower/keras/custom-layers.ts";
import type { LayersModel } from "./lower/keras/translate.ts";
import { evaluate } from "./tf/evaluate.ts";
import { translateToLayers } from "./translate-layers.ts";
import { version } from "./version.ts";

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
  const { layers, map, ok, base, ms } = await translateToLayers(model, files, "tfjs", options.signal);
  if (!ok) return { ...base, ok, files: [], weightBytes: 0, ms: { ...ms, write: 0 } };
  const started = performance.now();
  try {
    const metadata = { ...model.userMetadata, ...options.metadata };
    const { paths, bytes } = await write(layers, sink, { ...options, ...(Object.keys(metadata).length > 0 && { metadata }) });
    await writeText(sink, sourceMapName, JSON.stringify(map));
    const custom = layers.custom.length > 0;
    if (custom) await writeText(sink, customLayersName, customLayersModule(layers.custom));
    await sink.commit();
    return {
      ...base,
      ok,
      files: ["model.json", ...paths, sourceMapName, ...(custom ? [customLayersName] : [])],
      weightBytes: bytes,
      ms: { ...ms, write: performance.now() - started },
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
  const { layers, ok } = await translateToLayers(model, files, "tfjs", signal);
  if (!ok || layers.custom.length > 0) return undefined;
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
