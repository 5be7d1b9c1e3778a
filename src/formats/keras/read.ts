/** A Keras model → SourceModel: .h5 of Keras 1 and 2, the .keras archive, and the layers model of TF.js, which is Keras's architecture in JSON. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { ModelError, modelError, type Problem, problem } from "../../base/problem.ts";
import { decodeUtf8 } from "../../base/utf8.ts";
import type { SourceModel } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { verify, verifyFiles } from "../../graph/verify.ts";
import { foreignFile } from "../foreign.ts";
import { find, type Hdf5Object, openHdf5 } from "../hdf5/read.ts";
import type { JsonText } from "../tfjs/json.ts";
import { readManifest } from "../tfjs/manifest.ts";
import { echoless } from "../tfjs/read.ts";
import { readZip, type ZipEntry } from "../zip/read.ts";
import { readArchitecture } from "./architecture.ts";
import { isObject } from "./attributes.ts";
import { architectureBeside, architectureNames, architectureOf, weightNames, weightsBeside } from "./beside.ts";
import { groupedWeights, type LayerWeights, listedWeights, savedWeights } from "./weights.ts";

export interface KerasModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

/** What a TF.js layers model says it is. */
export const layersFormat = "layers model";

/** Of an architecture's text. */
const MAX_CONFIG = 2 ** 28;

/** Reads .h5, .hdf5 and .keras, by what they are and not by name. A `ModelError` where there is no architecture, or the file is broken. */
export async function readKeras(source: ByteSource, sources: ByteSources): Promise<KerasModel> {
  try {
    const head = await source.read(0, Math.min(2, source.size));
    return decodeUtf8(head) === "PK" ? await archive(source, sources) : await hdf5Model(source, sources);
  } catch (error) {
    if (!(error instanceof ModelError) || error.problem.code !== "not-this-format") throw error;
    throw (await foreignFile(source)) ?? error;
  }
}

export interface Read {
  readonly source: ByteSource;
  readonly config: unknown;
  readonly version: string | undefined;
  readonly formatVersion: string;
  readonly files: readonly string[];
  /** Undefined: there are none. */
  readonly weights: LayerWeights | undefined;
  readonly problems: readonly Problem[];
  readonly vocabularies?: ReadonlyMap<string, readonly string[]>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly userMetadata?: unknown;
  /** What runs it, where that is not who saved it. */
  readonly runtime?: "tfjs";
}

/** Architectures without a word of their version are of the first. */
const majorOf = (version: string | undefined): number => Number(/^\D*(\d+)\./.exec(version ?? "")?.[1] ?? 1);

/** The model of what a reader has found. */
export async function finished(read: Read, sources: ByteSources): Promise<KerasModel> {
  const { unpacked = [] } = read.weights ?? {};
  const { graphs, problems } = readArchitecture(read.config, read.weights?.of ?? (() => []), {
    backend: read.runtime ?? read.metadata?.["backend"],
    version: read.version,
    vocabularies: read.vocabularies,
  });
  const model: SourceModel = {
    name: read.source.name,
    dialect: "keras",
    formatVersion: read.formatVersion,
    ...(read.version === undefined ? {} : { producer: `Keras ${read.version}` }),
    opsets: { "": majorOf(read.version) },
    graphs,
    files: [...read.files, ...unpacked.map(({ name }) => name)],
    metadata: read.metadata ?? {},
    ...(isObject(read.userMetadata) && { userMetadata: read.userMetadata }),
    problems: [...read.problems, ...(read.weights?.problems ?? []), ...problems],
  };
  const virtual = new Map(unpacked.map((each) => [each.name, each]));
  const files = new ModelFiles(model.files, read.source, {
    open: async (name) => virtual.get(name) ?? sources.open(name),
  });
  const found = [...verify(model), ...(await verifyFiles(model, files))];
  return { model: { ...model, problems: [...model.problems, ...echoless(found, model.problems)] }, files };
}

function parsed(text: string, what: string): unknown {
  if (text.length > MAX_CONFIG) throw modelError("too-large", `${text.length} characters of ${what}`);
  try {
    return JSON.parse(text);
  } catch {
    throw modelError("malformed", `${what} is no JSON`);
  }
}

async function hdf5Model(source: ByteSource, sources: ByteSources): Promise<KerasModel> {
  const root = await openHdf5(source);
  const [text] = (await root.strings("model_config")) ?? [];
  if (text === undefined) return weightsModel(source, root, sources);
  const weights = await groupedWeights((await find(root, "model_weights")) ?? root, 0, 1);
  const [version] =
    (await root.strings("keras_version")) ?? (await (await find(root, "model_weights"))?.strings("keras_version")) ?? [];
  const [backend] = (await root.strings("backend")) ?? [];
  return finished(
    {
      source,
      config: parsed(text, "model_config"),
      version,
      formatVersion: "HDF5",
      files: [source.name],
      weights,
      problems: [],
      ...(backend === undefined ? {} : { metadata: { backend } }),
    },
    sources,
  );
}

/** Weights alone: the architecture is in a JSON file beside, as `model.to_json` writes it. */
async function weightsModel(source: ByteSource, root: Hdf5Object, sources: ByteSources): Promise<KerasModel> {
  const members = await root.members();
  const saved = members.has("layers") || members.has("_layer_checkpoint_dependencies");
  const weights = saved ? await savedWeights(root, 0, 1) : await groupedWeights(root, 0, 1);
  const architecture = await architectureBeside(source.name, sources);
  if (!architecture) throw withoutArchitecture(saved || (await root.strings("layer_names")) !== undefined, source.name);
  const { config, version, backend } = architectureOf(architecture.value);
  const [own] = (await root.strings("keras_version")) ?? [];
  const known = own ?? version ?? (saved ? "3.0.0" : undefined);
  const metadata = { architecture: architecture.name, ...(backend !== undefined && { backend }) };
  const read = { source, config, version: known, formatVersion: "HDF5, weights", files: [source.name], weights, problems: [] };
  return finished({ ...read, metadata }, sources);
}

