/** A node's page with the elements of its small weights: the one place where the editor's engine reads weights. */

import { loadTensor } from "../graph/decode.ts";
import type { SourceModel } from "../graph/source.ts";
import { elementCount, type Tensor } from "../graph/tensor.ts";
import { nodeDetails } from "../protocol/node-details.ts";
import { type NodeDetails, valuesShown, type WeightView } from "../protocol/views.ts";
import type { ReadModel } from "./models.ts";

export async function detailsOf({ model, files }: ReadModel, graph: number, node: number): Promise<NodeDetails> {
  const details = nodeDetails(model, graph, node);
  const weights = await Promise.all(
    details.weights.map(async (weight): Promise<WeightView> => {
      const stored = tensorOf(model, graph, node, weight.name);
      if (!stored || elementCount(stored.shape) > valuesShown) return weight;
      // A weight that cannot be read is a problem of the model, told with the verdicts; the page shows the rest.
      const tensor = await loadTensor({ dtype: stored.dtype, shape: stored.shape, stored, files }).catch(() => undefined);
      return tensor ? { ...weight, values: textsOf(tensor) } : weight;
    }),
  );
  return { ...details, weights };
}

function tensorOf(model: SourceModel, graph: number, node: number, name: string) {
  const { nodes, values } = model.graphs[graph]!;
  const id = nodes[node]!.inputs.find((input) => input !== undefined && values[input]?.name === name);
  return id === undefined ? undefined : values[id]?.tensor;
}

function textsOf({ dtype, data }: Tensor): string[] {
  if (dtype === "bool") return Array.from(data as Uint8Array, (value) => String(value !== 0));
  // Nine digits name any float32; more are noise of the widening to double.
  if (data instanceof Float32Array) return Array.from(data, (value) => String(Number(value.toPrecision(9))));
  return Array.from(data as ArrayLike<unknown>, String);
}
