/** Reductions and the shape of their results. */
import type { Value } from "../../graph/graph.ts";
import { numbers } from "../constants.ts";
import { reshapes } from "../reshape.ts";
import { type Rewrite, rewriteAt } from "../rewrite.ts";

const reductions = ["Sum", "Mean", "Max", "Min", "Prod", "All", "Any"];

/** Reshape(Mean(x), axes kept) that drops just those axes → Mean(x) that does not keep them. */
export const dropKeptAxes: Rewrite = rewriteAt("drop-kept-axes", reshapes, (node, b, site) => {
  const [y] = node.inputs;
  const { node: reduction, type } = y!;
  if (!reductions.includes(reduction.op) || reduction.attrs["keep_dims"] !== true || site.uses(y!) !== 1 || reduction.constant)
    return undefined;
  const [x, axes] = reduction.inputs;
  const gone = numbers(axes!)?.map((axis) => (axis < 0 ? axis + (type.shape?.length ?? 0) : axis));
  const kept = type.shape?.filter((_, axis) => !gone?.includes(axis));
  if (!gone || !sameDims(kept, node.outputs[0]!)) return undefined;
  b.origin = reduction.origin;
  return [b.op(reduction.op, [x!, axes!], { ...reduction.attrs, keep_dims: false })];
});

const sameDims = (dims: readonly unknown[] | undefined, value: Value): boolean =>
  dims !== undefined &&
  dims.length === value.type.shape?.length &&
  dims.every((dim, i) => dim !== undefined && dim === value.type.shape![i]);
