/** The graphs of objects that TensorFlow saves: of a SavedModel, whose objects say what layer they are, and of its checkpoint, whose objects say where their numbers are. */
import type { ByteSource } from "../../base/bytes.ts";
import { Fields } from "../protobuf/fields.ts";
import { readImage } from "../protobuf/image.ts";

export interface SavedObject {
  /** By the name that the object has in the one that holds it. */
  readonly children: ReadonlyMap<string, number>;
  /** What Keras says of a layer, as JSON. */
  readonly metadata: string | undefined;
  /** Of a variable: its key in the checkpoint, and the name it was made by, `dense_1/kernel`. */
  readonly variable: { readonly key: string; readonly name: string } | undefined;
}

const reference = { 2: "leaf" } as const;
/** SavedModel › MetaGraphDef › SavedObjectGraph › SavedObject › ObjectReference, SavedUserObject. */
const savedShape = { 2: { 7: { 1: { 1: reference, 4: { 1: "leaf", 3: "leaf" } } } } } as const;
/** TrackableObjectGraph › TrackableObject › ObjectReference, SerializedTensor. */
const checkpointShape = { 1: { 1: reference, 2: { 1: "leaf", 2: "leaf", 3: "leaf" } } } as const;
/** SavedMetadata › SavedObject. */
const metadataShape = { 1: { 3: "leaf", 4: "leaf", 5: "leaf" } } as const;

/** Objects of each graph of a SavedModel. */
export async function readSavedObjects(source: ByteSource): Promise<readonly (readonly SavedObject[])[]> {
  const metas: SavedObject[][] = [];
  const f = new Fields(await readImage(source, savedShape));
  while (f.next()) {
    if (f.field !== 2) continue;
    const objects: SavedObject[] = [];
    const meta = f.message();
    while (meta.next()) {
      if (meta.field !== 7) continue;
      const graph = meta.message();
      while (graph.next()) if (graph.field === 1) objects.push(readObject(graph.message()));
    }
    metas.push(objects);
  }
  return metas;
}

/** Objects of a checkpoint, as the text under its key `_CHECKPOINTABLE_OBJECT_GRAPH` has them. */
export async function readCheckpointObjects(source: ByteSource): Promise<readonly SavedObject[]> {
  const objects: SavedObject[] = [];
  const f = new Fields(await readImage(source, checkpointShape));
  while (f.next()) if (f.field === 1) objects.push(readTrackable(f.message()));
  return objects;
}

/** `keras_metadata.pb`: what is said of the objects of a SavedModel, by their numbers. */
export async function readKerasMetadata(source: ByteSource): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  const f = new Fields(await readImage(source, metadataShape));
  while (f.next()) {
    if (f.field !== 1) continue;
    const node = f.message();
    let [id, text] = [0, ""];
    while (node.next()) {
      if (node.field === 2) id = node.int();
      else if (node.field === 5) text = node.text();
    }
    found.set(id, text);
  }
  return found;
}

function readReference(f: Fields): readonly [string, number] {
  let [name, id] = ["", 0];
  while (f.next()) {
    if (f.field === 1) id = f.int();
    else if (f.field === 2) name = f.string();
  }
  return [name, id];
}

function readObject(f: Fields): SavedObject {
  const children = new Map<string, number>();
  let metadata: string | undefined;
  while (f.next()) {
    if (f.field === 1) children.set(...readReference(f.message()));
    else if (f.field === 4) {
      const user = f.message();
      while (user.next()) if (user.field === 3) metadata = user.text();
    }
  }
  return { children, metadata, variable: undefined };
}

const VALUE = "VARIABLE_VALUE";

function readTrackable(f: Fields): SavedObject {
  const children = new Map<string, number>();
  let variable: SavedObject["variable"];
  while (f.next()) {
    if (f.field === 1) children.set(...readReference(f.message()));
    else if (f.field === 2) {
      const attribute = f.message();
      let [kind, name, key] = ["", "", ""];
      while (attribute.next()) {
        if (attribute.field === 1) kind = attribute.string();
        else if (attribute.field === 2) name = attribute.string();
        else if (attribute.field === 3) key = attribute.string();
      }
      if (kind === VALUE) variable = { key, name };
    }
  }
  return { children, metadata: undefined, variable };
}
