/** A written TF.js graph model as TF.js takes it: topology, weights as shards (never joined), signature. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { io } from "@tensorflow/tfjs-core";
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { SourceDim } from "../graph/source.ts";
import type { ValueSpec } from "./run.ts";

/** A folder, or the files of one by name. */
export type TfjsFiles = string | Readonly<Record<string, Uint8Array>>;

/** V8 holds no longer string. */
const MAX_JSON_BYTES = 512 * 1024 * 1024;

interface TensorInfo {
  readonly name: string;
  readonly dtype?: string;
  readonly tensorShape?: { readonly dim?: readonly { readonly size?: string | number }[]; readonly unknownRank?: boolean };
  /** Of a captured hash table: TF.js feeds it itself. */
  readonly resourceId?: number;
}

export interface Signature {
  readonly inputs?: Readonly<Record<string, TensorInfo>>;
  readonly outputs?: Readonly<Record<string, TensorInfo>>;
}

interface ModelJson extends io.ModelJSON {
  readonly userDefinedMetadata?: { readonly signature?: Signature };
}

export interface TfjsArtifacts {
  readonly artifacts: io.ModelArtifacts;
  readonly signature: Signature;
  /** What to import for the model's custom ops. */
  readonly customOps: string | undefined;
}

const customOpsName = "custom-ops.mjs";

/** Reads all files. `ModelError` where one is missing, malformed, named outside the folder or of another length than declared. */
export async function readTfjsFiles(files: TfjsFiles): Promise<TfjsArtifacts> {
  const json = parseModel(await readMember(files, "model.json", MAX_JSON_BYTES));
  const weightSpecs: io.WeightsManifestEntry[] = [];
  const weightData: ArrayBuffer[] = [];
  for (const group of json.weightsManifest ?? []) {
    weightSpecs.push(...group.weights);
    for (const path of group.paths) weightData.push(await readMember(files, path));
  }
  const { modelInitializer, initializerSignature, userDefinedMetadata } = json;
  const signature: Signature = userDefinedMetadata?.signature ?? json.signature ?? {};
  return {
    artifacts: {
      modelTopology: json.modelTopology,
      weightSpecs,
      weightData,
      ...(json.signature ? { signature: json.signature } : {}),
      ...(userDefinedMetadata ? { userDefinedMetadata } : {}),
      ...(modelInitializer ? { modelInitializer } : {}),
      ...(initializerSignature ? { initializerSignature } : {}),
    },
    signature,
    customOps: await customOpsUrl(files),
  };
}

function parseModel(bytes: ArrayBuffer): ModelJson {
  let json: ModelJson;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw modelError("malformed", `model.json is no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray((json.modelTopology as { node?: unknown } | undefined)?.node)) {
    throw modelError("not-a-graph-model", `model.json holds no graph model, format: ${json.format ?? "none"}`);
  }
  return json;
}

async function readMember(files: TfjsFiles, name: string, limit = Number.POSITIVE_INFINITY): Promise<ArrayBuffer> {
  if (name.split(/[\\/]/).includes("..") || /^[\\/]|^\w:/.test(name)) {
    throw modelError("path-outside", `a weight file outside the model's folder: ${name}`);
  }
  if (typeof files !== "string") {
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!bytes) throw missing(name);
    return bytes.slice().buffer;
  }
  const path = join(files, name);
  const size = await stat(path).then(
    (it) => it.size,
    () => {
      throw missing(name);
    },
  );
  if (size > limit) throw modelError("too-large", `${name} is larger than ${limit} bytes: ${size}`);
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

const missing = (name: string) => modelError("file-missing", `no such file: ${name}`);

async function customOpsUrl(files: TfjsFiles): Promise<string | undefined> {
  if (typeof files !== "string") {
    const code = Object.hasOwn(files, customOpsName) ? files[customOpsName] : undefined;
    return code && `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
  }
  const path = join(files, customOpsName);
  const found = await stat(path).catch(() => undefined);
  // The query makes a rewritten file a new module: imports are cached by address.
  return found && `${pathToFileURL(path).href}?${found.mtimeMs}`;
}

const dtypes: Readonly<Record<string, DType>> = {
  DT_FLOAT: "float32",
  DT_INT32: "int32",
  DT_BOOL: "bool",
  DT_STRING: "string",
  DT_COMPLEX64: "complex64",
  float32: "float32",
  int32: "int32",
  bool: "bool",
  string: "string",
  complex64: "complex64",
};

/** Inputs or outputs in the order of the signature. */
export function specsOf(infos: Signature["inputs"]): ValueSpec[] {
  return Object.entries(infos ?? {}).flatMap(([name, info]) =>
    info.resourceId === undefined ? [{ name, dtype: dtypes[info.dtype ?? ""], shape: shapeOf(info) }] : [],
  );
}

function shapeOf({ tensorShape }: TensorInfo): SourceDim[] | undefined {
  if (!tensorShape || tensorShape.unknownRank) return undefined;
  return (tensorShape.dim ?? []).map(({ size }) => (Number(size ?? 0) < 0 ? null : Number(size ?? 0)));
}
