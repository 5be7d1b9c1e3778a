/** Reads the small constants of a model before it is lowered, since rules are synchronous. */

import { prefetch } from "../graph/decode.ts";
import type { SourceAttr, SourceModel, SourceTensor } from "../graph/source.ts";
import type { ModelFiles, StoredTensor } from "../graph/tensor.ts";
import type { Constants } from "./lower.ts";

/** Every stored tensor of at most 16 KiB: initializers, and those in attributes. */
export async function readConstants(model: SourceModel, files: ModelFiles): Promise<Constants> {
  const found: StoredTensor[] = [];
  const add = (stored: SourceTensor) => found.push({ dtype: stored.dtype, shape: stored.shape, stored, files });
  for (const graph of model.graphs) {
    for (const value of graph.values) {
      if (value.tensor) add(value.tensor);
      if (value.sparse) [value.sparse.values, value.sparse.indices].forEach(add);
    }
    for (const node of graph.nodes) for (const attr of Object.values(node.attrs)) tensorsOf(attr).forEach(add);
  }
  return prefetch(found);
}

function tensorsOf(attr: SourceAttr): readonly SourceTensor[] {
  switch (attr.kind) {
    case "tensor":
      return [attr.value];
    case "tensors":
      return attr.value;
    case "sparse":
      return [attr.values, attr.indices];
    default:
      return [];
  }
}
