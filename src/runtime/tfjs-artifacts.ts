/** A written TF.js graph model in memory, as TF.js takes it: topology, weights as shards (never joined), signature. Knows no files. */
import type { io } from "@tensorflow/tfjs-core";
import type { DType } from "../base/dtype.ts";
import { modelError } from "../base/problem.ts";
import type { SourceDim } from "../graph/source.ts";
import type { ValueSpec } from "./run.ts";

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
}

/** A member of the model's folder by name; a `ModelError` where it is missing or larger than `limit`. */
export type ReadMember = (name: string, limit?: number) => Promise<ArrayBuffer>;

export const customOpsName = "custom-ops.mjs";

/** Reads model.json and its shards. `ModelError` where one is missing, malformed, named outside the folder or of another length than declared. */
export async function readArtifacts(read: ReadMember): Promise<TfjsArtifacts> {
  const json = parseModel(await read("model.json", MAX_JSON_BYTES));
  const weightSpecs: io.WeightsManifestEntry[] = [];
  const weightData: ArrayBuffer[] = [];
  for (const group of json.weightsManifest ?? []) {
    weightSpecs.push(...group.weights);
    for (const path of group.paths) {
      if (path.split(/[\\/]/).includes("..") || /^[\\/]|^\w:/.test(path)) {
        throw modelError("path-outside", `a weight file outside the model's folder: ${path}`);
      }
      weightData.push(await read(path));
    }
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
