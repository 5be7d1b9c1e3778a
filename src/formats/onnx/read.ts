/** An .onnx file → SourceModel: structure only, weights as places in files. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { ModelError, modelError } from "../../base/problem.ts";
import type { SourceModel } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { verify, verifyFiles } from "../../graph/verify.ts";
import { foreignFile } from "../foreign.ts";
import { Fields } from "../protobuf/fields.ts";
import { type Image, readImage } from "../protobuf/image.ts";
import { Context } from "./context.ts";
import { GraphDraft, record } from "./draft.ts";
import { addOpset, readFunction } from "./function.ts";
import { readGraph } from "./graph.ts";
import { Model, modelShape } from "./schema.ts";
import { resolveScopes } from "./scopes.ts";
import { addEntry } from "./storage.ts";

/**
 * Reads a ModelProto. What is odd about the model is in `model.problems`; a `ModelError`, with the byte offset, where it is no ModelProto or
 * where the file is cut or past a limit. External data is looked for through `sources` and read only when a tensor is.
 */
export async function readOnnx(source: ByteSource, sources: ByteSources): Promise<{ model: SourceModel; files: ModelFiles }> {
  let read: SourceModel;
  try {
    read = decode(await readImage(source, modelShape));
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { problem } = error;
    const hint = problem.code === "malformed" ? { hint: "the file is damaged, or is no ONNX model" } : {};
    throw (await foreignFile(source)) ?? new ModelError({ ...problem, ...hint });
  }
  const files = new ModelFiles(read.files, source, sources);
  const problems = [...read.problems, ...verify(read), ...(await verifyFiles(read, files))];
  return { model: { ...read, problems }, files };
}

function decode(image: Image): SourceModel {
  const context = new Context(image.name, irVersionOf(image));
  const main = new GraphDraft(0, "main");
  context.graphs.push(main);
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const about = {
    producer: "",
    producerVersion: "",
    domain: "",
    version: 0 as number | string,
    doc: "",
    graphs: 0,
    training: false,
  };
  const functions: Fields[] = [];
  const f = new Fields(image);
  while (f.next()) {
    switch (f.field) {
      case Model.producerName:
        about.producer = f.string();
        break;
      case Model.producerVersion:
        about.producerVersion = f.string();
        break;
      case Model.domain:
        about.domain = f.string();
        break;
      case Model.modelVersion:
        about.version = f.int64();
        break;
      case Model.doc:
        about.doc = f.text();
        break;
      case Model.graph:
        about.graphs++;
        readGraph(f.message(), main, context, metadata);
        break;
      case Model.opsetImport:
        addOpset(opsets, f.message());
        break;
      case Model.metadata:
        addEntry(metadata, f.message());
        break;
      case Model.functions:
        functions.push(f.message());
        break;
      case Model.trainingInfo:
        about.training = true;
        break;
    }
  }
  if (about.graphs === 0) throw modelError("no-graph", "the file holds no graph", { offset: image.size });
  for (const body of functions) readFunction(body, context);
  nameFunctions(context);
  resolveScopes(context.graphs);
  if (opsets.size === 0)
    context.report("warning", "no-opset", "no operator set is imported, version 1 is assumed", { offset: image.size });
  if (about.training) context.report("info", "training-info", "the model's training graphs are not read", {});
  return {
    name: image.name,
    dialect: "onnx",
    formatVersion: `IR ${context.irVersion}`,
    ...(about.producer ? { producer: [about.producer, about.producerVersion].filter(Boolean).join(" ") } : {}),
    opsets: opsets.size ? record(opsets) : { "": 1 },
    graphs: context.graphs.map((graph) => graph.finish()),
    files: context.files,
    metadata: record([
      ...metadata,
      ...(about.domain ? [["domain", about.domain] as const] : []),
      ...(about.version ? [["model_version", String(about.version)] as const] : []),
    ]),
    ...(about.doc ? { doc: about.doc } : {}),
    problems: context.problems,
  };
}

/** A call would not know which of two is meant. */
function nameFunctions(context: Context): void {
  const seen = new Set<string>();
  for (const { role, name, own } of context.graphs) {
    if (role !== "function") continue;
    const full = `${own.domain}.${name}`;
    if (seen.has(full)) context.report("error", "duplicate-name", `two functions of the name ${full}`, { graph: name });
    seen.add(full);
  }
}

/** Known before the graphs are read, wherever the writer has put it. */
function irVersionOf(image: Image): number {
  const f = new Fields(image);
  let version = 0;
  while (f.next()) if (f.field === Model.irVersion) version = f.int();
  return version;
}
