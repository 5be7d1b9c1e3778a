/** SavedModels as Keras 2 writes them: objects with what Keras says of each, and a checkpoint whose objects list the variables of every layer. */
import type { Tensor } from "../../src/graph/tensor.ts";
import { int, join, message, text } from "./protobuf.ts";
import { bundle, graphFields } from "./tensorflow.ts";

export interface SavedLayer {
  readonly class_name: string;
  readonly name: string;
  readonly config: object;
  /** By the variable's name, `dense/kernel`, in Keras's order. */
  readonly weights?: Readonly<Record<string, Tensor>>;
  /** Of a model within. */
  readonly layers?: readonly SavedLayer[];
  /** Of a wrapper. */
  readonly layer?: SavedLayer;
}

interface Object {
  readonly children: [string, number][];
  readonly metadata?: string;
  readonly variable?: { readonly key: string; readonly name: string };
}

class Objects {
  readonly all: Object[] = [];
  readonly tensors: Record<string, Tensor> = {};

  add(layer: SavedLayer): number {
    const { class_name, name, config } = layer;
    const { id, children } = this.node({ metadata: JSON.stringify({ class_name, name, config, keras_version: "2.9.0" }) });
    let heavy = 0;
    for (const [i, each] of (layer.layers ?? []).entries()) {
      const inner = this.add(each);
      // As Keras has it: layers with weights are counted once more.
      if (each.weights || each.layers) children.push([`layer_with_weights-${heavy++}`, inner]);
      children.push([`layer-${i}`, inner]);
    }
    if (layer.layer) children.push(["layer", this.add(layer.layer)]);
    const list = this.node({});
    children.push(["variables", list.id]);
    for (const [i, [full, tensor]] of Object.entries(layer.weights ?? {}).entries()) {
      // The shortest way from the model to a variable is its key.
      const key = `variables/${Object.keys(this.tensors).length}/.ATTRIBUTES/VARIABLE_VALUE`;
      this.tensors[key] = tensor;
      list.children.push([String(i), this.node({ variable: { key, name: full } }).id]);
    }
    return id;
  }

  private node(object: Omit<Object, "children">) {
    const children: [string, number][] = [];
    const id = this.all.push({ ...object, children }) - 1;
    return { id, children };
  }
}

const references = ({ children }: Object) => children.map(([name, id]) => message(1, [int(1, id), text(2, name)]));

/** `beside`: what Keras says is in keras_metadata.pb, as from TensorFlow 2.5 on, and not in saved_model.pb. */
export function kerasSavedModel(model: SavedLayer, beside: boolean): Record<string, Uint8Array> {
  const objects = new Objects();
  objects.add(model);
  const { all, tensors } = objects;
  const saved = all.map((object) => {
    const said = object.metadata !== undefined && !beside ? [text(3, object.metadata)] : [];
    return message(1, [...references(object), message(4, [text(1, "_tf_keras_layer"), ...said])]);
  });
  const stored = all.map((object) => {
    const { variable } = object;
    const value = variable && [text(1, "VARIABLE_VALUE"), text(2, variable.name), text(3, variable.key)];
    return message(1, [...references(object), ...(value ? [message(2, value)] : [])]);
  });
  const metadata = all.flatMap(({ metadata: said }, id) =>
    said === undefined ? [] : [message(1, [int(2, id), text(3, `root.${id}`), text(4, "_tf_keras_layer"), text(5, said)])],
  );
  return {
    "saved_model.pb": join([int(1, 1), message(2, [message(1, [text(4, "serve")]), message(2, graphFields({ nodes: [] })), message(7, saved)])]), // biome-ignore format: a row
    ...(beside && { "keras_metadata.pb": join(metadata) }),
    ...bundle("variables/variables", { ...tensors, _CHECKPOINTABLE_OBJECT_GRAPH: join(stored) }),
  };
}
