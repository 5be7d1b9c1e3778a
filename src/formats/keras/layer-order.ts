/** The order in which Keras has the layers of a Functional model, whatever that of its configuration: the files of weights go by it. */
import { isObject, type Json } from "./attributes.ts";
import { isReference, type Reference, readReferences, referenceOf } from "./calls.ts";

interface LayerNodes {
  readonly name: string;
  /** What each call reads. */
  readonly calls: readonly (readonly Reference[])[];
  /** Number of the first call. */
  readonly first: number;
}

/**
 * Names of the layers of a configuration in Keras 2's words, those farthest from the outputs first; of equally far ones that first which is
 * met first from the outputs. As `_map_graph_network` has it; layers that no output needs are none of the model's.
 */
export function layerOrder(config: Json): readonly string[] {
  const layers = new Map<string, LayerNodes>();
  for (const layer of Array.isArray(config["layers"]) ? config["layers"].filter(isObject) : [])
    layers.set(String(layer["name"]), nodesOf(layer));
  const outputs = readReferences(config["output_layers"], {});
  const { finished, met } = visited(layers, outputs);
  const nodeDepths = new Map<string, number>();
  const depths = new Map<string, number>();
  for (const { key, layer, inputs } of finished.reverse()) {
    const depth = Math.max(nodeDepths.get(key) ?? 0, depths.get(layer) ?? 0);
    depths.set(layer, depth);
    for (const each of inputs) {
      const before = keyOf(each);
      nodeDepths.set(before, Math.max(nodeDepths.get(before) ?? 0, depth + 1));
    }
  }
  return [...met.keys()].sort((a, b) => depths.get(b)! - depths.get(a)! || met.get(a)! - met.get(b)!);
}

function nodesOf(layer: Json): LayerNodes {
  const inbound = Array.isArray(layer["inbound_nodes"]) ? layer["inbound_nodes"] : [];
  const calls = inbound.map((call) => (Array.isArray(call) ? call.filter(isReference).map(referenceOf) : []));
  return { name: String(layer["name"]), calls, first: layer["class_name"] === "Functional" ? 1 : 0 };
}

interface Visit {
  readonly key: string;
  readonly layer: string;
  readonly inputs: readonly Reference[];
}

const keyOf = ({ layer, call }: Reference): string => `${layer}\0${call}`;

/** Calls, each behind those that it reads, and layers as they are met on the way from the outputs. No recursion: models are deep. */
function visited(layers: ReadonlyMap<string, LayerNodes>, outputs: readonly Reference[]) {
  const finished: Visit[] = [];
  const met = new Map<string, number>();
  const begun = new Set<string>();
  type Step = { readonly enter: Reference } | { readonly leave: Visit };
  const stack: Step[] = [...outputs].reverse().map((enter) => ({ enter }));
  for (let step = stack.pop(); step; step = stack.pop()) {
    if ("leave" in step) {
      finished.push(step.leave);
      continue;
    }
    const { layer, call } = step.enter;
    const key = keyOf(step.enter);
    if (begun.has(key)) continue;
    begun.add(key);
    if (!met.has(layer)) met.set(layer, met.size);
    const found = layers.get(layer);
    const inputs = found?.calls[call - found.first] ?? [];
    stack.push({ leave: { key, layer, inputs } }, ...[...inputs].reverse().map((enter) => ({ enter })));
  }
  return { finished, met };
}
