/** What is done to a TensorFlow model, or one of TF.js, before its nodes are lowered one by one. */
import type { SourceGraph, SourceModel, SourceValue } from "../../graph/source.ts";
import type { Constants } from "../lower.ts";
import { functionalize } from "./functionalize.ts";
import { withStates } from "./states.ts";
import { withTables } from "./tables.ts";

/** Models of other dialects as they are. `outputs` where not all of the graph's own are wanted. */
export function prepare(model: SourceModel, constants: Constants, outputs?: readonly string[]): SourceModel {
  if (model.dialect !== "tensorflow" && model.dialect !== "tfjs") return model;
  const [main, ...rest] = model.graphs;
  const named = { ...model, graphs: [withSymbols(main!), ...rest] };
  return functionalize(withStates(withTables(named), constants, outputs));
}

/**
 * TensorFlow has no names for dims that it does not know; each of an input gets one, `x[0]`. Reshapes to dims that were computed of them,
 * as Flatten and Tensordot write it, then keep their shapes.
 */
function withSymbols(graph: SourceGraph): SourceGraph {
  const values = [...graph.values];
  graph.inputs.forEach((id, i) => {
    const value = values[id]!;
    if (value.type.shape?.includes(null)) values[id] = named(value, graph.inputNames?.[i] ?? value.name);
  });
  return { ...graph, values };
}

function named(value: SourceValue, name: string): SourceValue {
  const shape = value.type.shape!.map((dim, axis) => dim ?? `${name}[${axis}]`);
  return { ...value, type: { ...value.type, shape } };
}
