/** Any model file → SourceModel: the one place that knows which reader takes which file. */
import type { ByteSource, ByteSources } from "../base/bytes.ts";
import { modelError } from "../base/problem.ts";
import type { SourceModel } from "../graph/source.ts";
import type { ModelFiles } from "../graph/tensor.ts";
import { readKeras, readLayersModel } from "./keras/read.ts";
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

/** Endings of model files that no reader takes. A name without a known ending (a download cache's) is tried as ONNX. */
const unread: readonly (readonly [ending: RegExp, format: string])[] = [
  [/\.(pt|pth|safetensors|bin|ckpt)$/i, "PyTorch weights, without a graph"],
  [/\.ort$/i, "a model in ORT format"],
];

/** Which of a SavedModel's graphs and signatures is meant; other formats have but one. */
export type OpenOptions = SavedModelOptions;

/** ML.NET saves pipelines as archives: looked at by inspect, not opened. */
export const isZip = ({ name }: ByteSource): boolean => /\.zip$/i.test(name);

/** Reads the structure of a model. A `ModelError` where the file is of no known format or is broken beyond reading. */
export async function openModel(source: ByteSource, sources: ByteSources, options: OpenOptions = {}): Promise<OpenedModel> {
  if (isTar(source)) {
    const inner = await modelInTar(source);
    return openModel(inner.source, inner.sources, options);
  }
  if (await isTflite(source)) return readTflite(source, sources);
  const other = unread.find(([ending]) => ending.test(source.name));
  if (other) throw modelError("unknown-format", `${other[1]} cannot be read: ${source.name}`, {}, "export it to ONNX");
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
  return isLayersModel(json.value) ? readLayersModel(source, json, sources) : readTfjs(source, sources, json);
}
