/** Where in the text of a model.json its nodes and layers stand. */
import { isObject } from "./attributes.ts";
import type { JsonPath, JsonText } from "./json.ts";

/** Byte offsets by `<graph>/<node>`, and by the node's name alone for layers within layers. Empty where the text is no TF.js model. */
export function nodePlaces(json: JsonText): ReadonlyMap<string, number> {
  const topology = isObject(json.value) ? json.value["modelTopology"] : undefined;
  if (!isObject(topology)) return new Map();
  return "node" in topology ? graphPlaces(json, topology) : layerPlaces(json, topology);
}

type Json = Readonly<Record<string, unknown>>;

function graphPlaces(json: JsonText, topology: Json): Map<string, number> {
  const places = new Map<string, number>();
  const add = (graph: string, path: JsonPath, nodes: unknown) => {
    if (!Array.isArray(nodes)) return;
    const offsets = json.elements(path);
    for (const [i, node] of nodes.entries())
      if (isObject(node) && offsets[i] !== undefined) places.set(`${graph}/${node["name"]}`, offsets[i]);
  };
  add("main", ["modelTopology", "node"], topology["node"]);
  const library = isObject(topology["library"]) ? topology["library"]["function"] : undefined;
  for (const [i, each] of (Array.isArray(library) ? library : []).entries()) {
    if (!isObject(each) || !isObject(each["signature"])) continue;
    add(String(each["signature"]["name"]), ["modelTopology", "library", "function", i, "nodeDef"], each["nodeDef"]);
  }
  return places;
}

/** Models within models are layers that have layers. */
function layerPlaces(json: JsonText, topology: Json): Map<string, number> {
  const places = new Map<string, number>();
  const [outer, path] = isObject(topology["model_config"])
    ? [topology["model_config"], ["modelTopology", "model_config"]]
    : [topology, ["modelTopology"]];
  const open: { readonly model: Json; readonly path: JsonPath }[] = [{ model: outer, path }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { config } = next.model;
    // The first versions of Keras have the layers of a Sequential as its configuration.
    const [layers, at] =
      isObject(config) && !Array.isArray(config) ? [config["layers"], ["config", "layers"]] : [config, ["config"]];
    if (!Array.isArray(layers)) continue;
    const from = [...next.path, ...at];
    const offsets = json.elements(from);
    for (const [i, layer] of layers.entries()) {
      if (!isObject(layer)) continue;
      const name = layer["name"] ?? (isObject(layer["config"]) ? layer["config"]["name"] : undefined);
      if (typeof name === "string" && offsets[i] !== undefined && !places.has(name)) places.set(name, offsets[i]);
      if (isObject(layer["config"]) && "layers" in layer["config"]) open.push({ model: layer, path: [...from, i] });
    }
  }
  return places;
}
