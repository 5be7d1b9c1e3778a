/** Inputs that are pictures: fed with pixels of 0 to 255, since a model that subtracts a mean of 120 says little about numbers near 0. */
import type { SourceModel } from "../graph/source.ts";

/** Operators that take an image of 0 to 255 by definition. */
const imageOps: ReadonlySet<string> = new Set(["ImageScaler", "ImageDecoder"]);

/** Names of the inputs that only such operators read. */
export function imageInputs(model: SourceModel): ReadonlySet<string> {
  const graph = model.graphs[0]!;
  const readers = new Map(graph.inputs.map((id) => [id, [] as string[]]));
  for (const node of graph.nodes) for (const id of node.inputs) if (id !== undefined) readers.get(id)?.push(node.op);
  const images = [...readers].filter(([, ops]) => ops.length > 0 && ops.every((op) => imageOps.has(op)));
  return new Set(images.map(([id]) => graph.values[id]!.name));
}
