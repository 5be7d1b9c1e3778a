/** Any model file → SourceModel: the one place that knows which reader takes which file. */
import type { ByteSource, ByteSources } from "../base/bytes.ts";
import { modelError, type Problem, problem } from "../base/problem.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ModelFiles } from "../graph/tensor.ts";
import { mistakenWeights, unreadFile } from "./foreign.ts";
import { isArchitecture } from "./keras/beside.ts";
import { readArchitectureJson, readKeras, readLayersModel } from "./keras/read.ts";
import { exportHint, readMlnet } from "./mlnet/read.ts";
import { readOnnx } from "./onnx/read.ts";
import { isTar, modelInTar } from "./tar/model.ts";
import { readTensorflow } from "./tensorflow/read.ts";
import type { SavedModelOptions } from "./tensorflow/saved-model.ts";
import { isLayersModel, readModelJson, readTfjs } from "./tfjs/read.ts";
import { readTflite } from "./tflite/read.ts";

export interface OpenedModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

/** Which of a SavedModel's graphs and signatures is meant; other formats have but one. */
export type OpenOptions = SavedModelOptions;

/** ML.NET saves pipelines as archives: looked at by inspect, not opened. */
export const isZip = ({ name }: ByteSource): boolean => /\.zip$/i.test(name);

/** Reads the structure of a model. A `ModelError` where the file is of no known format or is broken beyond reading. */
export async function openModel(source: ByteSource, sources: ByteSources, options: OpenOptions = {}): Promise<OpenedModel> {
  return withMistakes(await readAny(source, sources, options), sources);
}

/** A model without a known ending (a download cache's) is tried as ONNX. */
async function readAny(source: ByteSource, sources: ByteSources, options: OpenOptions): Promise<OpenedModel> {
  if (isTar(source)) {
    const inner = await modelInTar(source);
    return readAny(inner.source, inner.sources, options);
  }
  if (await isTflite(source)) return readTflite(source, sources);
  const foreign = await unreadFile(source);
  if (foreign) throw foreign;
  if (isZip(source)) {
    await readMlnet(source);
    throw modelError("mlnet-pipeline", `a pipeline of ML.NET holds no graph: ${source.name}`, {}, exportHint);
  }
  if (/\.json$/i.test(source.name)) return openJson(source, sources);
  if (/\.(h5|hdf5|keras)$/i.test(source.name)) return readKeras(source, sources);
  if (/\.(pb|pbtxt|meta)$/i.test(source.name)) return readTensorflow(source, sources, options);
  return readOnnx(source, sources);
}

/** By its ending, or by the identifier that flatbuffers have behind their first offset: LiteRT's own tests call their models .bin. */
async function isTflite(source: ByteSource): Promise<boolean> {
  if (/\.(tflite|lite)$/i.test(source.name)) return true;
  if (source.size < 8) return false;
  return String.fromCharCode(...(await source.read(4, 4))) === "TFL3";
}

async function openJson(source: ByteSource, sources: ByteSources): Promise<OpenedModel> {
  const json = await readModelJson(source);
  if (isArchitecture(json.value)) return readArchitectureJson(source, json, sources);
  return isLayersModel(json.value) ? readLayersModel(source, json, sources) : readTfjs(source, sources, json);
}

/** Files of weights looked into for what they are. */
const MAX_LOOKED_INTO = 32;

/** Files of weights that hold something else, which may even have their size. */
async function withMistakes({ model, files }: OpenedModel, sources: ByteSources): Promise<OpenedModel> {
  const found: Problem[] = [];
  for (const name of model.files.slice(1, MAX_LOOKED_INTO + 1)) {
    // What is missing has been told, or is within the file itself.
    const source = await sources.open(name).catch(() => undefined);
    const mistake = source && (await mistakenWeights(source));
    if (mistake) found.push(problem("error", "not-this-format", `${name} is ${mistake.reason}`, {}, mistake.hint));
  }
  return found.length === 0 ? { model, files } : { model: { ...model, problems: [...found, ...model.problems] }, files };
}
