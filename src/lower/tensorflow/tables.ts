/** Hash tables. A SavedModel fills them when it is loaded; where keys and values are constants, a table is those two tensors. */
import { Node, type Value } from "../../graph/graph.ts";
import type { SourceGraph, SourceModel, SourceNode, SourceTensor, ValueId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import type { At, Rule } from "../rule.ts";
import { tensor } from "../schema.ts";
import { tfRule } from "./attrs.ts";

const creating = /^(Mutable)?HashTable(V2)?$/;
const filling = /^(LookupTableImport|InitializeTable)(V2)?$/;
const calling = /^(Stateful)?PartitionedCall$/;

/** The model with keys and values as attributes of its table nodes, as far as they are constants. */
export function withTables(model: SourceModel): SourceModel {
  const [main, ...rest] = model.graphs;
  const filled = new Map<number, readonly [SourceTensor, SourceTensor]>();
  for (const graph of model.graphs)
    for (const node of graph.nodes)
      if (filling.test(node.op)) for (const [table, content] of contentsOf(graph, node, main!)) filled.set(table, content);
  if (filled.size === 0) return model;
  const nodes = main!.nodes.map((node) => {
    const content = filled.get(node.id);
    if (!content) return node;
    const [keys, values] = content.map((each) => ({ kind: "tensor" as const, value: each }));
    return { ...node, attrs: { ...node.attrs, keys: keys!, values: values! } };
  });
  return { ...model, graphs: [{ ...main!, nodes }, ...rest] };
}

/** Table nodes of the main graph that this node fills, with what: directly, or as each call of its function says. */
function contentsOf(graph: SourceGraph, node: SourceNode, main: SourceGraph): [number, readonly [SourceTensor, SourceTensor]][] {
  const calls = graph === main ? [undefined] : main.nodes.filter((each) => isCallOf(each, graph));
  return calls.flatMap((call) => {
    const [table, keys, values] = node.inputs.map((input) =>
      input === undefined ? undefined : origin(graph, input, main, call),
    );
    const [k, v] = [keys, values].map((each) => (typeof each === "object" && "slices" in each ? each : undefined));
    return table && "op" in table && creating.test(table.op) && k && v ? [[table.id, [k, v]] as const] : [];
  }) as [number, readonly [SourceTensor, SourceTensor]][];
}

const isCallOf = ({ op, attrs }: SourceNode, graph: SourceGraph): boolean =>
  calling.test(op) && attrs["f"]?.kind === "graph" && attrs["f"].value === graph.id;

/** Identities in a row; TensorFlow makes one or two. */
const maxSteps = 16;

/** The constant, or the node of the main graph, that a value comes from. */
function origin(
  graph: SourceGraph,
  value: ValueId,
  main: SourceGraph,
  call: SourceNode | undefined,
): SourceTensor | SourceNode | undefined {
  let [at, inside]: [ValueId, SourceGraph] = [value, graph];
  for (let steps = 0; steps < maxSteps; steps++) {
    const argument = inside === main ? -1 : inside.inputs.indexOf(at);
    const given = argument < 0 ? undefined : call?.inputs[argument];
    if (given !== undefined) [at, inside] = [given, main];
    const { tensor: stored, producer } = inside.values[at]!;
    if (stored) return stored;
    const node = producer === undefined ? undefined : inside.nodes[producer];
    if (!node) return undefined;
    if (node.op !== "Identity" || node.inputs[0] === undefined) return inside === main ? node : undefined;
    at = node.inputs[0];
  }
  return undefined;
}

/** A table while lowering: its keys and values. No value of TF.js. */
const tableOf = (b: Builder, keys: Value, values: Value): Value =>
  new Node("Table", [keys, values], {}, b.origin, [{ dtype: values.dtype, shape: undefined }], [], false).output;

export const isTable = (value: Value): boolean => value.node.op === "Table";

function contentOf(table: Value, at: At): readonly [Value, Value] {
  if (!isTable(table)) throw at.unsupported("a table that comes from elsewhere");
  return table.node.inputs as unknown as readonly [Value, Value];
}

const names = (text: string): string[] => text.split(" ");

export const tables: readonly Rule[] = [
  ...names("HashTable HashTableV2 MutableHashTable MutableHashTableV2").map((op) =>
    tfRule(op, [0, 0], { keys: tensor(), values: tensor() }, (b, _, a, at) => {
      if (!a.keys || !a.values) throw at.unsupported("a hash table that is not filled with constants", "look the values up before or after the model"); // biome-ignore format: one clause
      return [tableOf(b, at.constant(a.keys), at.constant(a.values))];
    }),
  ),
  ...names("LookupTableFind LookupTableFindV2").map((op) =>
    tfRule(op, [3, 3], {}, (b, [table, x, fallback], _, at) => {
      const [keys, values] = contentOf(table, at);
      if (keys.dtype !== x.dtype) throw at.invalid(`${x.dtype} looked up among ${keys.dtype}`);
      return [b.op("LookUp", [x, keys, values, fallback])];
    }),
  ),
  ...names("LookupTableSize LookupTableSizeV2").map((op) =>
    tfRule(op, [1, 1], {}, (b, [table], _, at) => [b.op("Size", [contentOf(table, at)[0]], { out_type: "int64" })]),
  ),
];
