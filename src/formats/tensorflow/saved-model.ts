/** saved_model.pb with its checkpoint → SourceModel: one meta graph, seen through one signature, its variables bound. */
import type { ByteSources } from "../../base/bytes.ts";
import { ModelError, modelError } from "../../base/problem.ts";
import { Behind } from "../../graph/behind.ts";
import type { SourceDim, SourceGraph, SourceModel, SourceNode, SourceType } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { Fields } from "../protobuf/fields.ts";
import type { Image } from "../protobuf/image.ts";
import { Reading } from "../protobuf/reading.ts";
import { entry } from "./attributes.ts";
import { type Bundle, checkedSources, readBundle } from "./bundle.ts";
import { dtypeOf } from "./dtypes.ts";
import { type ReadGraph, readGraphDef } from "./library.ts";
import { Asset, MetaGraph, MetaInfo, SavedModel, Signature, TensorInfo } from "./schema.ts";
import { isTable, tableContents, withFiles } from "./tables.ts";
import { readShape } from "./tensor.ts";
import { type Binding, isVariable, tensorOf, variableKeys } from "./variables.ts";

export interface SavedModelOptions {
  /** Tags of the meta graph to take; default: the one for serving, else one without tags (TensorFlow Hub's), else the first. */
  readonly tags?: readonly string[];
  /** Key of the signature; default: `serving_default`, else `default` (TensorFlow Hub's), else the first. */
  readonly signature?: string;
}

interface MetaDraft {
  readonly tags: readonly string[];
  readonly version: string;
  readonly graph: Fields | undefined;
  readonly signatures: ReadonlyMap<string, SignatureDraft>;
  /** File names below `assets/`, by the value that stands for each. */
  readonly assets: ReadonlyMap<string, string>;
}

/** An input or output of a signature. */
interface Argument {
  readonly name: string;
  /** `node:port`. */
  readonly value: string;
  readonly type: SourceType;
}

interface SignatureDraft {
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
}

/** Where a SavedModel has its checkpoint. */
const savedCheckpoint = "variables/variables";

/** A training graph (`NAME.meta`) with the checkpoint of that name beside it. It tells no outputs but what nothing reads. */
export async function readMetaGraph(image: Image, sources: ByteSources, options: SavedModelOptions) {
  const meta = readMeta(new Fields(image));
  return modelOf(image, meta, sources, options, image.name.replace(/\.meta$/, ""), "MetaGraph");
}

export async function readSavedModel(
  image: Image,
  sources: ByteSources,
  options: SavedModelOptions,
): Promise<{ model: SourceModel; sources: ByteSources }> {
  const metas: MetaDraft[] = [];
  const f = new Fields(image);
  while (f.next()) if (f.field === SavedModel.metaGraphs) metas.push(readMeta(f.message()));
  return modelOf(image, chosenMeta(metas, options.tags), sources, options, savedCheckpoint, "SavedModel");
}

async function modelOf(
  image: Image,
  meta: MetaDraft,
  sources: ByteSources,
  options: SavedModelOptions,
  checkpoint: string,
  container: string,
): Promise<{ model: SourceModel; sources: ByteSources }> {
  if (!meta.graph) throw modelError("no-graph", `the ${container} holds no graph`, { offset: image.size });
  const reading = new Reading();
  const read = readGraphDef(meta.graph, "main", reading);
  const { graph, key } = withSignature(read, meta, options.signature, reading);
  const bound = await bindContents([graph, ...read.functions], meta, image.name, checkpoint, sources, reading);
  const model: SourceModel = {
    name: image.name,
    dialect: "tensorflow",
    formatVersion: `${container}, GraphDef ${read.producer}`,
    ...(meta.version ? { producer: `TensorFlow ${meta.version}` } : {}),
    opsets: {},
    graphs: bound.graphs,
    files: bound.files,
    metadata: {
      tags: meta.tags.join(","),
      ...(key === undefined ? {} : { signature: key }),
      signatures: [...meta.signatures.keys()].join(","),
    },
    problems: reading.problems,
  };
  return { model, sources: bound.sources };
}

function readMeta(f: Fields): MetaDraft {
  const tags: string[] = [];
  let version = "";
  let graph: Fields | undefined;
  const signatures = new Map<string, SignatureDraft>();
  const assets = new Map<string, string>();
  while (f.next()) {
    if (f.field === MetaGraph.metaInfo) {
      const info = f.message();
      while (info.next()) {
        if (info.field === MetaInfo.tags) tags.push(info.string());
        else if (info.field === MetaInfo.tensorflowVersion) version = info.string();
      }
    } else if (f.field === MetaGraph.graph) graph = f.message();
    else if (f.field === MetaGraph.signatures) {
      const { key, value } = entry(f.message());
      if (value) signatures.set(key, readSignature(value));
    } else if (f.field === MetaGraph.assets) assets.set(...readAsset(f.message()));
  }
  return { tags, version, graph, signatures, assets };
}

function readAsset(f: Fields): [string, string] {
  let [value, name] = ["", ""];
  while (f.next()) {
    if (f.field === Asset.filename) name = f.string();
    else if (f.field === Asset.tensor) value = readArgument("", f.message()).value;
  }
  return [value.replace(/:0$/, ""), name];
}

function readSignature(f: Fields): SignatureDraft {
  const inputs: Argument[] = [];
  const outputs: Argument[] = [];
  while (f.next()) {
    if (f.field !== Signature.inputs && f.field !== Signature.outputs) continue;
    const { key, value } = entry(f.message());
    if (value) (f.field === Signature.inputs ? inputs : outputs).push(readArgument(key, value));
  }
  return { inputs, outputs };
}

