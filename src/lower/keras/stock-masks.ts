/**
 * Where stock TF.js carries masks otherwise than Keras does. Its executor keeps the last mask it met for every layer behind it, whether
 * that layer's input is masked or not; means over steps look at none, and layers that join inputs mix masks up.
 */
import type { Value } from "../../graph/graph.ts";
import type { SourceGraph, SourceModel, SourceNode } from "../../graph/source.ts";
import { constantOf } from "../../tf/op.ts";
import { knownMask } from "./masks.ts";

/** Layers that compute with the mask they are handed. */
const takers = new Set(["LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM2D", "Bidirectional", "Softmax"]);
const joins = new Set(["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply"]);

const makesMask = ({ op, attrs }: SourceNode): boolean =>
  op === "Masking" || (op === "Embedding" && attrs["mask_zero"]?.kind === "bool" && attrs["mask_zero"].value);

export const hasMasks = ({ graphs }: SourceModel): boolean => graphs.some(({ nodes }) => nodes.some(makesMask));

/** Why the layer would see another mask than Keras gives it, in a model that has masks. `values`: as lowered, by `<graph>/<value>`. */
export function maskFault(graph: SourceGraph, node: SourceNode, values: ReadonlyMap<string, Value>): string | undefined {
  const masks = node.inputs.map((id) => {
    const value = id === undefined ? undefined : values.get(`${graph.name}/${graph.values[id]!.name}`);
    return value && knownMask(value);
  });
  const masked = masks.some((mask) => mask !== undefined);
  if (takers.has(node.op) && typeof masks[0] !== "object") return "TF.js gives it a mask that belongs to another layer";
  if (masked && joins.has(node.op)) return "TF.js mixes up the masks of joined inputs";
  if (masked && node.op === "GlobalAveragePooling1D") return "TF.js takes the mean over masked steps too";
  if (masked && node.op === "TimeDistributed") return "TF.js loses the mask of the steps";
  return undefined;
}

/**
 * A mask passed to the layer by keyword, as Keras 3 writes down what it has carried along: `implied` where it is the mask that the layer's
 * input has anyway; undefined: none is passed.
 */
export function passedMask(
  graph: SourceGraph,
  { inputs, attrs }: SourceNode,
  values: ReadonlyMap<string, Value>,
): "implied" | "other" | undefined {
  const { keywords } = attrs;
  const names = keywords?.kind === "strings" ? keywords.value : [];
  if (!names.some((name) => /mask/.test(name))) return undefined;
  const data = inputs.filter((id) => id !== undefined && !graph.values[id]!.tensor && !graph.values[id]!.variable);
  const hubValue = (id: number | undefined) =>
    id === undefined ? undefined : values.get(`${graph.name}/${graph.values[id]!.name}`);
  const [x, passed] = [hubValue(data[0]), hubValue(data.at(-1))];
  const own = x && knownMask(x);
  const isLast = names.length === 1 && names[0] === "mask";
  return isLast && own && typeof own === "object" && passed && sameMask(own, passed) ? "implied" : "other";
}

/** Both say where the same numbers are not the same constant. */
function sameMask(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [p, q] = [a, b].map((mask) => {
    const { node } = through(mask, "Squeeze", "Any", "Reshape");
    const constant = node.inputs[1] && constantOf(node.inputs[1]);
    if (node.op !== "NotEqual" || !constant) return undefined;
    return { of: through(node.inputs[0]!, "Cast"), than: Array.from(constant.data as ArrayLike<unknown>, Number).join() };
  });
  return p !== undefined && q !== undefined && p.of === q.of && p.than === q.than;
}

/** Where the value comes from, through such operators. */
function through(value: Value, ...ops: readonly string[]): Value {
  let at = value;
  while (ops.includes(at.node.op)) at = at.node.inputs[0]!;
  return at;
}
