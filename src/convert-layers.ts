/** From a Keras model to a TF.js layers model: model.json that `tf.loadLayersModel` takes, and shards. */
import type { ByteSink } from "./base/bytes.ts";
import { throwIfCancelled } from "./base/cancel.ts";
import { modelError } from "./base/problem.ts";
import type { Converted, ConvertOptions, TensorPlan } from "./convert.ts";
import type { Json } from "./formats/tfjs/topology.ts";
import { encodeWeight, layoutBytes, layoutOf, manifest, Shards } from "./formats/tfjs/weights.ts";
import { defaultShardBytes } from "./formats/tfjs/write.ts";
import type { Type } from "./graph/graph.ts";
import { type SourceMap, sourceMapName } from "./graph/map.ts";
import type { SourceModel, ValueId } from "./graph/source.ts";
import type { ModelFiles } from "./graph/tensor.ts";
import { readConstants } from "./lower/constants.ts";
import { kerasRules } from "./lower/keras/rules.ts";
import { type LayersModel, translateLayers } from "./lower/keras/translate.ts";
import { lower } from "./lower/lower.ts";
import { evaluate } from "./tf/evaluate.ts";
import { version } from "./version.ts";
import "./tf/all.ts";

/** As `convert`; only Keras models and TF.js layers models have layers. */
export async function convertToLayers(
  model: SourceModel,
  files: ModelFiles,
  sink: ByteSink,
  options: Pick<ConvertOptions, "quantize" | "shardBytes" | "onProgress" | "signal"> = {},
): Promise<Converted> {
  if (model.dialect !== "keras")
    throw modelError("unsupported", `a layers model is made from a Keras model, not from ${model.dialect}`, {}, "use --to tfjs");
  const started = performance.now();
  const types = await inferredTypes(model, files, options.signal);
  const layers = translateLayers(model, files, types);
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
    const { paths, bytes } = await write(layers, sink, options);
    await writeText(sink, sourceMapName, JSON.stringify(mapOf(model)));
    await sink.commit();
    return {
      ...base,
      ok: true,
      files: ["model.json", ...paths, sourceMapName],
      weightBytes: bytes,
      ms: { ...ms, write: performance.now() - lowered },
    };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Of every value; those behind a layer that has no lowering are as unknown as in the file. */
async function inferredTypes(model: SourceModel, files: ModelFiles, signal: AbortSignal | undefined): Promise<Map<string, Type>> {
  const { values } = lower(model, files, await readConstants(model, files), kerasRules, { signal });
  return new Map([...values].map(([name, { type }]) => [name, type]));
}

async function write(
  { topology, weights }: LayersModel,
  sink: ByteSink,
  { quantize, shardBytes, onProgress, signal }: Pick<ConvertOptions, "quantize" | "shardBytes" | "onProgress" | "signal">,
) {
  const layouts = weights.map(({ name, value }) => layoutOf(value, quantize?.(name)));
  const total = weights.reduce((sum, { value }, i) => sum + layoutBytes(layouts[i]!, value.dtype, value.staticShape!), 0);
  const shards = new Shards(sink, shardBytes ?? defaultShardBytes, total);
  const specs = [];
  let written = 0;
  for (const [i, { name, value }] of weights.entries()) {
    throwIfCancelled(signal);
    const { spec, bytes } = encodeWeight(name, await evaluate(value), layouts[i]!);
    await shards.write(bytes);
    specs.push(spec);
    written += bytes.length;
    onProgress?.(total === 0 ? 1 : written / total);
  }
  await shards.close();
  const generator = `modelwright ${version}`;
  const json: Json = {
    format: "layers-model",
    generatedBy: generator,
    convertedBy: generator,
    modelTopology: topology as Json,
    weightsManifest: manifest(shards.paths, specs),
  };
  await writeText(sink, "model.json", JSON.stringify(json));
  return { paths: shards.paths, bytes: written };
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