function readArgument(name: string, f: Fields): Argument {
  let value = "";
  let code = 0;
  let shape: readonly SourceDim[] | undefined;
  while (f.next()) {
    if (f.field === TensorInfo.name) value = f.string();
    else if (f.field === TensorInfo.dtype) code = f.int();
    else if (f.field === TensorInfo.shape) shape = readShape(f.message());
    else if (f.field === TensorInfo.sparse || f.field === TensorInfo.composite)
      throw modelError("unsupported-type", `the signature's ${name} is no single tensor`, { offset: f.offset });
  }
  return { name, value, type: { dtype: dtypeOf(code), shape } };
}

function chosenMeta(metas: readonly MetaDraft[], tags: readonly string[] | undefined): MetaDraft {
  const all = metas.map((meta) => meta.tags.join(",")).join("; ");
  const same = (meta: MetaDraft) => meta.tags.length === tags?.length && tags.every((tag) => meta.tags.includes(tag));
  const found = tags
    ? metas.find(same)
    : (metas.find((meta) => meta.tags.includes("serve")) ?? metas.find((meta) => meta.tags.length === 0) ?? metas[0]);
  if (!found) throw modelError("unknown-tags", `no graph with the tags ${tags ?? "of any kind"}; there are: ${all || "none"}`);
  return found;
}

/** What runs once, not what a caller asks for. */
const isSetup = (key: string): boolean => /^__saved_model_(init|train)_op$/.test(key);

/** What is meant where no signature is named: that for serving, that of a module of TensorFlow Hub's first format. */
const usualKeys = ["serving_default", "default"];

function chosenSignature(meta: MetaDraft, wanted: string | undefined): string | undefined {
  const keys = [...meta.signatures.keys()].filter((key) => !isSetup(key));
  if (wanted !== undefined && !meta.signatures.has(wanted))
    throw modelError("unknown-signature", `no signature ${wanted}; there are: ${keys.join(", ") || "none"}`);
  return wanted ?? usualKeys.find((key) => keys.includes(key)) ?? keys[0];
}

function withSignature({ main }: ReadGraph, meta: MetaDraft, wanted: string | undefined, reading: Reading) {
  const key = chosenSignature(meta, wanted);
  const signature = key === undefined ? undefined : meta.signatures.get(key)!;
  if (!signature) return { graph: main.finish("main", main.placeholders(), main.unread()), key };
  const others = [...meta.signatures.keys()].filter((each) => each !== key && !isSetup(each));
  if (wanted === undefined && others.length > 0 && key !== undefined && !usualKeys.includes(key))
    reading.report(
      "info",
      "several-signatures",
      `signature ${key} is taken, others are: ${others.join(", ")}`,
      {},
      "choose one with --signature",
    );
  const idOf = ({ name, value, type }: Argument) => {
    const id = main.resolve(value, 0);
    if (id === undefined) throw modelError("malformed", `the signature's ${name} is no value: ${value}`);
    main.declare(id, type);
    return id;
  };
  const { inputs, outputs } = signature;
  const graph = main.finish("main", inputs.map(idOf), outputs.map(idOf), {
    inputNames: inputs.map(({ name }) => name),
    outputNames: outputs.map(({ name }) => name),
  });
  return { graph, key };
}

/** Variables and tables of the main graph with what the checkpoint and the assets say that they hold. */
async function bindContents(
  graphs: readonly SourceGraph[],
  meta: MetaDraft,
  name: string,
  checkpoint: string,
  sources: ByteSources,
  reading: Reading,
) {
  const plain = { graphs, files: [name], sources };
  const [main, ...functions] = graphs;
  const hasVariables = main!.nodes.some(isVariable);
  if (!hasVariables && !main!.nodes.some(isTable)) return plain;
  const bundle = await bundleOf(sources, checkpoint, hasVariables, reading);
  const constants = new ModelFiles([name], await sources.open(name), sources);
  const behind = new Behind(graphs);
  const keys = bundle ? await variableKeys(graphs, behind, bundle, constants) : new Map<number, Binding>();
  const files = [name, ...(bundle?.shards ?? [])];
  const contents = { graphs, behind, assets: meta.assets, bundle, constants, sources, reading };
  const tables = await tableContents(contents, 1, files.length);
  const nodes = main!.nodes.map((node) => {
    const filled = tables.attrs.get(node.id);
    if (filled) return { ...node, attrs: { ...node.attrs, ...filled } };
    const binding = keys.get(node.id);
    const tensor = binding && tensorOf(binding, bundle!, 1);
    if (typeof tensor === "string")
      reading.report("error", "bad-tensor", tensor, { graph: main!.name, node: node.name, op: node.op, tensor: binding!.key });
    return typeof tensor === "object" ? withValue(node, tensor) : node;
  });
  const checked = bundle ? checkedSources(sources, bundle) : sources;
  return {
    graphs: [{ ...main!, nodes }, ...functions],
    files: [...files, ...tables.files.keys()],
    sources: withFiles(checked, tables.files),
  };
}

const withValue = (node: SourceNode, tensor: ReturnType<typeof tensorOf> & object): SourceNode => ({
  ...node,
  attrs: { ...node.attrs, value: { kind: "tensor", value: tensor } },
});

/** Where no variable asks for it, it may be absent. */
async function bundleOf(
  sources: ByteSources,
  checkpoint: string,
  needed: boolean,
  reading: Reading,
): Promise<Bundle | undefined> {
  try {
    return await readBundle(sources, checkpoint);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { code, reason, ...place } = error.problem;
    if (!needed && code === "file-missing") return undefined;
    const hint = code === "file-missing" ? `put ${checkpoint}.index and its data beside the graph` : place.hint;
    reading.report("error", code, `the model's variables: ${reason}`, {}, hint);
    return undefined;
  }
}
