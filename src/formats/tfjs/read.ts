/** A TF.js model (model.json with its shards) → SourceModel: structure only, weights as places in the shards. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { ModelError, modelError, type Problem, problem } from "../../base/problem.ts";
import type { SourceModel, SourceType, SourceValue, ValueId } from "../../graph/source.ts";
import { ModelFiles } from "../../graph/tensor.ts";
import { verify } from "../../graph/verify.ts";
import { foreignFile } from "../foreign.ts";
import { Reading } from "../protobuf/reading.ts";
import type { GraphBuilder } from "../tensorflow/graph.ts";
import { dtypeOf, isObject, shapeOf } from "./attributes.ts";
import { readTopology } from "./graph.ts";
import { type JsonPath, type JsonText, readJson } from "./json.ts";
import { type Manifest, readManifest } from "./manifest.ts";

export interface TfjsModel {
  readonly model: SourceModel;
  readonly files: ModelFiles;
}

/**
 * Reads a graph model, or a weights manifest alone (which has no graph). What is odd about it is in `model.problems`, with the byte at which
 * the JSON says so; a `ModelError` where it is no TF.js model, or a layers model: that is Keras's architecture, see `isLayersModel`.
 */
export async function readTfjs(source: ByteSource, sources: ByteSources, given?: JsonText): Promise<TfjsModel> {
  const json = given ?? (await readModelJson(source));
  const read = isManifest(json.value) ? await weightsOnly(source, json, sources) : await graphModel(source, json, sources);
  const files = new ModelFiles(read.files, source, sources);
  return { model: { ...read, problems: [...read.problems, ...echoless(verify(read), read.problems)] }, files };
}

/** Where a weight file is not there, its weights have no bytes: said once. */
export function echoless(found: readonly Problem[], known: readonly Problem[]): readonly Problem[] {
  const isMissing = known.some(({ code }) => code === "file-missing");
  return isMissing ? found.filter(({ code }) => code !== "tensor-length" && code !== "external-data") : found;
}

/** Groups of weights, as face-api.js and the first converters have them beside no graph or another file's. */
const isManifest = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((group) => isObject(group) && "paths" in group && "weights" in group);

/** As JSON; the better error where the file is something else. */
export async function readModelJson(source: ByteSource): Promise<JsonText> {
  try {
    return await readJson(source);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw (error.problem.code === "malformed" && (await foreignFile(source))) || error;
  }
}

/** The topology of a layers model, as `tf.loadLayersModel` takes it: Keras's configuration, bare or within `model_config`. */
export function isLayersModel(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { modelTopology } = value;
  return (
    value["format"] === "layers-model" || (isObject(modelTopology) && !("node" in modelTopology) && hasConfig(modelTopology))
  );
}

const hasConfig = (topology: Readonly<Record<string, unknown>>): boolean =>
  "model_config" in topology || ("class_name" in topology && "config" in topology);

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

async function graphModel(source: ByteSource, json: JsonText, sources: ByteSources): Promise<SourceModel> {
  const { value } = json;
  if (!isObject(value) || !("modelTopology" in value || "weightsManifest" in value))
    throw modelError("not-this-format", "JSON, but no TF.js model: it has neither modelTopology nor weightsManifest", {
      offset: 0,
    });
  const topology = value["modelTopology"];
  if (isObject(topology) && "node" in topology && value["format"] === "layers-model")
    throw modelError(
      "format-mismatch",
      "a graph model that calls itself a layers model",
      { offset: json.offsetOf(["format"]) },
      'set format to "graph-model" and load it with tf.loadGraphModel',
    );
  const manifest = await readManifest(json, ["weightsManifest"], value["weightsManifest"], sources);
  const reading = new Reading();
  const { main, functions, producer } = readTopology(json, value, manifest.weights, reading);
  const graph = withSignature(main, signatureOf(value), json, reading);
  const generator = text(value["generatedBy"]) ?? text(value["convertedBy"]);
  const problems = [...manifest.problems, ...reading.problems];
  return {
    name: source.name,
    dialect: "tfjs",
    formatVersion: `graph model, GraphDef ${producer}`,
    ...(generator === undefined ? {} : { producer: generator }),
    opsets: {},
    graphs: [graph, ...functions],
    files: [source.name, ...manifest.files],
    metadata: metadataOf(value["userDefinedMetadata"]),
    ...(isObject(value["userDefinedMetadata"]) && { userMetadata: value["userDefinedMetadata"] }),
    problems: [...problems, ...unusedWeights(manifest, [graph, ...functions])],
  };
}

