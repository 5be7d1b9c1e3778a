/**
 * A SavedModel that Keras 2 wrote, read by its layers and not by its graphs: the architecture is said beside the objects that were saved, in
 * `keras_metadata.pb` or (before TensorFlow 2.5) in saved_model.pb itself, and each layer's object lists its variables in Keras's order.
 */
import type { ByteSource, ByteSources } from "../../base/bytes.ts";
import { memorySource } from "../../base/memory.ts";
import { ModelError, modelError, type Problem, problem } from "../../base/problem.ts";
import { type Bundle, checkedSources, readBundle } from "../tensorflow/bundle.ts";
import { storedBytes } from "../tensorflow/tables.ts";
import { tensorOf } from "../tensorflow/variables.ts";
import type { NamedTensor } from "./architecture.ts";
import { isObject } from "./attributes.ts";
import type { LayerPlace } from "./layer.ts";
import { readCheckpointObjects, readKerasMetadata, readSavedObjects, type SavedObject } from "./objects.ts";
import { finished, type KerasModel } from "./read.ts";

const checkpoint = "variables/variables";
const graphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";
/** Lists and dicts within each other in what Keras says of a layer; a model within a model takes four. */
const MAX_DEPTH = 256;

/** Undefined where Keras did not write it; a `ModelError` where it wrote a model whose layers are in code. */
export async function readKerasSavedModel(source: ByteSource, sources: ByteSources): Promise<KerasModel | undefined> {
  const objects = await describedObjects(source, sources);
  const said = detailsOf(objects[0]);
  if (said?.["config"] === undefined) return undefined;
  const bundle = await readBundle(sources, checkpoint);
  const layers = new SavedLayers(objects, await checkpointObjects(sources, bundle), bundle);
  const version = typeof said["keras_version"] === "string" ? said["keras_version"] : "2.0.0";
  return finished(
    {
      source,
      config: said,
      version,
      formatVersion: "SavedModel, layers",
      files: [source.name, ...bundle.shards],
      weights: { of: (place) => layers.weightsOf(place), problems: layers.problems, unpacked: [] },
      problems: [],
    },
    checkedSources(sources, bundle),
  );
}

/** Objects of the graph that has any, with what Keras says of them. */
async function describedObjects(source: ByteSource, sources: ByteSources): Promise<readonly SavedObject[]> {
  const objects = (await readSavedObjects(source)).find(({ length }) => length > 0) ?? [];
  const file = await sources.open("keras_metadata.pb").catch((error: unknown) => {
    if (error instanceof ModelError && error.problem.code === "file-missing") return undefined;
    throw error;
  });
  if (!file) return objects;
  const metadata = await readKerasMetadata(file);
  return objects.map((object, id) => ({ ...object, metadata: metadata.get(id) ?? object.metadata }));
}

function detailsOf(object: SavedObject | undefined): Readonly<Record<string, unknown>> | undefined {
  if (object?.metadata === undefined) return undefined;
  try {
    const value = plain(JSON.parse(object.metadata), 0);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ModelError) throw error;
    return undefined;
  }
}

/** Tuples and shapes, which Keras marks as such, as the lists that they are in other files. */
function plain(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw modelError("too-deep", `more than ${MAX_DEPTH} lists within each other`);
  if (Array.isArray(value)) return value.map((each) => plain(each, depth + 1));
  if (!isObject(value)) return value;
  const { class_name: kind, items } = value;
  if ((kind === "__tuple__" || kind === "TensorShape") && Array.isArray(items))
    return items.map((each) => plain(each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each, depth + 1)]));
}

/** The checkpoint's own graph of objects, a tensor of one string. */
async function checkpointObjects(sources: ByteSources, bundle: Bundle): Promise<readonly SavedObject[]> {
  const entry = bundle.entries.get(graphKey);
  const [bytes] = entry ? await storedBytes(sources, bundle, entry) : [];
  if (!bytes) throw modelError("malformed", `a checkpoint without its objects: ${graphKey}`);
  return readCheckpointObjects(memorySource(graphKey, bytes));
}

class SavedLayers {
  readonly problems: Problem[] = [];
  private readonly names: readonly (string | undefined)[];

  constructor(
    private readonly objects: readonly SavedObject[],
    private readonly stored: readonly SavedObject[],
    private readonly bundle: Bundle,
  ) {
    this.names = objects.map((object) => {
      const name = detailsOf(object)?.["name"];
      return typeof name === "string" ? name : undefined;
    });
  }

  weightsOf({ names }: LayerPlace): readonly NamedTensor[] {
    const path = this.pathOf(names);
    const list = path && walked(this.stored, [...path, "variables"]);
    if (!list) return [];
    return [...list.children]
      .filter(([step]) => /^\d+$/.test(step))
      .sort(([a], [b]) => Number(a) - Number(b))
      .flatMap(([, id]) => this.tensors(this.stored[id]));
  }

  private tensors(object: SavedObject | undefined): readonly NamedTensor[] {
    const { variable } = object ?? {};
    if (!variable) return [];
    const { key, name } = variable;
    const tensor = this.bundle.entries.has(key)
      ? tensorOf({ key }, this.bundle, 1)
      : "a variable that the checkpoint does not hold";
    if (typeof tensor !== "string") return [{ name: name.replace(/:\d+$/, ""), tensor }];
    this.problems.push(problem("error", "bad-weight", tensor, { tensor: key }));
    return [];
  }

  /** Steps from the model to a layer, through models and wrappers around it. */
  private pathOf(names: readonly string[]): readonly string[] | undefined {
    const path: string[] = [];
    let at = this.objects[0];
    for (const name of names) {
      const within = () =>
        [...(at?.children ?? [])].find(([step, id]) => /^layer(_with_weights)?-\d+$/.test(step) && this.names[id] === name);
      let found = within();
      const wrapped = at?.children.get("layer");
      if (!found && wrapped !== undefined) {
        path.push("layer");
        at = this.objects[wrapped];
        found = within();
      }
      if (!found) return undefined;
      path.push(found[0]);
      at = this.objects[found[1]];
    }
    return path;
  }
}

function walked(objects: readonly SavedObject[], path: readonly string[]): SavedObject | undefined {
  let at = objects[0];
  for (const step of path) at = objects[at?.children.get(step) ?? -1];
  return at;
}
