/**
 * A Keras model as the .h5 file of Keras 2, which Keras 3 loads too. Weights go by their order and not by name: of layers as Keras has them,
 * of a layer's (or of those of a model within) the trainable ones before the others.
 */
import type { DType } from "../../base/dtype.ts";
import { listLength, MAX_LIST, type NewDataset, NewGroup } from "../hdf5/write.ts";
import { isObject, type Json } from "./attributes.ts";
import { layerOrder } from "./layer-order.ts";

/** A weight `dense_1/kernel` of layer `dense_1`, which may be in a model within. */
export interface LayerWeight {
  readonly name: string;
  readonly layer: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface KerasFile<W> {
  readonly root: NewGroup;
  readonly weights: ReadonlyMap<NewDataset, W>;
}

/** `topology`: `{keras_version, backend, model_config}`, the model a Functional one in Keras 2's words. */
export function kerasFile<W extends LayerWeight>(topology: Json, all: readonly W[]): KerasFile<W> {
  const root = new NewGroup();
  const weights = new Map<NewDataset, W>();
  const byLayer = new Map<string, W[]>();
  for (const weight of all) byLayer.set(weight.layer, [...(byLayer.get(weight.layer) ?? []), weight]);
  for (const [key, value] of Object.entries(topology))
    root.attributes.set(key, typeof value === "string" ? value : JSON.stringify(value));
  const groups = root.group("model_weights");
  for (const key of ["keras_version", "backend"]) groups.attributes.set(key, String(topology[key]));
  const layers = layersOf(functional(topology["model_config"]) ?? {});
  setList(groups, "layer_names", [...layers.keys()]);
  for (const [name, layer] of layers) {
    const group = groups.group(name);
    const { trainable, others } = weightsOf(layer, byLayer);
    const own = [...trainable, ...others];
    setList(group, "weight_names", own.map(pathOf));
    for (const weight of own) {
      const { dtype, shape } = weight;
      const dataset = { dtype, shape };
      group.dataset(pathOf(weight), dataset);
      weights.set(dataset, weight);
    }
  }
  return { root, weights };
}

/** As TensorFlow names the first output of a variable. */
const pathOf = ({ name }: LayerWeight): string => `${name}:0`;

/** In parts `name0`, `name1` … where it is too long for one attribute. */
function setList({ attributes }: NewGroup, name: string, list: readonly string[]): void {
  if (listLength(list) <= MAX_LIST) {
    attributes.set(name, list);
    return;
  }
  // The longest text is as wide as each of its part.
  const most = Math.max(
    1,
    Math.floor(MAX_LIST / listLength([list.reduce((a, b) => (listLength([a]) >= listLength([b]) ? a : b))])),
  );
  for (let i = 0; i * most < list.length; i++) attributes.set(`${name}${i}`, list.slice(i * most, (i + 1) * most));
}

/** The configuration of a Functional model. */
function functional(given: unknown): Json | undefined {
  return isObject(given) && given["class_name"] === "Functional" && isObject(given["config"]) ? given["config"] : undefined;
}

/** Layers by name, in Keras's order. */
function layersOf(model: Json): ReadonlyMap<string, Json> {
  const byName = new Map(
    (Array.isArray(model["layers"]) ? model["layers"].filter(isObject) : []).map((layer) => [String(layer["name"]), layer]),
  );
  return new Map(layerOrder(model).flatMap((name) => (byName.has(name) ? [[name, byName.get(name)!] as const] : [])));
}

interface Sorted<W> {
  readonly trainable: readonly W[];
  readonly others: readonly W[];
}

/** What training estimates rather than learns. */
const estimated = /\/moving_(mean|variance)$/;

/** Models within models are as deep as the reader lets them be. */
function weightsOf<W extends LayerWeight>(layer: Json, byLayer: ReadonlyMap<string, readonly W[]>): Sorted<W> {
  const config = isObject(layer["config"]) ? layer["config"] : {};
  const inner = functional(layer) ?? functional(config["layer"]);
  if (inner) {
    const parts = [...layersOf(inner).values()].map((each) => weightsOf(each, byLayer));
    return { trainable: parts.flatMap(({ trainable }) => trainable), others: parts.flatMap(({ others }) => others) };
  }
  const own = byLayer.get(String(layer["name"])) ?? [];
  const wrapped = isObject(config["layer"]) && isObject(config["layer"]["config"]) ? config["layer"]["config"] : {};
  if (config["trainable"] === false || wrapped["trainable"] === false) return { trainable: [], others: own };
  return { trainable: own.filter(({ name }) => !estimated.test(name)), others: own.filter(({ name }) => estimated.test(name)) };
}