interface Signature {
  readonly path: JsonPath;
  readonly inputs: readonly Info[];
  readonly outputs: readonly Info[];
}

interface Info {
  readonly name: string;
  /** `node:port` */
  readonly value: string;
  readonly type: SourceType;
}

/** Loaders prefer the one in the metadata, where older converters put it. */
function signatureOf(value: Readonly<Record<string, unknown>>): Signature | undefined {
  const metadata = value["userDefinedMetadata"];
  const inner = isObject(metadata) ? metadata["signature"] : undefined;
  const [signature, path] = isObject(inner) ? [inner, ["userDefinedMetadata", "signature"]] : [value["signature"], ["signature"]];
  if (!isObject(signature)) return undefined;
  const infos = (key: string) =>
    Object.entries(isObject(signature[key]) ? signature[key] : {}).flatMap(([name, info]) =>
      // A hash table that the caller is handed is no tensor.
      isObject(info) && info["resourceId"] === undefined
        ? [
            {
              name,
              value: String(info["name"] ?? name),
              type: { dtype: dtypeOf(info["dtype"]), shape: shapeOf(info["tensorShape"]) },
            },
          ]
        : [],
    );
  const [inputs, outputs] = [infos("inputs"), infos("outputs")];
  return outputs.length > 0 ? { path, inputs, outputs } : undefined;
}

function withSignature(main: GraphBuilder, signature: Signature | undefined, json: JsonText, reading: Reading) {
  if (!signature) return main.finish("main", main.placeholders(), main.unread());
  const idsOf = (kind: "inputs" | "outputs") => {
    const found: { readonly name: string; readonly id: ValueId }[] = [];
    for (const { name, value, type } of signature[kind]) {
      const offset = () => json.offsetOf([...signature.path, kind, name]);
      const known = main.has(value);
      // An output that nothing computes must not be left out in silence.
      const id = known || kind === "outputs" ? main.resolve(value, 0) : undefined;
      if (id !== undefined) {
        found.push({ name, id });
        main.declare(id, type);
      }
      if (!known)
        reading.report("error", "bad-signature", `the signature's ${name} is no node of the graph: ${value}`, {
          offset: offset(),
        });
    }
    return found;
  };
  const [inputs, outputs] = [idsOf("inputs"), idsOf("outputs")];
  // A signature may leave out inputs; without them nothing can be computed.
  const named = new Set(inputs.map(({ id }) => id));
  const rest = main.placeholders().filter((id) => !named.has(id));
  return main.finish(
    "main",
    [...inputs.map(({ id }) => id), ...rest],
    outputs.map(({ id }) => id),
    {
      inputNames: [...inputs.map(({ name }) => name), ...rest.map((id) => main.nameOf(id))],
      outputNames: outputs.map(({ name }) => name),
    },
  );
}

function metadataOf(metadata: unknown): Record<string, string> {
  const entries = Object.entries(isObject(metadata) ? metadata : {}).filter(([key]) => key !== "signature");
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}

/** Loaded and never read: bytes that a user waits for. */
function unusedWeights({ weights, places }: Manifest, graphs: readonly { values: readonly SourceValue[] }[]): Problem[] {
  const used = new Set(graphs.flatMap(({ values }) => values.flatMap(({ tensor }) => (tensor ? [tensor] : []))));
  const unused = [...weights].filter(([, tensor]) => !used.has(tensor)).map(([name]) => name);
  if (unused.length === 0) return [];
  const [first] = unused;
  const reason = `weights that no node is named for: ${unused.length === 1 ? first : `${unused.length}, the first ${first}`}`;
  return [problem("warning", "weight-unused", reason, { tensor: first!, offset: places.get(first!) ?? 0 })];
}

/** A manifest without a topology: the tensors can be looked at, and nothing computes. */
async function weightsOnly(source: ByteSource, json: JsonText, sources: ByteSources): Promise<SourceModel> {
  const manifest = await readManifest(json, [], json.value, sources);
  const values = [...manifest.weights].map(([name, tensor], id): SourceValue => {
    return { id, name, type: { dtype: tensor.dtype, shape: tensor.shape }, tensor };
  });
  return {
    name: source.name,
    dialect: "tfjs",
    formatVersion: "weights manifest",
    opsets: {},
    graphs: [{ id: 0, name: "main", role: "main", nodes: [], values, inputs: [], outputs: [] }],
    files: [source.name, ...manifest.files],
    metadata: {},
    problems: [
      ...manifest.problems,
      problem("warning", "no-graph", "weights without a graph", { offset: 0 }, "the code that builds the layers is elsewhere"),
    ],
  };
}
