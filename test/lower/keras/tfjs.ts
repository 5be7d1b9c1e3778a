/** Runs both conversions of a Keras file in this process. */
import * as core from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { MemorySink, memorySource, memorySources } from "../../../src/base/memory.ts";
import { convert } from "../../../src/convert.ts";
import { convertToLayers } from "../../../src/convert-layers.ts";
import { type KerasModel, readKeras } from "../../../src/formats/keras/read.ts";
import type { Tensor } from "../../../src/graph/tensor.ts";
import { readTfjsFiles } from "../../../src/runtime/tfjs-files.ts";
import { TfjsModels } from "../../../src/runtime/tfjs-models.ts";
import { type KerasLayer, sequential } from "../../build/keras.ts";

export { core };

export const readModel = (file: Uint8Array, name = "m.h5"): Promise<KerasModel> =>
  readKeras(memorySource(name, file), memorySources());

const models = new TfjsModels();

/** Of the graph model; throws the first problem where it does not convert. */
export async function graphOutputs({ model, files }: KerasModel, inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
  const sink = new MemorySink();
  const { ok, problems, outputs } = await convert(model, files, sink);
  if (!ok) throw new Error(problems[0]?.reason);
  const { customOps, ...artifacts } = await readTfjsFiles(sink.files);
  const loaded = await models.load(artifacts, customOps);
  const feeds = loaded.inputs.map(({ name }, i) => [name, inputs[i]!] as const);
  const results = await models.run(
    loaded.id,
    feeds,
    outputs.map(({ name }) => name),
  );
  models.unload(loaded.id);
  return results;
}

/** The output of layers in a row, run as a graph model on one input. */
export async function graphOf(
  input: readonly (number | null)[],
  layers: readonly KerasLayer[],
  fed: Tensor,
): Promise<{ readonly shape: readonly number[]; readonly data: Float32Array }> {
  const [output] = await graphOutputs(await readModel(sequential(input, layers)), [fed]);
  return { shape: output!.shape, data: output!.data as Float32Array };
}

/** Of the layers model. */
export async function layersOutputs({ model, files }: KerasModel, inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
  const sink = new MemorySink();
  const { ok, problems } = await convertToLayers(model, files, sink);
  if (!ok) throw new Error(problems[0]?.reason);
  const { artifacts } = await layersArtifacts(sink.files);
  const loaded = await loadLayersModel({ load: async () => artifacts });
  const result = loaded.predict(inputs.map(({ data, shape }) => core.tensor(data as Float32Array, [...shape])));
  const results = Array.isArray(result) ? result : [result];
  return results.map((each) => ({ dtype: "float32", shape: each.shape, data: each.dataSync<"float32">() }));
}

async function layersArtifacts(files: Readonly<Record<string, Uint8Array>>) {
  const json = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const [group] = json.weightsManifest;
  const weightData = group.paths.map((path: string) => files[path]!.slice().buffer);
  const artifacts: core.io.ModelArtifacts = { modelTopology: json.modelTopology, weightSpecs: group.weights, weightData };
  return { artifacts };
}