/** An architecture in JSON, opened itself: its weights are beside it. */
export async function readArchitectureJson(source: ByteSource, json: JsonText, sources: ByteSources): Promise<KerasModel> {
  const { config, version, backend } = architectureOf(json.value);
  const found = await weightsBeside(source.name, sources);
  const problems: Problem[] = [];
  let weights: LayerWeights | undefined;
  if (found) {
    const root = await openHdf5(found);
    const isTree = (await root.strings("layer_names")) === undefined;
    weights = await (isTree ? savedWeights : groupedWeights)((await find(root, "model_weights")) ?? root, 1, 2);
  } else {
    const hint = `put ${weightNames(source.name)[0]} beside it`;
    problems.push(problem("error", "file-missing", "an architecture without its weights", { offset: 0 }, hint));
  }
  const files = found ? [source.name, found.name] : [source.name];
  const metadata = backend === undefined ? {} : { backend };
  return finished({ source, config, version, formatVersion: "architecture", files, weights, problems, metadata }, sources);
}

function withoutArchitecture(isWeights: boolean, name: string): ModelError {
  const hint = `put the architecture, written with model.to_json, beside it as ${architectureNames(name)[0]}; or save the whole model: model.save`;
  return isWeights
    ? modelError("no-graph", "weights of a Keras model without its architecture", {}, hint)
    : modelError("no-graph", "an HDF5 file without the architecture of a Keras model: model_config is not there", {}, hint);
}

const weightsName = "model.weights.h5";
const configName = "config.json";

async function archive(source: ByteSource, sources: ByteSources): Promise<KerasModel> {
  const entries = new Map((await readZip(source)).map((entry) => [entry.name, entry]));
  const config = entries.get(configName);
  if (!config)
    throw modelError("not-this-format", `a zip archive, but no Keras model: ${configName} is not in it`, { offset: 0 });
  const metadata = entries.get("metadata.json");
  const about = metadata ? parsed(await entryText(metadata), "metadata.json") : {};
  const version = isObject(about) && typeof about["keras_version"] === "string" ? about["keras_version"] : "3.0.0";
  const weights = entries.get(weightsName);
  const inner: ByteSources = {
    open: async (name) => (name === weightsName && weights ? await weights.open() : await sources.open(name)),
  };
  const problems: Problem[] = [];
  let saved: LayerWeights | undefined;
  if (weights) saved = await savedWeights(await openHdf5(await inner.open(weightsName)), 1, 2);
  else problems.push(problem("error", "file-missing", `no weights in the archive: ${weightsName}`, { offset: 0 }));
  return finished(
    {
      source,
      config: parsed(await entryText(config), configName),
      version,
      formatVersion: "Keras archive",
      files: weights ? [source.name, weightsName] : [source.name],
      weights: saved,
      problems,
      vocabularies: await vocabulariesOf([...entries.values()]),
    },
    inner,
  );
}

/** `assets/layers/string_lookup/vocabulary.txt`: a word a line. */
async function vocabulariesOf(entries: readonly ZipEntry[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const entry of entries) {
    const path = /^assets\/(.*)\/vocabulary\.txt$/.exec(entry.name)?.[1];
    if (path !== undefined) found.set(path, (await entryText(entry)).split("\n"));
  }
  return found;
}

async function entryText(entry: ZipEntry): Promise<string> {
  if (entry.size > MAX_CONFIG) throw modelError("too-large", `${entry.name} of ${entry.size} bytes`);
  return decodeUtf8(await entry.read());
}

/** The loader that it names itself does not take it. */
function mistakenFormat(json: JsonText, format: unknown): Problem[] {
  if (typeof format !== "string" || format === "layers-model") return [];
  const hint = 'set format to "layers-model" and load it with tf.loadLayersModel';
  return [
    problem(
      "warning",
      "format-mismatch",
      `a layers model that calls itself otherwise: ${format}`,
      { offset: json.offsetOf(["format"]) },
      hint,
    ),
  ];
}

/** A TF.js layers model: the architecture is its topology, the weights are in shards. */
export async function readLayersModel(source: ByteSource, json: JsonText, sources: ByteSources): Promise<KerasModel> {
  const value = isObject(json.value) ? json.value : {};
  const topology = isObject(value["modelTopology"]) ? value["modelTopology"] : {};
  const manifest = await readManifest(json, ["weightsManifest"], value["weightsManifest"], sources);
  const config = topology["model_config"] ?? topology;
  const version = typeof topology["keras_version"] === "string" ? topology["keras_version"] : undefined;
  return finished(
    {
      source,
      config,
      // What TF.js itself saves (`tfjs-layers 4.22.0`) is of Keras 2's kind.
      version: version === undefined || !/^[1-9]/.test(version) ? "2.0.0" : version,
      formatVersion: layersFormat,
      runtime: "tfjs",
      files: [source.name, ...manifest.files],
      weights: { of: listedWeights(manifest.weights), problems: manifest.problems, unpacked: [] },
      problems: mistakenFormat(json, value["format"]),
      userMetadata: value["userDefinedMetadata"],
    },
    sources,
  );
}
