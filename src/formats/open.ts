/** Any model file → SourceModel: the one place that knows which reader takes which file. A reader is loaded when it is needed. */
import type { ByteSource, ByteSources } from "../base/bytes.ts";
import { modelError, type Problem, problem } from "../base/problem.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ModelFiles } from "../graph/tensor.ts";
import { mistakenWeights, unreadFile } from "./foreign.ts";
import type { SavedModelOptions } from "./tensorflow/saved-model.ts";

export interface OpenedModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

/** Which of a SavedModel's graphs and signatures is meant; other formats have but one. */
export interface OpenOptions extends SavedModelOptions {
  /** A SavedModel is read by its layers, as a Keras model, if Keras wrote it. */
  readonly layers?: boolean;
}

/** ML.NET saves pipelines as archives: looked at by inspect, not opened. */
export const isZip = ({ name }: ByteSource): boolean => /\.zip$/i.test(name);

const isTar = ({ name }: ByteSource): boolean => /\.(tar|tar\.gz|tgz)$/i.test(name);

/** Reads the structure of a model. A `ModelError` where the file is of no known format or is broken beyond reading. */
export async function openModel(source: ByteSource, sources: ByteSources, options: OpenOptions = {}): Promise<OpenedModel> {
  return withMistakes(await readAny(source, sources, options), sources);
}

/** A model without a known ending (a download cache's) is tried as ONNX. */
async function readAny(source: ByteSource, sources: ByteSources, options: OpenOptions): Promise<OpenedModel> {
  if (isTar(source)) {
    const { modelInTar } = await import("./tar/model.ts");
    const inner = await modelInTar(source);
    return readAny(inner.source, inner.sources, options);
  }
  if (await isTflite(source)) return (await import("./tflite/read.ts")).readTflite(source, sources);
  const foreign = await unreadFile(source);
  if (foreign) throw foreign;
  if (isZip(source)) {
    const { exportHint, readMlnet } = await import("./mlnet/read.ts");
    await readMlnet(source);
    throw modelError("mlnet-pipeline", `a pipeline of ML.NET holds no graph: ${source.name}`, {}, exportHint);
  }
  if (/\.json$/i.test(source.name)) return openJson(source, sources);
  if (/\.(h5|hdf5|keras)$/i.test(source.name)) return (await import("./keras/read.ts")).readKeras(source, sources);
  if (options.layers && /(^|\/)saved_model\.pb$/.test(source.name)) {
    const found = await (await import("./keras/saved-model.ts")).readKerasSavedModel(source, sources);
    if (found) return found;
  }
  if (/\.(pb|pbtxt|meta)$/i.test(source.name))
    return (await import("./tensorflow/read.ts")).readTensorflow(source, sources, options);
  return (await import("./onnx/read.ts")).readOnnx(source, sources);
}

/** By its ending, or by the identifier that flatbuffers have behind their first offset: LiteRT's own tests call their models .bin. */
async function isTflite(source: ByteSource): Promise<boolean> {
  if (/\.(tflite|lite)$/i.test(source.name)) return true;
  if (source.size < 8) return false;
  return String.fromCharCode(...(await source.read(4, 4))) === "TFL3";
}

async function openJson(source: ByteSource, sources: ByteSources): Promise<OpenedModel> {
  const [{ isLayersModel, readModelJson, readTfjs }, { isArchitecture }] = await Promise.all([
    import("./tfjs/read.ts"),
    import("./keras/beside.ts"),
  ]);
  const json = await readModelJson(source);
  if (!isArchitecture(json.value) && !isLayersModel(json.value)) return readTfjs(source, sources, json);
  const { readArchitectureJson, readLayersModel } = await import("./keras/read.ts");
  return isArchitecture(json.value) ? readArchitectureJson(source, json, sources) : readLayersModel(source, json, sources);
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
