/** A TensorFlow graph on disk → SourceModel: a frozen GraphDef, or a SavedModel with its checkpoint. Structure only; weights are places in files. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { memorySource } from "../../base/memory.ts";
import { ModelError, modelError } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import type { SourceModel } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { verify, verifyFiles } from "../../graph/verify.ts";
import { foreignFile } from "../foreign.ts";
import { Fields } from "../protobuf/fields.ts";
import { type Image, readImage } from "../protobuf/image.ts";
import { Reading } from "../protobuf/reading.ts";
import { readGraphDef } from "./library.ts";
import { readMetaGraph, readSavedModel, type SavedModelOptions } from "./saved-model.ts";
import { graphShape, metaGraphShape, savedModelShape } from "./schema.ts";
import { binaryGraph, isGraphText, MAX_TEXT } from "./text.ts";

export interface TensorflowModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

/**
 * Reads a GraphDef, a SavedModel, or a training graph (`.meta`) beside its checkpoint. What is odd about it is in `model.problems`; a `ModelError`, with the byte offset, where it is none, or
 * where the file is cut or past a limit. A SavedModel's checkpoint is looked for through `sources`.
 */
export async function readTensorflow(
  file: ByteSource,
  sources: ByteSources,
  options: SavedModelOptions = {},
): Promise<TensorflowModel> {
  const source = await binaryOf(file);
  const read = await decode(source, sources, options);
  const files = new ModelFiles(read.model.files, source, read.sources);
  const problems = [...read.model.problems, ...verify(read.model), ...(await verifyFiles(read.model, files))];
  return { model: { ...read.model, problems }, files };
}

/** How much tells text from binary. */
const HEAD = 1024;

/** The file itself, or what it says in binary where it is text. */
async function binaryOf(file: ByteSource): Promise<ByteSource> {
  const head = decodeUtf8(await file.read(0, Math.min(HEAD, file.size)));
  if (!isGraphText(head)) return file;
  if (file.size > MAX_TEXT) throw modelError("too-large", `a graph of ${file.size} bytes of text`, { offset: 0 });
  return memorySource(file.name, binaryGraph(decodeUtf8(await file.read(0, file.size))));
}

async function decode(source: ByteSource, sources: ByteSources, options: SavedModelOptions) {
  try {
    if (/\.meta$/.test(source.name)) return await readMetaGraph(await readImage(source, metaGraphShape), sources, options);
    const isSaved = await isSavedModel(source);
    const image = await readImage(source, isSaved ? savedModelShape : graphShape);
    return isSaved ? await readSavedModel(image, sources, options) : { model: frozenGraph(image), sources };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { problem } = error;
    const hint = problem.code === "malformed" ? { hint: "the file is damaged, or is no TensorFlow graph" } : {};
    throw (await foreignFile(source)) ?? new ModelError({ ...problem, ...hint });
  }
}

/** By its name, or since it begins with a version number where a GraphDef has its first node. */
async function isSavedModel(source: ByteSource): Promise<boolean> {
  if (/^saved_model\.pb(txt)?$/.test(source.name)) return true;
  const versionKey = 8;
  return source.size > 0 && (await source.read(0, 1))[0] === versionKey;
}

/** Inputs are the placeholders, outputs what no node reads. */
function frozenGraph(image: Image): SourceModel {
  const reading = new Reading();
  const { main, functions, producer } = readGraphDef(new Fields(image), "main", reading);
  const graph = main.finish("main", main.placeholders(), main.unread());
  if (graph.nodes.length === 0) throw modelError("no-graph", "the file holds no nodes", { offset: image.size });
  return {
    name: image.name,
    dialect: "tensorflow",
    formatVersion: `frozen GraphDef ${producer}`,
    opsets: {},
    graphs: [graph, ...functions],
    files: [image.name],
    metadata: {},
    problems: reading.problems,
  };
}
