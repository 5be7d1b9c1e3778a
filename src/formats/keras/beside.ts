/** A model in two files: its architecture in JSON, its weights in HDF5, found by their names. */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { ModelError } from "../../base/problem.ts";
import { type JsonText, readJson } from "../tfjs/json.ts";
import { isObject } from "./attributes.ts";

const stemOf = (name: string): string => name.replace(/([._]weights)?\.(h5|hdf5)$/i, "");
const jsonStem = (name: string): string => name.replace(/([._](config|architecture|model))?\.json$/i, "");

/** Where the architecture of a file of weights is looked for, the first that is there. */
export const architectureNames = (weights: string): readonly string[] => {
  const stem = stemOf(weights);
  const names = [`${stem}.json`, `${stem}_config.json`, `${stem}_architecture.json`, `${stem}_model.json`];
  // As in an unpacked .keras archive.
  return /(^|\/)model$/.test(stem) ? [...names, stem.replace(/model$/, "config.json")] : names;
};

/** And the weights of an architecture. */
export const weightNames = (architecture: string): readonly string[] => {
  const stem = jsonStem(architecture);
  const names = [".weights.h5", "_weights.h5", ".h5", ".hdf5"].map((ending) => `${stem}${ending}`);
  return /(^|\/)config\.json$/.test(architecture) ? [architecture.replace(/config\.json$/, "model.weights.h5")] : names;
};

async function firstOf(names: readonly string[], sources: ByteSources): Promise<ByteSource | undefined> {
  for (const name of names)
    try {
      return await sources.open(name);
    } catch (error) {
      if (!(error instanceof ModelError) || error.problem.code !== "file-missing") throw error;
    }
  return undefined;
}

export const weightsBeside = (architecture: string, sources: ByteSources): Promise<ByteSource | undefined> =>
  firstOf(weightNames(architecture), sources);

/** The first file of such a name that is an architecture. */
export async function architectureBeside(
  weights: string,
  sources: ByteSources,
): Promise<(JsonText & { readonly name: string }) | undefined> {
  for (const name of architectureNames(weights)) {
    const source = await firstOf([name], sources);
    if (!source) continue;
    const json = await readJson(source);
    if (isArchitecture(json.value)) return { ...json, name };
  }
  return undefined;
}

/** What `model.to_json` writes. */
export const isArchitecture = (value: unknown): boolean =>
  isObject(value) && typeof value["class_name"] === "string" && "config" in value && !("modelTopology" in value);

export function architectureOf(value: unknown) {
  const given = isObject(value) ? value : {};
  const text = (key: string) => (typeof given[key] === "string" ? (given[key] as string) : undefined);
  // Keras 3 says where a class is from, and not which release it is.
  const version = text("keras_version") ?? ("registered_name" in given || "module" in given ? "3.0.0" : undefined);
  return { config: value, version, backend: text("backend") };
}
