/** Values quantised in blocks: the scale of a block stands in another tensor. They become products, so that no operator meets such codes. */
import type { Value } from "../../graph/graph.ts";
import type { SourceGraph, SourceModel, SourceNode, SourceValue, ValueId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { int } from "../schema.ts";
import { lite } from "./rule.ts";

/** Stands for no builtin: codes, scales and zero points to the numbers. */
const decodeBlocks = "^DECODE_BLOCKS";

/** The model with a node behind every value that is quantised in blocks; models of other dialects as they are. */
export function withBlocks(model: SourceModel): SourceModel {
  if (model.dialect !== "tflite") return model;
  return { ...model, graphs: model.graphs.map(decodedIn) };
}

function decodedIn(graph: SourceGraph): SourceGraph {
  const blocked = graph.values.filter(({ type }) => type.quantization?.block);
  if (blocked.length === 0) return graph;
  const values: SourceValue[] = [...graph.values];
  const nodes: SourceNode[] = [...graph.nodes];
  const numbers = new Map<ValueId, ValueId>();
  for (const { id, name, type } of blocked) {
    const { quantization, ...codes } = type;
    const { scales, zeroPoints, size } = quantization!.block!;
    values[id] = { ...values[id]!, type: codes };
    const made = values.length;
    values.push({ id: made, name: `${name}!`, type: { dtype: "float32", shape: type.shape }, producer: nodes.length });
    const inputs = [id, scales, ...(zeroPoints === undefined ? [] : [zeroPoints])];
    const attrs = { size: { kind: "int", value: size } } as const;
    nodes.push({ id: nodes.length, name: "", op: decodeBlocks, domain: "", inputs, outputs: [made], attrs, captures: [] });
    numbers.set(id, made);
  }
  for (const [i, node] of graph.nodes.entries())
    if (node.inputs.some((id) => id !== undefined && numbers.has(id)))
      nodes[i] = { ...node, inputs: node.inputs.map((id) => (id === undefined ? id : (numbers.get(id) ?? id))) };
  return { ...graph, values, nodes };
}

/** A scale for `size` numbers in a row of one axis; all other axes of both tensors are alike. */
function decode(b: Builder, codes: Value, scales: Value, zero: Value | undefined, size: number, at: At): Value {
  const [dims, counts] = [codes.staticShape, scales.staticShape];
  const axis = dims?.findIndex((dim, i) => dim !== counts?.[i]) ?? -1;
  const isBlocked = (dim: number, i: number) => counts?.[i] === (i === axis ? dim / size : dim);
  const fits = dims !== undefined && counts?.length === dims.length && dims.every(isBlocked);
  // Blocks of one number leave the shapes alike.
  const along = axis < 0 && size === 1 ? 0 : axis;
  if (!fits || along < 0) throw at.invalid(`scales of ${counts?.join("×")} for blocks of ${size} in ${dims?.join("×")}`);
  const apart = (sizes: readonly number[], last: number) => [
    ...sizes.slice(0, along),
    sizes[along]! / last,
    last,
    ...sizes.slice(along + 1),
  ];
  const spread = (x: Value) => b.reshape(b.cast(x, "float32"), apart(counts!, 1));
  const numbers = b.reshape(b.cast(codes, "float32"), apart(dims, size));
  const steps = zero ? b.op("Sub", [numbers, spread(zero)]) : numbers;
  return b.reshape(b.op("Mul", [steps, spread(scales)]), dims);
}

export const blocks: readonly Rule[] = [
  lite(decodeBlocks, { arity: [2, 3], attrs: { size: int(1) }, codes: true }, (b, [codes, scales, zero], { size }, at) => [
    decode(b, codes, scales, zero, size, at),
  ]),
];
