/** The model in an archive, as TensorFlow Hub gives SavedModels away (`.tar.gz`). */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { modelError } from "../../base/problem.ts";
import { gunzip } from "./gunzip.ts";
import { fileIn, readTar, sourcesIn, type TarEntry } from "./read.ts";

/** In the order in which they are taken for the model. */
const models = [/^saved_model\.pb$/, /^model\.json$/, /\.(onnx|tflite|keras|h5)$/i, /\.(pb|pbtxt|meta)$/i];
/** Of TensorFlow Hub and TensorFlow itself, beside the model. */
const notes = /^(tfhub_module|fingerprint|keras_metadata|saved_model_config)\.pb$/;

/** The file to read the model by, and what lies beside it. A `ModelError` where there is none. */
export async function modelInTar(source: ByteSource): Promise<{ source: ByteSource; sources: ByteSources }> {
  const packed = !/\.tar$/i.test(source.name);
  const tar = packed ? await gunzip(source, source.name.replace(/\.gz$/i, "").replace(/\.tgz$/i, ".tar")) : source;
  const entries = await readTar(tar);
  for (const kind of models) {
    const [found] = entries.filter((entry) => kind.test(baseOf(entry)) && !notes.test(baseOf(entry))).sort(byDepth);
    if (found) {
      const folder = found.name.slice(0, found.name.length - baseOf(found).length);
      return { source: fileIn(tar, found), sources: sourcesIn(tar, entries, folder) };
    }
  }
  const files = `${entries.length} ${entries.length === 1 ? "file" : "files"}`;
  throw modelError(
    "unknown-format",
    `no model in ${source.name}: ${files}, none of a known kind`,
    {},
    "an archive of a model holds a saved_model.pb, a model.json, or a .pb, .h5, .keras, .onnx or .tflite file",
  );
}

const baseOf = ({ name }: TarEntry): string => name.slice(name.lastIndexOf("/") + 1);
const byDepth = (a: TarEntry, b: TarEntry): number => a.name.split("/").length - b.name.split("/").length;
